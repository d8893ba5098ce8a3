"""Parses the rows of a CSV file below its header into columns of text, in one of two ways with the same result.

A regular file (no quotes, every line with as many fields as the header, no blank rows) is parsed by Arrow, small ones
with one header in one call; any other by Python's csv module, which takes more than twice as long and knows on which
line a row ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from dedup.extract.coded import TEXT, Codes, TextColumn, coded, text_column

CHUNK_ROWS = 1_000  # few enough that a chunk's text stays in the processor's cache
BLOCK_BYTES = 1 << 18  # of Arrow's, for the same reason; a line may be as long


class Reader(Protocol):
    """What `csv.reader` returns, whose type has no public name; `line_num` counts the lines that were read."""

    line_num: int

    def __iter__(self) -> Reader: ...
    def __next__(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows: a column for each field of the header; `line` is int64[n] and `malformed` bool[n], as in `TextTable`."""

    columns: list[TextColumn]
    line: NDArray[np.int64]
    malformed: NDArray[np.bool_]


def regular_rows(path: Path, separator: str, width: int) -> Rows | None:
    """Parse a plain file (see `inspect_bytes`) with a header of `width` fields, 2 or more; None if it is not regular.

    Arrow itself refuses a line with other fields than the header, and with it every empty line.
    """
    table = _parsed(path, separator, width, skipped=1, kind=TEXT)
    if table is None or not table.num_rows or _has_blank_row(table.columns):
        return None
    return _regular(table)


def regular_rows_of_each(paths: Sequence[Path], separator: str, width: int) -> list[Rows] | None:
    """Parse small plain files with one and the same header at once; None if any of them is not regular."""
    texts = [path.read_bytes() for path in paths]
    texts = [text if text.endswith(b"\n") else text + b"\n" for text in texts]
    table = _parsed(pa.BufferReader(b"".join(texts)), separator, width, skipped=0, kind=pa.string())
    ends = np.cumsum([0, *(text.count(b"\n") for text in texts)]).tolist()
    # Where there are more lines than that, some end in a carriage return alone.
    if table is None or table.num_rows != ends[-1] or _has_blank_row(table.columns):
        return None
    parts = [table.slice(header + 1, end - header - 1) for header, end in pairwise(ends)]
    return [_regular(part) for part in parts] if all(part.num_rows for part in parts) else None


def _parsed(
    source: Path | pa.BufferReader, separator: str, width: int, *, skipped: int, kind: pa.DataType
) -> pa.Table | None:
    if not separator.isascii():
        return None
    try:
        return arrow_csv.read_csv(source, *_arrow_options(separator, width, skipped, kind))
    except pa.ArrowInvalid:
        return None


@lru_cache(maxsize=4)
def _arrow_options(
    separator: str, width: int, skipped: int, kind: pa.DataType
) -> tuple[arrow_csv.ReadOptions, arrow_csv.ParseOptions, arrow_csv.ConvertOptions]:
    names = [str(position) for position in range(width)]
    return (
        arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, skip_rows=skipped, column_names=names),
        arrow_csv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
        arrow_csv.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, kind), null_values=[""], strings_can_be_null=True
        ),
    )


def _regular(table: pa.Table) -> Rows:
    lines = np.arange(2, table.num_rows + 2, dtype=np.int64)
    return Rows(table.columns, line=lines, malformed=np.zeros(table.num_rows, dtype=np.bool_))


def _has_blank_row(columns: Sequence[TextColumn]) -> bool:
    blank = ~coded([columns[0]]).filled()
    for column in columns[1:]:
        if not blank.any():
            return False
        blank &= ~coded([column]).filled()
    return bool(blank.any())


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
    columns = [text_column(np.concatenate(parts), [*d]) for parts, d in zip(codes, dictionaries, strict=True) if parts]
    return Rows(columns, line=np.array(lines, dtype=np.int64), malformed=np.array(malformed, dtype=np.bool_))
