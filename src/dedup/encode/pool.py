"""Encodes on all cores: groups of extracts side by side, or the batches of one; the bytes do not depend on how many.

Worker processes are started afresh (not forked: numba and the C libraries hold threads and locks) and read the key
from its file themselves.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context

from dedup.bundle.payload import BundleBatch
from dedup.encode.attributes import bundle_attributes
from dedup.encode.job import EncodeOptions, Encoder, Outcome, Work, encode_extract, encode_together, open_encoder
from dedup.encode.records import BATCH_ROWS, table_parts
from dedup.encode.subkeys import derive_subkeys
from dedup.extract.values import NormalisedTable
from dedup.model.records import EncodedRecords

# Starting a worker takes longer than encoding a few megabytes of extract does.
WORTH_A_WORKER_BYTES = 4 << 20
# Extracts that are read together share the work on equal values; this many bytes of them are held at once.
GROUP_BYTES = 4 << 20


def encode_extracts(works: Sequence[Work], options: EncodeOptions, *, processes: int) -> Iterator[Outcome]:
    """Make a bundle of each extract and yield the outcomes as they come, in no fixed order.

    Raises `DedupError` before any work when a key, the model or the region table cannot be read.
    """
    encoder = open_encoder(options)
    workers = min(processes, max(1, sum(map(_size, works)) // WORTH_A_WORKER_BYTES))
    groups = grouped(works)
    if workers == 1:
        for group in groups:
            yield from encode_together(group, encoder)
        return
    with _started(workers) as pool:
        if len(works) == 1:
            yield encode_extract(works[0], encoder, batches=partial(_batches_side_by_side, pool, workers, encoder))
        else:
            futures = [pool.submit(_encode_in_worker, group, options) for group in groups]
            for future in as_completed(futures):
                yield from future.result()


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


def _started(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=gc.freeze)


def _encode_in_worker(works: Sequence[Work], options: EncodeOptions) -> list[Outcome]:
    return list(encode_together(works, open_encoder(options)))


def _batches_side_by_side(
    pool: ProcessPoolExecutor,
    workers: int,
    encoder: Encoder,
    table: NormalisedTable,
) -> Iterator[BundleBatch]:
    """Yield what `RecordEncoder.batches` yields, in its order, with at most two batches per worker in flight."""
    subkeys = derive_subkeys(encoder.key.secret)
    waiting: deque[tuple[NormalisedTable, Future[EncodedRecords]]] = deque()
    for part in table_parts(table, encoder.model, BATCH_ROWS):
        bare = NormalisedTable(part.ids, part.attributes, part.edd_week, clear=None)
        waiting.append((part, pool.submit(_encode_part, bare, encoder.options)))
        if len(waiting) >= 2 * workers:
            done, future = waiting.popleft()
            yield BundleBatch(bundle_attributes(done, subkeys), future.result())
    for done, future in waiting:
        yield BundleBatch(bundle_attributes(done, subkeys), future.result())


def _encode_part(part: NormalisedTable, options: EncodeOptions) -> EncodedRecords:
    return open_encoder(options).records.encode(part)
