"""How long a night takes: sealed bundles in the inbox become reports for all KSVs; encoding is not counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dedup.encode.job import Encoded
from dedup.lab.bench.process import BenchError, machine, measure
from dedup.lab.installation import Installation, build_installation, submit
from dedup.lab.simulate import SimulationSettings, generate
from dedup.regions import read_regions

DOUBLES = 0.08
SEED = 20_261_001


def bench_nightly(
    folder: Path,
    *,
    registrations: int,
    providers: int,
    ksvs: int,
    config: Path,
    cores: int,
    now: datetime,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Build an installation in `folder` (new or empty), fill its inbox, and measure `dedup nightly` on it.

    Raises `BenchError` when the command fails or when not every extract became a bundle.
    """
    day = now.astimezone(ZoneInfo("Europe/Amsterdam")).date()
    settings = SimulationSettings(
        registrations=registrations,
        doubles=DOUBLES,
        seed=SEED,
        day=day,
        providers=providers,
        ksvs=ksvs,
        regions=read_regions(config / "regions.csv"),
    )
    _, outcomes = filled_installation(folder, settings, config=config, cores=cores, now=now, tell=tell)
    tell("Running the night.")
    measured = measure(["nightly", "--config", str(folder / "config"), "--date", day.isoformat(), "--json"])
    night = json.loads(measured.output)
    sent = sum(outcome.records for outcome in outcomes)
    return {
        "records": sent,
        "providers": len(outcomes),
        "ours": {
            **measured.figures(),
            "records_per_second": round(sent / measured.seconds),
            "stages": {stage["stage"]: stage["seconds"] for stage in night["stages"]},
            "reports": len(night["reports"]),
        },
        "peers": {},
        "machine": machine(),
    }


def filled_installation(
    folder: Path, settings: SimulationSettings, *, config: Path, cores: int, now: datetime, tell: Callable[[str], None]
) -> tuple[Installation, list[Encoded]]:
    """Make an installation in `folder` (new or empty) from a simulation, with all its bundles in the inbox.

    Raises `BenchError` (`bench.not-encoded`) when not every extract became a bundle.
    """
    tell(f"Simulating {settings.registrations:,} registrations.")
    installation = build_installation(folder, generate(settings), config=config, created=now)
    tell("Encoding.")
    outcomes = list(submit(installation, today=settings.day, created=now, processes=cores))
    encoded = [outcome for outcome in outcomes if isinstance(outcome, Encoded)]
    if len(encoded) < len(outcomes):
        raise BenchError("bench.not-encoded", "Not every extract became a bundle.")
    return installation, encoded
