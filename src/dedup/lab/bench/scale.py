"""How linking grows: the same on a set of made-up entries and on one of ten times as many records."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dedup.lab.bench.made_up import MadeUp, write_made_up
from dedup.lab.bench.material import made_once
from dedup.lab.bench.process import machine, measure_command

TIMES = 10


def bench_scale(
    folder: Path, *, records: int, seed: int, model: Path, processes: int, workers: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Link `records` made-up records and a tenth of them, each in a process of its own; bundles there are used again.

    `time_ratio` and `cpu_ratio` are the time from opening bundles to groups over that of the tenth.
    """
    before = machine()
    small, large = (
        _link(folder, MadeUp(count, seed), model, processes, workers, tell) for count in (records // TIMES, records)
    )
    return {
        "records": records,
        "ours": large,
        "tenth": small,
        "time_ratio": round(large["linking_seconds"] / small["linking_seconds"], 2),
        "cpu_ratio": round(large["linking_cpu_seconds"] / small["linking_cpu_seconds"], 2),
        "machine": before,
    }


def _link(
    folder: Path, made_up: MadeUp, model: Path, processes: int, workers: int, tell: Callable[[str], None]
) -> dict[str, Any]:
    bundles = folder / f"{made_up.records}-{made_up.seed}"

    def make(partial: Path) -> None:
        tell(f"Making up {made_up.records:,} records.")
        write_made_up(partial, made_up, model, processes=processes)

    made_once(bundles, make)
    tell(f"Linking {made_up.records:,} records.")
    timed = [sys.executable, "-m", "dedup.lab.bench.timed", "link", str(model), str(bundles), str(folder), str(workers)]
    measured = measure_command(timed, name="linking")
    return {"records": made_up.records, **measured.figures(), **json.loads(measured.output)}
