"""Reads a CSV file into columns of text, or says in one sentence why it cannot be read at all.

The file is looked at twice, in blocks: once for faults of the whole file, once to parse it. Distinct values are kept
once, so memory grows with what is different in a file, not with its rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ExtractError
from dedup.extract.coded import TextColumn
from dedup.extract.rows import Reader, any_rows, regular_rows
from dedup.extract.whole_file import inspect_bytes

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
OTHER_SEPARATORS = {",": "a comma", "\t": "a tab", "|": "a pipe", ";": "a semicolon"}


@dataclass(frozen=True, slots=True)
class TextTable:
    """n rows of text: `columns` holds one column per header name, "", spaces and missing being the same.

    `line` is int64[n], the line of the file that a row ends on; rows themselves are counted from 1, blank ones not at
    all. `malformed` is bool[n], set where a row had too many or too few fields; its values are then all missing.
    """

    columns: Mapping[str, TextColumn]
    line: NDArray[np.int64]
    malformed: NDArray[np.bool_]


def read_table(
    path: Path,
    *,
    separator: str,
    max_bytes: int = DEFAULT_MAX_BYTES,
    check_header: Callable[[Sequence[str]], object] | None = None,
) -> TextTable:
    """Read a UTF-8 CSV file with a header; header names lose the spaces around them.

    `check_header` gets the header's names before any row is read, and raises where they will not do. Raises
    `ExtractError`: `extract.not-found`, `.empty`, `.too-large`, `.not-csv`, `.encoding`, `.nul`, `.separator`,
    `.duplicate-columns`, `.quotes` or `.only-header`.
    """
    is_plain = inspect_bytes(path, max_bytes)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = cast("Reader", csv.reader(file, delimiter=separator, strict=True))
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_separator(path, header, separator)
            if check_header:
                check_header(header)
            _check_duplicates(path, header)
            rows = regular_rows(path, separator, len(header)) if is_plain else None
            if rows is None:
                rows = any_rows(reader, len(header))
        except csv.Error as error:
            raise ExtractError(
                "extract.quotes",
                f"{path.name} cannot be read from line {reader.line_num} on: a quote is not closed, or a quoted value "
                "is followed by more text; double the quotes inside a quoted value.",
            ) from error
    if not len(rows.line):
        raise ExtractError("extract.only-header", f"{path.name} has a header but no rows.")
    columns = {name: column for name, column in zip(header, rows.columns, strict=True) if name}
    return TextTable(columns=columns, line=rows.line, malformed=rows.malformed)


def _check_separator(path: Path, header: list[str], separator: str) -> None:
    if len(header) < 2:
        line = header[0] if header else ""
        found = max(OTHER_SEPARATORS, key=line.count)
        hint = f"; it looks like {OTHER_SEPARATORS[found]}" if line.count(found) else ""
        raise ExtractError(
            "extract.separator",
            f"{path.name} does not separate its columns with {OTHER_SEPARATORS.get(separator, repr(separator))}{hint}.",
        )


def _check_duplicates(path: Path, header: list[str]) -> None:
    seen: set[str] = set()
    for position, name in enumerate(header, start=1):
        if name and name in seen:
            raise ExtractError(
                "extract.duplicate-columns",
                f"Column {position} of {path.name} has the same name as an earlier column.",
            )
        seen.add(name)
