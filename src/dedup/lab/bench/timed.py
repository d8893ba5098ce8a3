"""Where `dedup encode` and `dedup link` spend their time: the functions that they call, clocked between the stages.

Run as a process of its own, `python -m dedup.lab.bench.timed encode|link ...`, so that compiled kernels are loaded anew
as they are for a user. Starting Python and importing modules is not in these clocks, those included that numba imports
when anything compiled is called for the first time; the process as a whole is measured from outside.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from numba import njit

from dedup.bundle.keyfiles import IngestKey
from dedup.bundle.payload import BundleBatch
from dedup.encode.job import Encoded, Work, encode_together, open_encoder
from dedup.encode.pool import collect_seldom, grouped
from dedup.extract.values import NormalisedTable
from dedup.lab.bench.limits import machine_limits
from dedup.lab.bench.material import encode_options
from dedup.lab.bench.process import BenchError
from dedup.lab.linking import find_bundles, link_bundles, result_digest, write_linkage
from dedup.model.load import load_model

THRESHOLD = 0.5


class Clock:
    """Adds up the seconds of named stages, by the wall's clock and by the processor's: (wall, processor)."""

    def __init__(self) -> None:
        self.stages: dict[str, tuple[float, float]] = {}
        self._last = time.perf_counter(), time.process_time()

    def done(self, stage: str) -> None:
        """Count the time since the last call under this stage."""
        now = time.perf_counter(), time.process_time()
        wall, processor = self.stages.get(stage, (0.0, 0.0))
        self.stages[stage] = wall + now[0] - self._last[0], processor + now[1] - self._last[1]
        self._last = now

    def wall(self) -> float:
        """Return the seconds of all stages so far by the wall's clock."""
        return sum(wall for wall, _ in self.stages.values())

    def processor(self) -> float:
        """Return the seconds of all stages so far by the processor's clock."""
        return sum(processor for _, processor in self.stages.values())

    def to_json(self) -> dict[str, dict[str, float]]:
        """Return both clocks per stage, rounded to milliseconds."""
        return {
            "stages": {stage: round(wall, 3) for stage, (wall, _) in self.stages.items()},
            "cpu_stages": {stage: round(processor, 3) for stage, (_, processor) in self.stages.items()},
        }


def encode(
    key: Path, model: Path, regions: Path | None, day: date, out: Path, extracts: Sequence[Path]
) -> dict[str, Any]:
    """Encode extracts into unsealed bundles as `dedup encode` does; stages: read (check, normalise), encode, write.

    The region table is no part of a vendor's every extract and is read before the clock starts.
    """
    options = encode_options(key, model=model, regions=regions, day=day, now=datetime.now(UTC))
    encoder = open_encoder(options)
    works = [Work(extract, out / f"{extract.stem}.bundle", secrets.token_hex(16)) for extract in extracts]
    records = 0
    _import_all_of_numba()
    collect_seldom()
    clock = Clock()

    def clocked(tables: Sequence[NormalisedTable]) -> Iterator[Iterable[BundleBatch]]:
        clock.done("read")
        for batches in encoder.records.batches_of_each(tables):
            clock.done("encode")
            yield clocked_batches(batches)
            clock.done("write")

    def clocked_batches(batches: Iterable[BundleBatch]) -> Iterator[BundleBatch]:
        clock.done("write")
        for batch in batches:
            clock.done("encode")
            yield batch
            clock.done("write")

    for group in grouped(works):
        for outcome in encode_together(group, encoder, encode=clocked):
            if not isinstance(outcome, Encoded):
                raise BenchError("bench.not-encoded", f"{outcome.work.extract.name} did not become a bundle.")
            records += outcome.records
            clock.done("write")
    return clock.to_json() | {"records": records}


def link(model: Path, bundles: Path, out: Path, workers: int) -> dict[str, Any]:
    """Link a folder of bundles, clocked from opening the first of them; stages: as `link_bundles` tells them, write.

    `table` gives for each stage its bytes and which share of a limit of this machine it reaches with so many cores.
    """
    limits = machine_limits()
    chosen, found = load_model(model), find_bundles([bundles])
    _import_all_of_numba()
    clock = Clock()
    linked = link_bundles(
        found,
        chosen,
        opened_with=None,
        key=IngestKey.generate(),
        threshold=THRESHOLD,
        workers=workers,
        on_stage=clock.done,
    )
    seconds = {"linking_seconds": round(clock.wall(), 3), "linking_cpu_seconds": round(clock.processor(), 3)}
    write_linkage(linked, out / "pairs.parquet", out / "groups.parquet")
    clock.done("write")
    volume, pairs = linked.volume, linked.linkage.pairs
    worked_on = {
        "survey": (volume.bundles, "sha256"),
        "take": (volume.bundles, "copy"),  # held in memory or read again, but hashed no more
        "ids": (volume.ids, "copy"),
        "rekey": (volume.stream, "aes"),
        "blocks": (volume.entries, "copy"),
        "compare": (pairs.levels.nbytes + pairs.left.nbytes + pairs.right.nbytes, "copy"),
    }
    table = {
        stage: {
            "bytes": size,
            "limit": limit,
            "share_of_limit": round(size / clock.stages[stage][0] / (limits[limit] * workers), 4),
        }
        for stage, (size, limit) in worked_on.items()
    }
    return (
        clock.to_json()
        | seconds
        | {
            "workers": workers,
            "table": table,
            "bytes_per_second": {limit: round(rate) for limit, rate in limits.items()},
            "result_digest": result_digest(linked),
        }
    )


@njit(cache=True)
def _import_all_of_numba() -> None:
    """Do nothing, compiled: calling it is what makes numba import its 200 modules."""


def main() -> None:
    """Run one of the two with its arguments from the command line, paths in the order of the parameters."""
    command, *arguments = sys.argv[1:]
    if command == "encode":
        key, model, regions, day, out, *extracts = arguments
        places = [Path(extract) for extract in extracts]
        known = Path(regions) if regions else None
        result = encode(Path(key), Path(model), known, date.fromisoformat(day), Path(out), places)
    else:
        model, bundles, out, workers = arguments
        result = link(Path(model), Path(bundles), Path(out), int(workers))
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
