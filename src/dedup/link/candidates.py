"""Candidate pairs: which records share a block, found by sorting each pass's tokens and pairing inside equal runs.

One pair found through one block is a *hit*. A pair found through several blocks has as many hits, each with sketches
made by other hash functions. Hits are counted per left record first, so that they can be written straight to their
place in slices of bounded size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries

# About this many entries share a bucket of top bits, and are sorted by insertion.
_BUCKET = 4
_BITS_SET = np.array([value.bit_count() for value in range(256)], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of one pass that hold a pair: block b is `order[start[b]:start[b] + length[b]]`, indices of entries.

    Blocks of more than the engine's largest size are left out and only counted, in blocks and in entries.
    """

    entries: PassEntries
    order: NDArray[np.uint32]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    skipped_blocks: int
    skipped_entries: int

    def pair_count(self) -> int:
        """Return how many pairs of entries share a token, those of the blocks that were left out not counted."""
        return int((self.length * (self.length - 1) // 2).sum())


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits of the left records `first_left <= left < last_left`, those of one left record beside one another.

    The hits of `left` are `offsets[left - first_left]` to `offsets[left - first_left + 1]`; `right` is int32[h],
    always above left; `via` is uint8[h], the index of the pass; `distance` is uint16[h, f], Hamming distances per field
    of the model, undefined for fields that the pass omits.
    """

    first_left: int
    last_left: int
    offsets: NDArray[np.int64]
    right: NDArray[np.int32]
    via: NDArray[np.uint8]
    distance: NDArray[np.uint16]


def find_blocks(entries: PassEntries, max_block: int) -> Blocks:
    """Sort the entries of a pass by token (any order may come in) and return the blocks of 2 to `max_block` entries."""
    words = np.ascontiguousarray(entries.token).view(np.uint64)
    order = _order_by_token(words)
    start, length = _runs(words, order)
    small = length <= max_block
    return Blocks(
        entries=entries,
        order=order,
        start=start[small],
        length=length[small],
        skipped_blocks=int((~small).sum()),
        skipped_entries=int(length[~small].sum()),
    )


def check_shapes(records: EncodedRecords, model: LinkageModel) -> None:
    """Raise `BundleError` (`link.shape`) unless the records have the model's passes, widths and row numbers."""
    if [entries.number for entries in records.passes] != [linkage_pass.number for linkage_pass in model.passes]:
        raise BundleError("link.shape", "The records were encoded with other passes than the model's.")
    for entries, linkage_pass in zip(records.passes, model.passes, strict=True):
        count = len(entries.row)
        fits = entries.token.shape == (count, TOKEN_BYTES)
        fits = fits and entries.sketch.shape == (count, model.sketch_bytes(linkage_pass))
        if not fits or (count and int(entries.row.max()) >= len(records)):
            raise BundleError("link.shape", f"The entries of pass {entries.number} do not fit the model.")


def hits_in_slices(blocks: tuple[Blocks, ...], model: LinkageModel, records: int, max_hits: int) -> Iterator[Hits]:
    """Yield all hits in slices of consecutive left records, each of about `max_hits` hits."""
    counts = np.zeros(records, dtype=np.int64)
    for block in blocks:
        _count_hits(block.order, block.start, block.length, block.entries.row, counts)
    total = np.concatenate(([0], np.cumsum(counts)))
    first = 0
    while first < records:
        last = int(np.searchsorted(total, total[first] + max_hits, side="right")) - 1
        last = min(max(last, first + 1), records)
        if total[last] > total[first]:
            yield _slice_of_hits(blocks, model, first, last, total[first : last + 1] - total[first])
        first = last


def _slice_of_hits(
    blocks: tuple[Blocks, ...], model: LinkageModel, first: int, last: int, offsets: NDArray[np.int64]
) -> Hits:
    size = int(offsets[-1])
    right = np.empty(size, dtype=np.int32)
    via = np.empty(size, dtype=np.uint8)
    distance = np.zeros((size, len(model.fields)), dtype=np.uint16)
    cursor = offsets[:-1].copy()
    for index, (block, linkage_pass) in enumerate(zip(blocks, model.passes, strict=True)):
        carried = model.pass_fields(linkage_pass)
        edges = np.cumsum([0, *(field.bits // 8 for field in carried)]).astype(np.int64)
        field_index = np.array([model.fields.index(field) for field in carried], dtype=np.int64)
        entries = block.entries
        _emit(
            block.order,
            block.start,
            block.length,
            entries.row,
            entries.sketch,
            edges,
            field_index,
            index,
            first,
            last,
            cursor,
            right,
            via,
            distance,
            _BITS_SET,
        )
    return Hits(first_left=first, last_left=last, offsets=offsets, right=right, via=via, distance=distance)


@njit(cache=True)
def _order_by_token(words: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Sort by token in linear time: tokens are HMAC values, so their top bits spread evenly over buckets."""
    size = len(words)
    bits = 1
    while (1 << bits) * _BUCKET < size:
        bits += 1
    shift = np.uint64(64 - bits)
    at = np.zeros((1 << bits) + 1, dtype=np.int64)
    for i in range(size):
        at[np.int64(words[i, 0] >> shift) + 1] += 1
    for b in range(1 << bits):
        at[b + 1] += at[b]
    ends = at[1:].copy()
    order = np.empty(size, dtype=np.uint32)
    for i in range(size):
        bucket = np.int64(words[i, 0] >> shift)
        order[at[bucket]] = i
        at[bucket] += 1
    begin = np.int64(0)
    for b in range(1 << bits):
        for i in range(begin + 1, ends[b]):
            entry = order[i]
            high, low = words[entry, 0], words[entry, 1]
            j = i
            while j > begin:
                other = order[j - 1]
                if words[other, 0] < high or (words[other, 0] == high and words[other, 1] <= low):
                    break
                order[j] = other
                j -= 1
            order[j] = entry
        begin = np.int64(ends[b])
    return order


@njit(cache=True)
def _runs(words: NDArray[np.uint64], order: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return start and length of every run of two or more equal tokens."""
    size = len(order)
    start = np.empty(size // 2, dtype=np.int64)
    length = np.empty(size // 2, dtype=np.int64)
    found = 0
    i = 0
    while i < size:
        j = i + 1
        while j < size and (words[order[j], 0] == words[order[i], 0] and words[order[j], 1] == words[order[i], 1]):
            j += 1
        if j - i > 1:
            start[found] = i
            length[found] = j - i
            found += 1
        i = j
    return start[:found].copy(), length[:found].copy()


@njit(cache=True)
def _count_hits(
    order: NDArray[np.uint32],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    row: NDArray[np.uint32],
    counts: NDArray[np.int64],
) -> None:
    """Add one to the count of the left (smaller) record of every hit."""
    for b in range(len(start)):
        for i in range(start[b], start[b] + length[b]):
            for j in range(i + 1, start[b] + length[b]):
                one, other = row[order[i]], row[order[j]]
                if one != other:
                    counts[min(one, other)] += 1


@njit(cache=True)
def _emit(
    order: NDArray[np.uint32],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    row: NDArray[np.uint32],
    sketch: NDArray[np.uint8],
    edges: NDArray[np.int64],
    field_index: NDArray[np.int64],
    pass_index: int,
    first: int,
    last: int,
    cursor: NDArray[np.int64],
    right: NDArray[np.int32],
    via: NDArray[np.uint8],
    distance: NDArray[np.uint16],
    bits_set: NDArray[np.uint8],
) -> None:
    """Write the hits of one pass whose left record lies in the slice, with a Hamming distance per carried field."""
    for b in range(len(start)):
        for i in range(start[b], start[b] + length[b]):
            for j in range(i + 1, start[b] + length[b]):
                one, other = order[i], order[j]
                low, high = row[one], row[other]
                if low > high:
                    low, high = high, low
                if low == high or low < first or low >= last:
                    continue
                at = cursor[low - first]
                cursor[low - first] += 1
                right[at] = high
                via[at] = pass_index
                for f in range(len(field_index)):
                    differ = 0
                    for byte in range(edges[f], edges[f + 1]):
                        differ += bits_set[sketch[one, byte] ^ sketch[other, byte]]
                    distance[at, field_index[f]] = differ
