"""Reads a CSV file into columns of text, or says in one sentence why it cannot be read at all.

The file is looked at twice, in blocks: once for faults of the whole file (empty, Excel, encoding, NUL, size), once to
parse it. Distinct values are kept once, so memory grows with what is different in a file, not with its rows.
"""

from __future__ import annotations

import codecs
import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.errors import ExtractError
from dedup.extract.coded import coded_series

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
BLOCK_BYTES = 1 << 20
CHUNK_ROWS = 1_000  # few enough that a chunk's text stays in the processor's cache
OTHER_SEPARATORS = {",": "a comma", "\t": "a tab", "|": "a pipe", ";": "a semicolon"}
_MAGIC = (
    (b"PK\x03\x04", "an Excel or other zipped file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzipped file"),
)
_UTF_16_AND_32 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True, slots=True)
class TextTable:
    """n rows of text: `frame` holds one categorical column per header name, "" and missing being the same.

    `row` and `line` are int64[n]: a row's number (1 is the first row after the header; blank rows are not counted) and
    the line of the file that it ends on. `malformed` is bool[n], set where a row had too many or too few fields; its
    values are then all missing.
    """

    frame: pd.DataFrame
    line: NDArray[np.int64]
    malformed: NDArray[np.bool_]


def read_table(
    path: Path,
    *,
    separator: str,
    max_bytes: int = DEFAULT_MAX_BYTES,
    check_header: Callable[[Sequence[str]], object] | None = None,
) -> TextTable:
    """Read a UTF-8 CSV file with a header; values and header names lose the spaces around them.

    `check_header` gets the header's names before any row is read, and raises where they will not do. Raises
    `ExtractError`: `extract.not-found`, `.empty`, `.too-large`, `.not-csv`, `.encoding`, `.nul`, `.separator`,
    `.duplicate-columns`, `.quotes` or `.only-header`.
    """
    _inspect_bytes(path, max_bytes)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_separator(path, header, separator)
            if check_header:
                check_header(header)
            _check_duplicates(path, header)
            return _read_rows(path, reader, header)
        except csv.Error as error:
            raise ExtractError(
                "extract.quotes",
                f"{path.name} cannot be read from line {reader.line_num} on: a quote is not closed, or a quoted value "
                "is followed by more text; double the quotes inside a quoted value.",
            ) from error


def _inspect_bytes(path: Path, max_bytes: int) -> None:
    """Look at the whole file in blocks for faults that no row can be blamed for."""
    if not path.is_file():
        raise ExtractError("extract.not-found", f"There is no file {path}.")
    size = path.stat().st_size
    if size == 0:
        raise ExtractError("extract.empty", f"{path.name} is empty.")
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    seen = 0
    with path.open("rb") as file:
        for block in iter(lambda: file.read(BLOCK_BYTES), b""):
            if seen == 0:
                _check_first_bytes(path, block)
                if size > max_bytes:
                    raise _too_large(path, max_bytes)
            seen += len(block)
            if seen > max_bytes:
                raise _too_large(path, max_bytes)
            if b"\0" in block:
                line = lines + block[: block.index(b"\0")].count(b"\n")
                raise ExtractError("extract.nul", f"{path.name} holds a NUL byte on line {line}; it is damaged.")
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                # `object` is the block with what the decoder kept of the one before it: at most three bytes, no line.
                line = lines + bytes(error.object)[: error.start].count(b"\n")
                raise ExtractError(
                    "extract.encoding",
                    f"{path.name} is not UTF-8 (first seen on line {line}); it looks like Windows-1252 or Latin-1. "
                    "Export it as UTF-8.",
                ) from error
            lines += block.count(b"\n")
    if decoder.getstate()[0]:
        raise ExtractError("extract.encoding", f"{path.name} is not UTF-8: it breaks off inside a character.")


def _too_large(path: Path, max_bytes: int) -> ExtractError:
    return ExtractError(
        "extract.too-large",
        f"{path.name} is larger than {max_bytes / 2**20:.0f} MiB; send one provider's open registrations, or raise "
        "max_bytes under [extract].",
    )


def _check_first_bytes(path: Path, block: bytes) -> None:
    for magic, what in _MAGIC:
        if block.startswith(magic):
            raise ExtractError("extract.not-csv", f"{path.name} is {what}; save it as CSV, UTF-8, with semicolons.")
    even, odd = block[0:400:2].count(0), block[1:400:2].count(0)
    if block.startswith(_UTF_16_AND_32) or (even + odd > 20 and min(even, odd) == 0):
        raise ExtractError("extract.encoding", f"{path.name} is UTF-16; export it as UTF-8.")
    if not block.removeprefix(codecs.BOM_UTF8).strip():
        raise ExtractError("extract.empty", f"{path.name} is empty.")


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


def _read_rows(path: Path, reader: Iterator[list[str]], header: list[str]) -> TextTable:
    """Parse in chunks; each column keeps a dictionary of its distinct values and codes of four bytes a row."""
    width = len(header)
    dictionaries: list[defaultdict[str, int]] = [defaultdict(count().__next__) for _ in header]
    codes: list[list[NDArray[np.int32]]] = [[] for _ in header]
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
        if len(fields) == width:
            chunk.append(fields)
            malformed.append(False)
        else:
            chunk.append(blank)
            malformed.append(True)
        lines.append(reader.line_num)  # type: ignore[attr-defined]  # csv.reader's type has no public name
        if len(chunk) == CHUNK_ROWS:
            keep(chunk)
            chunk = []
    if chunk:
        keep(chunk)
    if not lines:
        raise ExtractError("extract.only-header", f"{path.name} has a header but no rows.")
    frame = pd.DataFrame(
        {
            name: coded_series(np.concatenate(column_codes), [value.strip() for value in dictionary])
            for name, column_codes, dictionary in zip(header, codes, dictionaries, strict=True)
            if name
        }
    )
    return TextTable(frame=frame, line=np.array(lines, dtype=np.int64), malformed=np.array(malformed, dtype=np.bool_))
