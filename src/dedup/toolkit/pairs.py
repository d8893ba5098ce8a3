"""What the plug-ins ask of the engine, in one place: which records share a block, and how given pairs compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.link.candidates import Blocks, Hits, find_blocks
from dedup.link.compare import ComparedPairs, compare
from dedup.link.concatenate import concatenate
from dedup.link.levels import level_rules
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords, PassEntries
from dedup.toolkit.frame import EncodedTable, SketchArray, ToolkitError


@dataclass(frozen=True, slots=True)
class Chosen:
    """The records of one frame or two: `rows` int64[n] of `table`, of which the first `left` are the first frame's."""

    table: EncodedTable
    rows: NDArray[np.int64]
    left: int


@dataclass(frozen=True, slots=True)
class PairHits:
    """Pairs with what all their common blocks show: `hits` as the engine has them, and where each pair's are.

    The p pairs are in ascending order of records, `place` int64[p] being each one's place in what was asked for;
    `owner` int64[h] is the pair of every hit.
    """

    place: NDArray[np.int64]
    owner: NDArray[np.int64]
    hits: Hits


def together(left: SketchArray, right: SketchArray | None = None) -> Chosen:
    """Return the records of a frame's rows, or of two frames' rows behind one another.

    Raises `ToolkitError` (`toolkit.other-model`) for frames of two models.
    """
    if right is None:
        return Chosen(left.table, left.row, len(left))
    if left.table.model.digest != right.table.model.digest:
        raise ToolkitError("toolkit.other-model", "The two frames were encoded with different linkage models.")
    table, shift = left.table, 0
    if left.table is not right.table:
        joint = concatenate([left.table.records, right.table.records], table.model)
        table, shift = EncodedTable(joint, table.model), len(left.table.records)
    return Chosen(table, np.concatenate([left.row, right.row + shift]), len(left))


def records_of(chosen: Chosen) -> EncodedRecords:
    """Return the chosen records as records of their own, in the order of the rows; a row of no record has no entry.

    Raises `ToolkitError` (`toolkit.record-twice`) when a record is chosen twice: it would be paired with itself.
    """
    records, there = chosen.table.records, chosen.rows >= 0
    place = np.full(len(records), -1, dtype=np.int64)
    place[chosen.rows[there]] = np.flatnonzero(there)
    if (place >= 0).sum() < there.sum():
        raise ToolkitError(
            "toolkit.record-twice", "A record is in both frames, or twice in one; take every record once."
        )
    presence, edd_week = np.zeros(len(there), np.uint32), np.full(len(there), -1, np.int32)
    presence[there], edd_week[there] = records.presence[chosen.rows[there]], records.edd_week[chosen.rows[there]]
    return EncodedRecords(
        presence=presence,
        edd_week=edd_week,
        passes=tuple(_kept(entries, place) for entries in records.passes),
    )


def _kept(entries: PassEntries, place: NDArray[np.int64]) -> PassEntries:
    row = place[entries.row]
    kept = row >= 0
    return PassEntries(
        number=entries.number, row=row[kept].astype(np.uint32), token=entries.token[kept], sketch=entries.sketch[kept]
    )


