"""Builds `ValueSets` from coded columns: distinct values are worked on once, rows are only array work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.extract.coded import CodedColumn, Codes, coded_column
from dedup.extract.values import ValueSets

Parts = tuple[str, ...]
PartsOf = Callable[[str], Parts]


def single(column: CodedColumn, rule: Callable[[str], str]) -> ValueSets:
    """Return for each record the value that `rule` makes of the column; "" is none."""
    return _at_most_one(column.codes, column.under(rule))


def union(columns: Sequence[CodedColumn], rules: Sequence[PartsOf]) -> ValueSets:
    """Return for each record the values that any column gives, each under its own rule; the vocabulary is sorted."""
    return _gather(
        [column.codes for column in columns],
        [column.under(rule) for column, rule in zip(columns, rules, strict=True)],
    )


def first_of(columns: Sequence[CodedColumn], rules: Sequence[Callable[[str], str]]) -> ValueSets:
    """Return for each record the value of the first column that gives one; "" is none."""
    place = {"": -1}
    codes = np.full(len(columns[0]), -1, dtype=np.int32)
    for column, rule in zip(columns, rules, strict=True):
        open_rows = codes < 0
        if not open_rows.any():
            break
        given = [place.setdefault(made, len(place) - 1) for made in column.under(rule)]
        codes = np.where(open_rows, column.spread(given, -1, np.int32), codes)
    return _one_each(codes, tuple(place)[1:])


def combined(columns: Sequence[CodedColumn], rule: Callable[..., str]) -> ValueSets:
    """Return for each record what `rule` makes of all columns together ("" where one is missing); "" is none."""
    keys = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:  # renumbered at every step, so that no key overflows
        keys = keys * (len(column.values) + 1) + column.codes + 1
        _, first_row, keys = np.unique(keys, return_index=True, return_inverse=True)
    cells = [column.spread(column.values, "", object)[first_row].tolist() for column in columns]
    return _at_most_one(keys.astype(np.int32), list(map(rule, *cells)))


def derived(source: ValueSets, rule: Callable[[str], str]) -> ValueSets:
    """Return the sets with `rule` applied to each value; "" leaves the set."""
    mapped = list(map(rule, source.values))
    if source.offsets[-1] == np.count_nonzero(source.offsets[1:] > source.offsets[:-1]):
        codes = np.full(len(source), -1, dtype=np.int32)
        codes[source.offsets[1:] > source.offsets[:-1]] = source.codes
        return _at_most_one(codes, mapped)
    vocabulary = sorted({*mapped} - {""})
    index = {value: code for code, value in enumerate(vocabulary)}
    new_codes = np.array([index.get(value, -1) for value in mapped] + [-1], dtype=np.int64)[source.codes]
    records = np.repeat(np.arange(len(source), dtype=np.int64), np.diff(source.offsets))
    kept = new_codes >= 0
    return _sets(len(source), records[kept], new_codes[kept], vocabulary)


def _at_most_one(codes: Codes, made: Sequence[str]) -> ValueSets:
    """Return sets of one value or none, from codes into what was made of each distinct value."""
    column = coded_column(codes, made)
    return _one_each(column.codes, column.values)


def _one_each(codes: Codes, vocabulary: Sequence[str]) -> ValueSets:
    """Return sets of one value or none: with nothing to order, nothing is sorted."""
    filled = codes >= 0
    offsets = np.zeros(len(codes) + 1, dtype=np.int64)
    np.cumsum(filled, out=offsets[1:])
    return ValueSets(values=tuple(vocabulary), offsets=offsets, codes=codes[filled])


def _gather(codes: Sequence[Codes], parts: Sequence[Sequence[Parts]]) -> ValueSets:
    """Expand each column's parts per distinct value to the records and take the union over the columns."""
    vocabulary = sorted({part for column in parts for values in column for part in values})
    index = {value: code for code, value in enumerate(vocabulary)}
    all_records = [np.empty(0, dtype=np.int64)]
    all_codes = [np.empty(0, dtype=np.int64)]
    for column_codes, column_parts in zip(codes, parts, strict=True):
        if not any(column_parts):
            continue
        lengths = np.array([len(p) for p in column_parts] + [0], dtype=np.int64)
        starts = np.concatenate(([0], np.cumsum(lengths)))[:-1]
        flat = np.array([index[part] for p in column_parts for part in p], dtype=np.int64)
        counts = lengths[column_codes]
        records = np.repeat(np.arange(len(column_codes), dtype=np.int64), counts)
        within = np.arange(len(records), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
        all_records.append(records)
        all_codes.append(flat[np.repeat(starts[column_codes], counts) + within])
    rows = len(codes[0]) if codes else 0
    return _sets(rows, np.concatenate(all_records), np.concatenate(all_codes), vocabulary)


def _sets(rows: int, records: NDArray[np.int64], codes: NDArray[np.int64], vocabulary: Sequence[str]) -> ValueSets:
    """Order by record and value, once each; the vocabulary is sorted, so a record's values stand in order."""
    width = max(len(vocabulary), 1)
    keys = np.sort(records * width + codes)  # np.unique hashes first, which takes longer than the sort
    keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)]]
    offsets = np.zeros(rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys // width, minlength=rows), out=offsets[1:])
    return ValueSets(values=tuple(vocabulary), offsets=offsets, codes=(keys % width).astype(np.int32))
