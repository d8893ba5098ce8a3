"""Columns of text as distinct values and codes, so that every rule looks at a distinct value once.

Arrow holds what was read; the columns of one or several files become one `CodedColumn` to work on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:  # encoding needs no pandas, which takes as long to import as a thousand rows to encode
    import pandas as pd

Made = TypeVar("Made")
Codes = NDArray[np.int32]
# Of strings or of TEXT, as it was read: missing is null or "", spaces are not yet off.
TextColumn: TypeAlias = pa.ChunkedArray
TEXT = pa.dictionary(pa.int32(), pa.string())  # each distinct string once


@dataclass(frozen=True, slots=True)
class CodedColumn:
    """A column of n rows: `codes` is int32[n], -1 where missing, else a place in `values`.

    `values` are distinct and not empty; there may be some that no row has (any more). What a rule makes of them is
    kept with them, so that checking and normalising a column do that work once.
    """

    codes: Codes
    values: Sequence[str] = field(repr=False)
    _made: dict[Hashable, list[Any]] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    def under(self, rule: Callable[[str], Made]) -> list[Made]:
        """Return what `rule` makes of each of `values`."""
        made = self._made.get(rule)
        if made is None:
            made = self._made[rule] = list(map(rule, self.values))
        return made

    def filled(self) -> NDArray[np.bool_]:
        """Return bool[n], false where the value is missing."""
        return self.codes >= 0

    def spread(self, of_value: Sequence[Any], missing: Any, dtype: type | np.dtype[Any]) -> NDArray[Any]:
        """Return for each row what `of_value` says of its value (in the order of `values`), or `missing`."""
        return np.array([*of_value, missing], dtype=dtype)[self.codes]

    def at(self, rows: NDArray[np.int64]) -> CodedColumn:
        """Return the column of these rows, in this order."""
        return CodedColumn(self.codes[rows], self.values, self._made)

    def without(self, faulty: Sequence[bool]) -> CodedColumn:
        """Return the column with the rows missing whose value is marked (in the order of `values`)."""
        return CodedColumn(
            np.where(self.spread(faulty, False, np.bool_), np.int32(-1), self.codes), self.values, self._made
        )


def coded_column(codes: Codes, values: Sequence[str]) -> CodedColumn:
    """Return a column from codes into `values` (-1 missing too); equal values are merged and "" becomes missing."""
    distinct = dict.fromkeys(values)
    if len(distinct) == len(values) and "" not in distinct:
        return CodedColumn(codes, values)
    distinct.pop("", None)
    place = {"": -1, **dict(zip(distinct, range(len(distinct)), strict=True))}
    merged = np.array([*map(place.__getitem__, values), -1], dtype=np.int32)
    return CodedColumn(merged[codes], list(distinct))


def recode(column: CodedColumn, rule: Callable[[str], str]) -> CodedColumn:
    """Return the column with `rule` applied to each distinct value; where it gives "", the row is missing."""
    return coded_column(column.codes, column.under(rule))


def coded(columns: Sequence[TextColumn]) -> CodedColumn:
    """Return the rows of all columns, one column after another, as one; values lose the spaces around them."""
    if any(column.type == TEXT for column in columns):
        columns = [column.cast(TEXT) for column in columns]
    chunks = pa.chunked_array([chunk for column in columns for chunk in column.chunks])
    if chunks.null_count == len(chunks):
        return missing_column(len(chunks))
    if chunks.type == TEXT:
        text = chunks.unify_dictionaries().combine_chunks()
    else:
        text = chunks.combine_chunks().dictionary_encode()
    codes = _codes(text.indices)
    values = text.dictionary.to_pylist()
    stripped = list(map(str.strip, values))
    return CodedColumn(codes, values) if stripped == values and "" not in values else coded_column(codes, stripped)


def _codes(places: pa.Int32Array) -> Codes:
    """Return the places, -1 where null, from Arrow's buffers: its own conversion of nulls imports pandas."""
    valid, numbers = places.buffers()
    rows = slice(places.offset, places.offset + len(places))
    codes = np.frombuffer(numbers, dtype=np.int32)[rows]
    if not places.null_count:
        return codes
    return np.where(np.unpackbits(np.frombuffer(valid, dtype=np.uint8), bitorder="little")[rows], codes, np.int32(-1))


def text_column(codes: Codes, values: Sequence[str]) -> TextColumn:
    """Return the column of text whose i-th row holds `values[codes[i]]`."""
    return pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(values, pa.string()))])


def missing_text(rows: int) -> TextColumn:
    """Return a column without any value."""
    return pa.chunked_array([pa.nulls(rows, pa.string())])


def missing_column(rows: int) -> CodedColumn:
    """Return a column without any value, to work on."""
    return CodedColumn(np.full(rows, -1, dtype=np.int32), [])


def text_columns(frame: pd.DataFrame) -> dict[str, TextColumn]:
    """Return the columns of a frame of strings, "" or none missing."""
    return {str(name): pa.chunked_array([pa.array(frame[name], pa.string())]).cast(TEXT) for name in frame.columns}


def columns_of(frame: pd.DataFrame) -> dict[str, CodedColumn]:
    """Return the columns of a frame of strings, ready to normalise."""
    return {name: coded([column]) for name, column in text_columns(frame).items()}


def column_of(cells: Sequence[str]) -> CodedColumn:
    """Return the column of these cells, "" missing."""
    place = {"": -1}
    codes = np.array([place.setdefault(cell, len(place) - 1) for cell in cells], dtype=np.int32)
    return CodedColumn(codes, list(place)[1:])


def plain_strings(column: CodedColumn) -> NDArray[np.object_]:
    """Return the column as an array of strings, "" where missing."""
    return column.spread(column.values, "", object)
