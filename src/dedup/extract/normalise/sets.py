"""Builds `ValueSets` from coded columns: distinct values are worked on once, rows are only array work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.extract.coded import codes_and_values
from dedup.extract.values import ValueSets

Parts = tuple[str, ...]
PartsOf = Callable[[str], Parts]


def union(columns: Sequence[pd.Series], rules: Sequence[PartsOf]) -> ValueSets:
    """Return for each record the values that any column gives, each under its own rule."""
    coded = [codes_and_values(column) for column in columns]
    codes = [column_codes for column_codes, _ in coded]
    parts = [[rule(value) for value in values] for (_, values), rule in zip(coded, rules, strict=True)]
    return _gather(codes, parts)


def first_of(columns: Sequence[pd.Series], rules: Sequence[PartsOf]) -> ValueSets:
    """Return for each record the values of the first column that gives any."""
    codes: list[NDArray[np.int32]] = []
    parts: list[list[Parts]] = []
    open_rows = np.ones(len(columns[0]), dtype=bool)
    for column, rule in zip(columns, rules, strict=True):
        column_codes, values = codes_and_values(column)
        column_parts = [rule(value) for value in values]
        gives = np.array([bool(p) for p in column_parts] + [False])[column_codes]
        codes.append(np.where(open_rows & gives, column_codes, -1).astype(np.int32))
        parts.append(column_parts)
        open_rows &= ~gives
    return _gather(codes, parts)


def combined(columns: Sequence[pd.Series], rule: Callable[..., Parts]) -> ValueSets:
    """Return for each record what `rule` makes of all columns together ("" where one is missing)."""
    coded = [codes_and_values(column) for column in columns]
    keys = np.zeros(len(columns[0]), dtype=np.int64)
    for codes, values in coded:  # renumbered at every step, so that no key overflows
        keys = pd.factorize(keys * (len(values) + 1) + codes + 1)[0].astype(np.int64)
    first_row = np.flatnonzero(~pd.Series(keys).duplicated().to_numpy())
    parts = [rule(*("" if codes[row] < 0 else values[codes[row]] for codes, values in coded)) for row in first_row]
    return _gather([keys.astype(np.int32)], [parts])


def derived(source: ValueSets, rule: Callable[[str], str]) -> ValueSets:
    """Return the sets with `rule` applied to each value; "" leaves the set."""
    mapped = [rule(value) for value in source.values]
    vocabulary = sorted({value for value in mapped if value})
    index = {value: code for code, value in enumerate(vocabulary)}
    new_codes = np.array([index.get(value, -1) for value in mapped] + [-1], dtype=np.int64)[source.codes]
    records = np.repeat(np.arange(len(source), dtype=np.int64), np.diff(source.offsets))
    kept = new_codes >= 0
    return _sets(len(source), records[kept], new_codes[kept], vocabulary)


def _gather(codes: Sequence[NDArray[np.int32]], parts: Sequence[Sequence[Parts]]) -> ValueSets:
    """Expand each column's parts per distinct value to the records and take the union over the columns."""
    vocabulary = sorted({part for column in parts for values in column for part in values})
    index = {value: code for code, value in enumerate(vocabulary)}
    all_records: list[NDArray[np.int64]] = []
    all_codes: list[NDArray[np.int64]] = []
    for column_codes, column_parts in zip(codes, parts, strict=True):
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
