"""All entries of encoded records in one list, with the names' bits only, for attacks that look at single entries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dedup.lab.simulate.columns import Numbers
from dedup.model.linkage import Field, LinkageModel, TokenRule
from dedup.model.records import EncodedRecords


@dataclass(frozen=True, slots=True)
class NameEntries:
    """The e entries of records that have all names, sorted by row.

    `row` is int64[e]; `block` int64[e] numbers the blocks, equal for entries of one block; `position` int64[e] is the
    pass's place in the model; `bits` is bool[e, b], the sketches of the fields that every pass carries as bigrams.
    """

    row: Numbers
    block: Numbers
    position: Numbers
    bits: NDArray[np.bool_]


def name_fields(model: LinkageModel) -> tuple[Field, ...]:
    """Return the fields of bigrams that every pass carries: the names."""
    omitted = {name for linkage_pass in model.passes for name in linkage_pass.omits}
    return tuple(f for f in model.fields if f.tokens is TokenRule.BIGRAMS and f.name not in omitted)


def name_entries(records: EncodedRecords, model: LinkageModel) -> NameEntries:
    """Gather the entries; a thief can do so from what he stole, as presence bits, tokens and layout are plain."""
    fields = name_fields(model)
    complete = np.ones(len(records), np.bool_)
    for field in fields:
        complete &= (records.presence >> np.uint32(model.fields.index(field))) & 1 == 1
    rows, blocks, positions, bits = [], [], [], []
    seen = 0
    for position, (linkage_pass, entries) in enumerate(zip(model.passes, records.passes, strict=True)):
        _, block = np.unique(np.ascontiguousarray(entries.token).view("V16").ravel(), return_inverse=True)
        carried = model.pass_fields(linkage_pass)
        columns = []
        for field in fields:
            start = sum(one.bits // 8 for one in carried[: carried.index(field)])
            columns.append(entries.sketch[:, start : start + field.bits // 8])
        kept = complete[entries.row]
        rows.append(entries.row[kept].astype(np.int64))
        blocks.append(block[kept] + seen)
        positions.append(np.full(int(kept.sum()), position))
        bits.append(np.unpackbits(np.concatenate(columns, axis=1)[kept], axis=1).astype(np.bool_))
        seen += int(block.max(initial=-1)) + 1
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    return NameEntries(
        row[order], np.concatenate(blocks)[order], np.concatenate(positions)[order], np.concatenate(bits)[order]
    )


def by_row(entries: NameEntries) -> dict[int, Numbers]:
    """Return each row's entries, as indices."""
    rows, first = np.unique(entries.row, return_index=True)
    return dict(zip(rows.tolist(), np.split(np.arange(len(entries.row)), first[1:]), strict=True))


def by_block(entries: NameEntries) -> dict[int, list[int]]:
    """Return the entries of each block that holds more than one, as indices."""
    members: dict[int, list[int]] = defaultdict(list)
    for index, block in enumerate(entries.block.tolist()):
        members[block].append(index)
    return {block: found for block, found in members.items() if len(found) > 1}


def components(records: EncodedRecords) -> Numbers:
    """Return int64[n]: a number for each record's connected component, records that share a block being connected."""
    n = len(records)
    rows, blocks, seen = [], [], n
    for entries in records.passes:
        _, block = np.unique(np.ascontiguousarray(entries.token).view("V16").ravel(), return_inverse=True)
        rows.append(entries.row.astype(np.int64))
        blocks.append(block + seen)
        seen += int(block.max(initial=-1)) + 1
    row, block = np.concatenate(rows), np.concatenate(blocks)
    graph = coo_array((np.ones(len(row), np.int8), (row, block)), shape=(seen, seen))
    _, label = connected_components(graph, directed=False)
    return np.asarray(label[:n], np.int64)
