"""How well findings are judged: a made-up first night, from extracts to findings, scored against its truth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from dedup.lab.bench.nightly import filled_installation
from dedup.lab.evaluate import evaluate
from dedup.lab.simulate import SimulationSettings
from dedup.nightly.night import FINDINGS_FILE, open_night
from dedup.nightly.run import run_night
from dedup.regions import read_regions


def bench_findings(
    folder: Path,
    *,
    registrations: int,
    doubles: float,
    seed: int,
    day: date,
    config: Path,
    cores: int,
    clock: Callable[[], datetime],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Build an installation in `folder` (new or empty), run its first night, and return what `dedup evaluate` says.

    Only what the extracts send is counted. Raises `BenchError` when not every extract became a bundle, and
    `FailedReports` when a report could not be written.
    """
    settings = SimulationSettings(
        registrations=registrations, doubles=doubles, seed=seed, day=day, regions=read_regions(config / "regions.csv")
    )
    installation, _ = filled_installation(folder, settings, config=config, cores=cores, now=clock(), tell=tell)
    tell("Running the night.")
    with open_night(installation.settings, today=day, clock=clock) as night:
        run_night(night).raise_for_reports()
        found = night.out / FINDINGS_FILE
    return evaluate(installation.truth, pairs_path=None, findings_path=found, extracts=folder)
