"""Encode a normalised table: every record becomes presence bits and its entries, in batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from dedup.bundle.keys import LinkageKey
from dedup.bundle.payload import BundleBatch
from dedup.encode.attributes import bundle_attributes
from dedup.encode.blocks import Components, blocks_by_record, order_to_send
from dedup.encode.sketch import sketch_entries
from dedup.encode.subkeys import Subkeys, derive_subkeys
from dedup.encode.tokentable import TokenHasher
from dedup.extract.values import NormalisedTable, ValueSets, joined, shares_values
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords, PassEntries

BATCH_ROWS = 8192
MAX_SHARED_VALUES = 1 << 17  # of one attribute; what is remembered of them takes some 200 bytes each


class RecordEncoder:
    """Encodes tables under one linkage key and model; what it remembers of tokens makes the next table faster."""

    def __init__(self, model: LinkageModel, key: LinkageKey) -> None:
        self._model = model
        self._subkeys = derive_subkeys(key.secret)
        self._hasher = TokenHasher(self._subkeys)
        self._components = Components()

    def batches(self, table: NormalisedTable, *, batch_rows: int = BATCH_ROWS) -> Iterator[BundleBatch]:
        """Yield the table's records in order, `batch_rows` at a time; the same table always gives the same bytes."""
        for part in table_parts(table, self._model, batch_rows):
            yield from self._encoded(part, [len(part.ids)])

    def batches_of_each(
        self, tables: Sequence[NormalisedTable], *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[Iterable[BundleBatch]]:
        """Yield for each table what `batches` does; small ones (of a record or more) are encoded as one, for speed."""
        for together in _encoded_together(tables, batch_rows):
            if len(together) == 1:
                yield self.batches(together[0], batch_rows=batch_rows)
            else:
                ends = np.cumsum([len(table.ids) for table in together]).tolist()
                yield from ([batch] for batch in self._encoded(joined(together), ends))

    def _encoded(self, table: NormalisedTable, ends: Sequence[int]) -> Iterator[BundleBatch]:
        """Encode a table as one and yield its batches, each the records up to the next of `ends`."""
        attributes = bundle_attributes(table, self._subkeys)
        records = _encode(table, self._model, self._subkeys, self._hasher, self._components)
        for (first, last), sent in zip(pairwise([0, *ends]), _to_send(records, ends), strict=True):
            yield BundleBatch({name: column[first:last] for name, column in attributes.items()}, sent)


def encode_table(table: NormalisedTable, model: LinkageModel, subkeys: Subkeys) -> EncodedRecords:
    """Encode one batch under subkeys; `row` of its entries counts from the table's first record."""
    [records] = _to_send(_encode(table, model, subkeys, TokenHasher(subkeys), Components()), [len(table.ids)])
    return records


def _encode(
    table: NormalisedTable, model: LinkageModel, subkeys: Subkeys, hasher: TokenHasher, components: Components
) -> EncodedRecords:
    """Encode a table record by record: the rows of its entries ascend."""
    tokens = hasher.table(table, model)
    passes = []
    for linkage_pass in model.passes:
        blocks = blocks_by_record(table, linkage_pass, subkeys, components)
        sketch = sketch_entries(blocks, tokens, model, model.pass_fields(linkage_pass), subkeys)
        passes.append(PassEntries(number=linkage_pass.number, row=blocks.row, token=blocks.token, sketch=sketch))
    return EncodedRecords(
        presence=tokens.presence, edd_week=np.asarray(table.edd_week, dtype=np.int32), passes=tuple(passes)
    )


def _to_send(records: EncodedRecords, ends: Sequence[int]) -> Iterator[EncodedRecords]:
    """Yield the records up to each of `ends`, rows counted from there, entries in the order of a bundle."""
    batches = list(pairwise([0, *ends]))
    ordered = [_in_order_to_send(entries, batches) for entries in records.passes]
    for number, (first, last) in enumerate(batches):
        yield EncodedRecords(
            records.presence[first:last], records.edd_week[first:last], tuple(p[number] for p in ordered)
        )


def _in_order_to_send(entries: PassEntries, batches: Sequence[tuple[int, int]]) -> list[PassEntries]:
    """Return the entries of each batch of rows, which are all put in order at once."""
    first, last = np.array(batches, dtype=np.int64).T
    batch = np.searchsorted(last, entries.row, side="right")
    order = order_to_send(batch, entries.row, entries.token)
    batch = batch[order]
    row = entries.row[order] - first.astype(np.uint32)[batch]
    token, sketch = entries.token[order], entries.sketch[order]
    cuts = np.searchsorted(batch, np.arange(len(batches) + 1)).tolist()
    return [PassEntries(entries.number, row[i:j], token[i:j], sketch[i:j]) for i, j in pairwise(cuts)]


def _encoded_together(tables: Sequence[NormalisedTable], batch_rows: int) -> list[list[NormalisedTable]]:
    """Return the tables in their order, in groups that share their values and have a batch's rows, or of one table."""
    groups: list[list[NormalisedTable]] = []
    room = 0
    for table in tables:
        if len(table.ids) > room or not shares_values(groups[-1][-1], table):
            groups.append([])
            room = batch_rows
        groups[-1].append(table)
        room -= len(table.ids)
    return groups


def table_parts(table: NormalisedTable, model: LinkageModel, rows: int) -> Iterator[NormalisedTable]:
    """Cut a table into parts of `rows` records.

    Parts share the table's distinct values, which are then worked on once (as those of several tables are that were
    read together); where there are very many, each part has only those of its own records, to keep memory small.
    """
    names = {name for linkage_pass in model.passes for name in linkage_pass.attributes}
    names |= {field.attribute for field in model.fields}
    needed = replace(table, attributes={name: table.attributes[name] for name in sorted(names)})
    for first in range(0, len(table.ids), rows):
        part = needed.part(first, first + rows)
        yield replace(part, attributes={name: _bounded(values) for name, values in part.attributes.items()})


def _bounded(values: ValueSets) -> ValueSets:
    """Return the same sets, with no values but their own where there are very many."""
    if len(values.values) <= MAX_SHARED_VALUES:
        return values
    used, codes = np.unique(values.codes, return_inverse=True)
    return ValueSets(tuple(values.values[code] for code in used.tolist()), values.offsets, codes.astype(np.int32))