def candidates(records: EncodedRecords, max_block: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return int64[p] twice, the lower and the higher record of every pair that shares a block, in ascending order."""
    size = np.int64(len(records))
    keys = [np.empty(0, dtype=np.int64)]
    for entries in records.passes:
        blocks = find_blocks(entries, max_block)
        for length in np.unique(blocks.length):
            starts = blocks.start[blocks.length == length]
            rows = entries.row[blocks.order[starts[:, None] + np.arange(length)]].astype(np.int64)
            one, other = np.triu_indices(int(length), 1)
            a, b = rows[:, one].ravel(), rows[:, other].ravel()
            keys.append((np.minimum(a, b) * size + np.maximum(a, b))[a != b])
    lower, higher = np.divmod(np.unique(np.concatenate(keys)), np.int64(max(len(records), 1)))
    return lower, higher


def shared_values(records: EncodedRecords, pass_index: int, left: int, max_block: int) -> int:
    """Return how many pairs of entries of a pass share a block; with two frames, one of each (`left` of the first)."""
    entries = records.passes[pass_index]
    blocks = find_blocks(entries, max_block)
    if left == len(records):
        return blocks.pair_count()
    first = np.append(0, np.cumsum(entries.row[blocks.order] < left))
    of_first = first[blocks.start + blocks.length] - first[blocks.start]
    return int((of_first * (blocks.length - of_first)).sum())


def hits_of_pairs(table: EncodedTable, one: NDArray[np.int64], other: NDArray[np.int64]) -> PairHits:
    """Return every common block of the given pairs of records, whatever its size, with the distances in it.

    Raises `ToolkitError` (`toolkit.not-comparable`) when a pair shares no block: its sketches were made with different
    hash functions, so there is nothing to compare.
    """
    records, model = table.records, table.model
    lower, higher = np.minimum(one, other), np.maximum(one, other)
    place = np.lexsort((higher, lower))
    lower, higher = lower[place], higher[place]
    found = [_common_blocks(entries, lower, higher, len(records)) for entries in records.passes]
    via = np.repeat(np.arange(len(found), dtype=np.uint8), [len(owner) for owner, _, _ in found])
    owner = np.concatenate([np.empty(0, dtype=np.int64), *(owner for owner, _, _ in found)])
    distance = np.concatenate(
        [np.empty((0, len(model.fields)), dtype=np.uint16)]
        + [_distances(model, index, records.passes[index], a, b) for index, (_, a, b) in enumerate(found)]
    )
    if len(np.unique(owner)) < len(lower):
        raise ToolkitError(
            "toolkit.not-comparable", "Some pairs share no block and cannot be compared; take those of BlockTokens."
        )
    order = np.argsort(owner, kind="stable")
    owner = owner[order]
    hits = Hits(
        first_left=0,
        last_left=len(records),
        offsets=np.searchsorted(lower[owner], np.arange(len(records) + 1)).astype(np.int64),
        right=higher[owner].astype(np.int32),
        via=via[order],
        distance=distance[order],
    )
    return PairHits(place, owner, hits)


def compared(table: EncodedTable, found: PairHits) -> ComparedPairs:
    """Return levels and patterns of the pairs, in the order of `found`."""
    return compare(found.hits, table.records, table.model, level_rules(table.model))


def similarity(table: EncodedTable, found: PairHits, field: int) -> NDArray[np.float64]:
    """Return float64[p], how similar the pairs are in a field (an index), on the scale of the model's thresholds.

    0 is what unlike values have, 1 what equal ones have; 1 as well where every common block fixes the field. NaN where
    a record lacks it.
    """
    records, model = table.records, table.model
    named = model.fields[field]
    carries = np.array([named.name not in linkage_pass.omits for linkage_pass in model.passes], dtype=np.bool_)
    carried = carries[found.hits.via]
    pairs = len(found.place)
    differ = np.bincount(found.owner[carried], found.hits.distance[carried, field], minlength=pairs)
    bits = np.bincount(found.owner[carried], minlength=pairs) * named.bits
    values = np.where(bits > 0, 1.0 - 2.0 * differ / np.maximum(bits, 1), 1.0)
    first = np.searchsorted(found.owner, np.arange(pairs))
    lower = np.repeat(np.arange(len(records)), np.diff(found.hits.offsets))[first]
    both = records.presence[lower] & records.presence[found.hits.right[first]]
    known = (both >> np.uint32(field)) & np.uint32(1)
    return np.where(known == 1, values.clip(0.0, 1.0), np.nan)


def _common_blocks(
    entries: PassEntries, lower: NDArray[np.int64], higher: NDArray[np.int64], records: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return int64[h] each: the pair of every common block of a pass, and both records' entries in it."""
    blocks = find_blocks(entries, len(entries.row))
    entry, block = _entries_in_blocks(blocks)
    by_row = np.lexsort((block, entries.row[entry]))
    entry, block = entry[by_row], block[by_row]
    start = np.searchsorted(entries.row[entry], np.arange(records + 1))
    number = max(len(blocks.start), 1)
    sides = []
    for rows in (lower, higher):
        pair, at = _in_ranges(start[rows], start[rows + 1] - start[rows])
        sides.append((pair * number + block[at], entry[at]))
    (one_key, one_entry), (other_key, other_entry) = sides
    key, a, b = np.intersect1d(one_key, other_key, assume_unique=True, return_indices=True)
    return key // number, one_entry[a], other_entry[b]


def _entries_in_blocks(blocks: Blocks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every entry that stands in a block with another one, and the number of that block."""
    block, at = _in_ranges(blocks.start, blocks.length)
    return blocks.order[at].astype(np.int64), block


def _in_ranges(start: NDArray[np.int64], length: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the range of every number that ranges hold, and the number: start[i], start[i] + 1, ... for each i."""
    which = np.repeat(np.arange(len(start)), length)
    return which, np.arange(len(which)) + np.repeat(start - (np.cumsum(length) - length), length)


def _distances(
    model: LinkageModel, pass_index: int, entries: PassEntries, one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.uint16]:
    """Return uint16[h, f]: in how many bits two entries differ in each field of the model, 0 if the pass omits it."""
    distance = np.zeros((len(one), len(model.fields)), dtype=np.uint16)
    start = 0
    for field in model.pass_fields(model.passes[pass_index]):
        end = start + field.bits // 8
        unlike = np.bitwise_count(entries.sketch[one, start:end] ^ entries.sketch[other, start:end])
        distance[:, model.fields.index(field)] = unlike.sum(axis=1, dtype=np.uint16)
        start = end
    return distance
