"""Parses the rows of a CSV file below its header into coded columns, in one of two ways with the same result.

A regular file (no quotes, every line with as many fields as the header, no blank rows) is parsed by Arrow; any other by
Python's csv module, which takes three times as long and keeps the line of each row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from dedup.extract.coded import CodedColumn, Codes, coded_column

CHUNK_ROWS = 1_000  # few enough that a chunk's text stays in the processor's cache
MAX_FIELD = 131_072  # characters; csv's own limit, past which a quote was probably never closed
_TEXT = pa.dictionary(pa.int32(), pa.string())


class Reader(Protocol):
    """What `csv.reader` returns, whose type has no public name; `line_num` counts the lines that were read."""

    line_num: int

    def __iter__(self) -> Reader: ...
    def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows: a column for each field of the header; `line` is int64[n] and `malformed` bool[n], as in `TextTable`."""

    columns: list[CodedColumn]
    line: NDArray[np.int64]
    malformed: NDArray[np.bool_]


def regular_rows(path: Path, separator: str, width: int) -> Rows | None:
    """Parse a UTF-8 file without any quote and with a header of `width` fields, 2 or more; None if it is not regular.

    Arrow itself refuses a line with other fields than the header, and with it every empty line.
    """
    if not separator.isascii():
        return None
    parse, convert, read = _arrow_options(separator, width)
    try:
        with arrow_csv.open_csv(path, read, parse, convert) as reader:
            table = pa.Table.from_batches(reader, reader.schema).unify_dictionaries()
    except pa.ArrowInvalid:
        return None
    if not table.num_rows or any(map(_has_long_field, table.columns)):
        return None
    columns = [_from_arrow(column) for column in table.columns]
    if _has_blank_row(columns):
        return None
    lines = np.arange(2, table.num_rows + 2, dtype=np.int64)
    return Rows(columns, line=lines, malformed=np.zeros(table.num_rows, dtype=np.bool_))


@lru_cache(maxsize=4)
def _arrow_options(
    separator: str, width: int
) -> tuple[arrow_csv.ParseOptions, arrow_csv.ConvertOptions, arrow_csv.ReadOptions]:
    names = [str(position) for position in range(width)]
    return (
        arrow_csv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
        arrow_csv.ConvertOptions(check_utf8=False, column_types=dict.fromkeys(names, _TEXT)),
        arrow_csv.ReadOptions(use_threads=False, block_size=2 * MAX_FIELD, skip_rows=1, column_names=names),
    )


def _has_long_field(column: pa.ChunkedArray) -> bool:
    texts = column.chunk(0).dictionary
    return bool(texts.nbytes > MAX_FIELD and pc.max(pc.utf8_length(texts)).as_py() > MAX_FIELD)


def _has_blank_row(columns: Sequence[CodedColumn]) -> bool:
    blank = ~columns[0].filled()
    for column in columns[1:]:
        if not blank.any():
            return False
        blank &= ~column.filled()
    return bool(blank.any())


def _from_arrow(column: pa.ChunkedArray) -> CodedColumn:
    codes = [chunk.indices.to_numpy() for chunk in column.chunks]
    return _stripped(codes, column.chunk(0).dictionary.to_pylist())


def _stripped(codes: Sequence[Codes], values: Iterable[str]) -> CodedColumn:
    return coded_column(codes[0] if len(codes) == 1 else np.concatenate(codes), list(map(str.strip, values)))


def any_rows(reader: Reader, width: int) -> Rows:
    """Parse what is left of any CSV file; blank rows are left out, and a malformed row is a row of empty fields.

    Each column keeps a dictionary of its distinct values and codes of four bytes a row, so memory grows with what is
    different in a file. Raises `csv.Error`.
    """
    dictionaries: list[defaultdict[str, int]] = [defaultdict(count().__next__) for _ in range(width)]
    codes: list[list[Codes]] = [[] for _ in range(width)]
    lines: list[int] = []
    malformed: list[bool] = []
    blank = [""] * width

    def keep(chunk: list[list[str]]) -> None:
        for dictionary, column_codes, column in zip(dictionaries, codes, zip(*chunk, strict=True), strict=True):
            column_codes.append(
                np.array(list(map(dictionary.__getitem__, column)), dtype=np.int32)
                if any(column)
                else np.full(len(column), dictionary[""], dtype=np.int32)
            )

    chunk: list[list[str]] = []
    for fields in reader:
        if not any(map(str.strip, fields)):
            continue  # an empty row below the data, as spreadsheets write
        fits = len(fields) == width
        chunk.append(fields if fits else blank)
        malformed.append(not fits)
        lines.append(reader.line_num)
        if len(chunk) == CHUNK_ROWS:
            keep(chunk)
            chunk = []
    if chunk:
        keep(chunk)
    columns = [_stripped(parts, values) for parts, values in zip(codes, dictionaries, strict=True)] if lines else []
    return Rows(columns, line=np.array(lines, dtype=np.int64), malformed=np.array(malformed, dtype=np.bool_))
