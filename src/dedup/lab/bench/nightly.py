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
from dedup.lab.installation import build_installation, submit
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
    tell(f"Simulating {registrations:,} registrations of {providers} providers in {ksvs} KSVs.")
    settings = SimulationSettings(
        registrations=registrations,
        doubles=DOUBLES,
        seed=SEED,
        day=day,
        providers=providers,
        ksvs=ksvs,
        regions=read_regions(config / "regions.csv"),
    )
    installation = build_installation(folder, generate(settings), config=config, created=now)
    tell("Encoding, which is not counted.")
    outcomes = list(submit(installation, today=day, created=now, processes=cores))
    if not all(isinstance(outcome, Encoded) for outcome in outcomes):
        raise BenchError("bench.not-encoded", "Not every extract became a bundle.")
    tell("Running the night.")
    measured = measure(["nightly", "--config", str(folder / "config"), "--date", day.isoformat(), "--json"])
    night = json.loads(measured.output)
    sent = sum(outcome.records for outcome in outcomes if isinstance(outcome, Encoded))
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
