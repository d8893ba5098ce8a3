"""Encodes groups of extracts side by side, on as many cores as pay off; the bytes do not depend on how many.

Worker processes are started afresh (not forked: numba and the C libraries hold threads and locks) and read the key
from its file themselves.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from dedup.encode.job import EncodeOptions, Outcome, Work, encode_together, open_encoder

# Starting a worker takes as much processor time as encoding some ten megabytes of extract does.
WORTH_A_WORKER_BYTES = 16 << 20
# Columns are lists of strings and tuples, among which the collector looks for cycles in vain.
FEW_COLLECTIONS = 50_000  # new containers from one look to the next
# Extracts that are read together share the work on equal values; this many bytes of them are held at once.
GROUP_BYTES = 8 << 20


def encode_extracts(works: Sequence[Work], options: EncodeOptions, *, processes: int) -> Iterator[Outcome]:
    """Make a bundle of each extract and yield the outcomes as they come, in no fixed order.

    Raises `DedupError` before any work when a key, the model or the region table cannot be read.
    """
    encoder = open_encoder(options)
    groups = grouped(works)
    workers = min(processes, len(groups), sum(map(_size, works)) // WORTH_A_WORKER_BYTES)
    if workers <= 1:
        for group in groups:
            yield from encode_together(group, encoder)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=collect_seldom) as pool:
        futures = [pool.submit(_encode_in_worker, group, options) for group in groups]
        for future in as_completed(futures):
            yield from future.result()


def collect_seldom() -> None:
    """Spare Python's cyclic collector what is not worth looking at, in a process that does nothing but encode.

    What was imported stays, so it need not be gone through; and new containers may be many before it looks at all.
    """
    gc.freeze()
    gc.set_threshold(FEW_COLLECTIONS)


def grouped(works: Sequence[Work]) -> list[list[Work]]:
    """Return the works in their order, in groups of at most `GROUP_BYTES` of extracts, or of one larger extract."""
    groups: list[list[Work]] = []
    room = 0
    for work in works:
        if _size(work) > room or not groups:
            groups.append([])
            room = GROUP_BYTES
        groups[-1].append(work)
        room -= _size(work)
    return groups


def _size(work: Work) -> int:
    return work.extract.stat().st_size if work.extract.is_file() else 0


def _encode_in_worker(works: Sequence[Work], options: EncodeOptions) -> list[Outcome]:
    return list(encode_together(works, open_encoder(options)))
