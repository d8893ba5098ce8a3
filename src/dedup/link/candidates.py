"""Candidate pairs: which records share a block, found by sorting each pass's tokens and pairing inside equal runs.

One pair found through one block is a *hit*. A pair found through several blocks has as many hits, each with sketches
made by other hash functions. Hits are gathered record by record, the left one of each pair, in slices of bounded size
that know nothing of one another: they can be made one after another or on several threads.
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

    The entries of a block are in the order of their rows. Blocks of more than the engine's largest size are left out
    and only counted, in blocks and in entries.
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


def find_blocks(entries: PassEntries, max_block: int, *, grouped: bool = False) -> Blocks:
    """Return the blocks of 2 to `max_block` entries of a pass.

    Entries may come in any order and are sorted by token first; not so if they are `grouped`: those of one token then
    have to stand beside one another, or pairs are lost.
    """
    words = entries.token.view(">u8").astype(np.uint64)
    order = np.arange(len(words), dtype=np.uint32) if grouped else _order_by_token(words)
    start, length = _runs(words, order)
    small = length <= max_block
    blocks = Blocks(
        entries=entries,
        order=order,
        start=start[small],
        length=length[small],
        skipped_blocks=int((~small).sum()),
        skipped_entries=int(length[~small].sum()),
    )
    _sort_rows(order, blocks.start, blocks.length, entries.row)
    return blocks


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
    plan = plan_hits(blocks, model, records, max_hits)
    return (hits_of(plan, *part) for part in plan.slices)


@dataclass(frozen=True, slots=True)
class HitPlan:
    """Where the hits of every left record are to be found, and how the records are divided into slices.

    The entries of record r that have others after them in their block are `first[r]` to `first[r + 1]` in `via`
    (uint8, the index of the pass), `at` (uint32, its place in the pass's order) and `end` (uint32, its block's end);
    `total[r]` is the number of hits of the records before r. `slices` are (first, last) left records.
    """

    blocks: tuple[Blocks, ...]
    model: LinkageModel
    first: NDArray[np.int64]
    via: NDArray[np.uint8]
    at: NDArray[np.uint32]
    end: NDArray[np.uint32]
    total: NDArray[np.int64]
    slices: tuple[tuple[int, int], ...]


def plan_hits(blocks: tuple[Blocks, ...], model: LinkageModel, records: int, max_hits: int) -> HitPlan:
    """Divide the hits into slices of consecutive left records, each of about `max_hits` hits."""
    first = np.zeros(records + 1, np.int64)
    total = np.zeros(records + 1, np.int64)
    for block in blocks:
        _count_hits(block.order, block.start, block.length, block.entries.row, first[1:], total[1:])
    np.cumsum(first, out=first)
    np.cumsum(total, out=total)
    size = int(first[-1])
    via, at, end = np.empty(size, np.uint8), np.empty(size, np.uint32), np.empty(size, np.uint32)
    cursor = first[:-1].copy()
    for index, block in enumerate(blocks):
        _list_entries(block.order, block.start, block.length, block.entries.row, index, cursor, via, at, end)
    slices = []
    begin = 0
    while begin < records and total[-1] > total[begin]:
        last = int(np.searchsorted(total, total[begin] + max_hits, side="right")) - 1
        last = min(max(last, begin + 1), records)
        if total[last] > total[begin]:
            slices.append((begin, last))
        begin = last
    return HitPlan(blocks, model, first, via, at, end, total, tuple(slices))


def hits_of(plan: HitPlan, first: int, last: int) -> Hits:
    """Return the hits of one slice of a plan; safe to call from several threads."""
    model = plan.model
    offsets = plan.total[first : last + 1] - plan.total[first]
    size = int(offsets[-1])
    right = np.empty(size, dtype=np.int32)
    via = np.empty(size, dtype=np.uint8)
    distance = np.zeros((size, len(model.fields)), dtype=np.uint16)
    cursor = offsets[:-1].copy()
    for index, (block, linkage_pass) in enumerate(zip(plan.blocks, model.passes, strict=True)):
        carried = model.pass_fields(linkage_pass)
        edges = np.cumsum([0, *(field.bits // 8 for field in carried)]).astype(np.int64)
        field_index = np.array([model.fields.index(field) for field in carried], dtype=np.int64)
        entries = block.entries
        _emit(
            plan.first,
            plan.via,
            plan.at,
            plan.end,
            block.order,
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


@njit(cache=True, nogil=True)
def _order_by_token(words: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Sort by token in linear time: tokens are HMAC values, so their top bits spread evenly over buckets."""
    size = len(words)
    sorted_to = 1
    while sorted_to < size and (
        words[sorted_to - 1, 0] < words[sorted_to, 0]
        or (words[sorted_to - 1, 0] == words[sorted_to, 0] and words[sorted_to - 1, 1] <= words[sorted_to, 1])
    ):
        sorted_to += 1
    if sorted_to >= size:
        return np.arange(size).astype(np.uint32)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _sort_rows(
    order: NDArray[np.uint32], start: NDArray[np.int64], length: NDArray[np.int64], row: NDArray[np.uint32]
) -> None:
    """Sort the entries of every block by row; blocks are small and mostly sorted, so by insertion."""
    for b in range(len(start)):
        for i in range(start[b] + 1, start[b] + length[b]):
            entry = order[i]
            j = i
            while j > start[b] and row[order[j - 1]] > row[entry]:
                order[j] = order[j - 1]
                j -= 1
            order[j] = entry


@njit(cache=True, nogil=True)
def _count_hits(
    order: NDArray[np.uint32],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    row: NDArray[np.uint32],
    entries: NDArray[np.int64],
    hits: NDArray[np.int64],
) -> None:
    """Add, for every record, its entries that others follow in their block, and how many follow them."""
    for b in range(len(start)):
        end = start[b] + length[b]
        for i in range(start[b], end - 1):
            record = row[order[i]]
            entries[record] += 1
            for j in range(i + 1, end):
                hits[record] += row[order[j]] != record


@njit(cache=True, nogil=True)
def _list_entries(
    order: NDArray[np.uint32],
    start: NDArray[np.int64],
    length: NDArray[np.int64],
    row: NDArray[np.uint32],
    pass_index: int,
    cursor: NDArray[np.int64],
    via: NDArray[np.uint8],
    at: NDArray[np.uint32],
    end: NDArray[np.uint32],
) -> None:
    """List the entries of one pass that others follow in their block, each in the place of its record."""
    for b in range(len(start)):
        stop = start[b] + length[b]
        for i in range(start[b], stop - 1):
            record = row[order[i]]
            place = cursor[record]
            cursor[record] += 1
            via[place] = pass_index
            at[place] = i
            end[place] = stop


@njit(cache=True, nogil=True)
def _emit(
    first_entry: NDArray[np.int64],
    entry_via: NDArray[np.uint8],
    entry_at: NDArray[np.uint32],
    entry_end: NDArray[np.uint32],
    order: NDArray[np.uint32],
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
    for left in range(first, last):
        for item in range(first_entry[left], first_entry[left + 1]):
            if entry_via[item] != pass_index:
                continue
            one = order[entry_at[item]]
            for other in order[entry_at[item] + 1 : entry_end[item]]:
                if row[other] == left:
                    continue
                at = cursor[left - first]
                cursor[left - first] += 1
                right[at] = row[other]
                via[at] = pass_index
                for f in range(len(field_index)):
                    differ = 0
                    for byte in range(edges[f], edges[f + 1]):
                        differ += bits_set[sketch[one, byte] ^ sketch[other, byte]]
                    distance[at, field_index[f]] = differ
