"""Reads a CSV file into columns of text, or says in one sentence why it cannot be read at all.

The file is looked at twice, in blocks: once for faults of the whole file, once to parse it. Distinct values are kept
once, so memory grows with what is different in a file, not with its rows.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ExtractError
from dedup.extract.coded import TextColumn
from dedup.extract.rows import Reader, Rows, any_rows, regular_rows, regular_rows_of_each
from dedup.extract.whole_file import inspect_bytes

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
SMALL_BYTES = 1 << 20  # of a file that is worth parsing with others, and of whose text memory holds all at once
OTHER_SEPARATORS = {",": "a comma", "\t": "a tab", "|": "a pipe", ";": "a semicolon"}


CheckHeader = Callable[[Path, Sequence[str]], object]


@dataclass(frozen=True, slots=True)
class TextTable:
    """n rows of text: `columns` holds one column per header name, "", spaces and missing being the same.

    `line` is int64[n], the line of the file that a row ends on; rows themselves are counted from 1, blank ones not at
    all. `malformed` is bool[n], set where a row had too many or too few fields; its values are then all missing.
    """

    columns: Mapping[str, TextColumn]
    line: NDArray[np.int64]
    malformed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Head:
    """A file whose first line was read: its names, and whether what follows may be regular (see `inspect_bytes`)."""

    path: Path
    names: tuple[str, ...]
    is_plain: bool


def read_table(
    path: Path,
    *,
    separator: str,
    max_bytes: int = DEFAULT_MAX_BYTES,
    check_header: CheckHeader | None = None,
) -> TextTable:
    """Read a UTF-8 CSV file with a header; header names lose the spaces around them.

    `check_header` gets the file and the header's names before any row is read, and raises where they will not do.
    Raises `ExtractError`: `extract.not-found`, `.empty`, `.too-large`, `.not-csv`, `.encoding`, `.nul`, `.separator`,
    `.duplicate-columns`, `.quotes` or `.only-header`.
    """
    [outcome] = read_tables([path], separator=separator, max_bytes=max_bytes, check_header=check_header)
    if isinstance(outcome, ExtractError):
        raise outcome
    return outcome


def read_tables(
    paths: Sequence[Path],
    *,
    separator: str,
    max_bytes: int = DEFAULT_MAX_BYTES,
    check_header: CheckHeader | None = None,
) -> list[TextTable | ExtractError]:
    """Return for each file what `read_table` returns or raises; small ones with one header are parsed as one."""
    outcomes: dict[Path, TextTable | ExtractError] = {}
    heads: list[_Head] = []
    for path in paths:
        try:
            heads.append(_read_head(path, separator, max_bytes, check_header))
        except ExtractError as error:
            outcomes[path] = error
    parsed = _parsed_together(heads, separator)
    for head in heads:
        try:
            outcomes[head.path] = _table(head, parsed.get(head.path) or _rows_of(head, separator))
        except ExtractError as error:
            outcomes[head.path] = error
    return [outcomes[path] for path in paths]


def _read_head(path: Path, separator: str, max_bytes: int, check_header: CheckHeader | None) -> _Head:
    is_plain = inspect_bytes(path, max_bytes)
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = _next_row(path, _reader(file, separator))
    _check_separator(path, names, separator)
    if check_header:
        check_header(path, names)
    _check_duplicates(path, names)
    return _Head(path, tuple(names), is_plain)


def _parsed_together(heads: Sequence[_Head], separator: str) -> dict[Path, Rows]:
    """Return the rows of regular files of which each is small and has the header of another."""
    alike: defaultdict[tuple[str, ...], list[Path]] = defaultdict(list)
    for head in heads:
        if head.is_plain and head.path.stat().st_size <= SMALL_BYTES:
            alike[head.names].append(head.path)
    parsed: dict[Path, Rows] = {}
    for names, paths in alike.items():
        if len(paths) > 1:
            parsed.update(zip(paths, regular_rows_of_each(paths, separator, len(names)) or (), strict=False))
    return parsed


def _rows_of(head: _Head, separator: str) -> Rows:
    rows = regular_rows(head.path, separator, len(head.names)) if head.is_plain else None
    if rows is not None:
        return rows
    with head.path.open(encoding="utf-8-sig", newline="") as file:
        reader = _reader(file, separator)
        _next_row(head.path, reader)
        try:
            return any_rows(reader, len(head.names))
        except csv.Error as error:
            raise _unreadable(head.path, reader) from error


def _table(head: _Head, rows: Rows) -> TextTable:
    if not len(rows.line):
        raise ExtractError("extract.only-header", f"{head.path.name} has a header but no rows.")
    columns = {name: column for name, column in zip(head.names, rows.columns, strict=True) if name}
    return TextTable(columns=columns, line=rows.line, malformed=rows.malformed)


def _reader(file: TextIO, separator: str) -> Reader:
    return cast("Reader", csv.reader(file, delimiter=separator, strict=True))


def _next_row(path: Path, reader: Reader) -> list[str]:
    try:
        return [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise _unreadable(path, reader) from error


def _unreadable(path: Path, reader: Reader) -> ExtractError:
    return ExtractError(
        "extract.quotes",
        f"{path.name} cannot be read from line {reader.line_num} on: a quote is not closed, or a quoted value "
        "is followed by more text; double the quotes inside a quoted value.",
    )


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
