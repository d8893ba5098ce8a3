"""Reads the answers out of a provider's workbook, which may have been spoiled by chance or on purpose.

Nothing is worked out, followed or fetched: formulas stay texts, and links to other files are left alone. The parts of
the file are first unpacked within bounds, because a few kilobytes of it can stand for gigabytes.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import openpyxl

from dedup.errors import FeedbackError
from dedup.reports.provider_files import answer_heads
from dedup.reports.texts import LANGUAGES, texts_in

LARGEST_UNPACKED = 32 * 2**20  # bytes of all parts together; a line of the report takes about one kibibyte
MOST_PARTS, MOST_SHEETS, MOST_COLUMNS = 200, 20, 64
LAST_ROW = 2**20  # of any Excel sheet; a row's number is its maker's word
PIECE = 2**16
ZIP_START = b"PK\x03\x04"
COMPOUND_FILE_START = bytes.fromhex("d0cf11e0a1b11ae1")  # [MS-CFB] 2.2: Excel with a password, or of before 2007


def is_zip(content: bytes) -> bool:
    """Tell whether a file is a ZIP archive, as a workbook is and a CSV cannot be."""
    return content.startswith(ZIP_START)


def refuse_compound_file(content: bytes) -> None:
    """Raise `FeedbackError` (`feedback.encrypted`) for a workbook with a password, or in the form of before 2007."""
    if content.startswith(COMPOUND_FILE_START):
        raise FeedbackError(
            "feedback.encrypted", "The workbook of answers has a password, or is in the old Excel form (.xls)."
        )


def sheet_rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the answered rows of the sheet with the findings: number (the heads are row 1), and text by column.

    The columns are those of a form. Raises `FeedbackError`: `feedback.unreadable`, `feedback.too-large`,
    `feedback.columns`.
    """
    unpacked = _unpacked(content)
    try:
        return _answered_rows(unpacked)
    except FeedbackError:
        raise
    except Exception as error:  # openpyxl ends in whatever error a spoiled part happens to cause
        raise _unreadable("it is no Excel workbook") from error


def _answered_rows(unpacked: io.BytesIO) -> list[tuple[int, dict[str, str]]]:
    book = openpyxl.load_workbook(unpacked, read_only=True, data_only=False, keep_links=False)
    for sheet in book.worksheets[:MOST_SHEETS]:
        cells = sheet.iter_rows(max_row=LAST_ROW, max_col=MOST_COLUMNS, values_only=True)
        if columns := _columns(next(cells, ())):
            rows = ((number, _form_row(row, columns)) for number, row in enumerate(cells, start=2))
            return [(number, row) for number, row in rows if row["code"]]
    raise FeedbackError(
        "feedback.columns", "No sheet of the workbook has the columns of the provider's report that it was made with."
    )


def _columns(heads: tuple[Any, ...]) -> dict[str, int]:
    """Return where the columns of a form stand, by their heads in one of the languages; empty when one is missing."""
    for language in LANGUAGES:
        named = answer_heads(texts_in(language))
        places = {name: heads.index(head) for name, head in named.items() if head in heads}
        if len(places) == len(named):
            return places
    return {}


def _form_row(cells: tuple[Any, ...], columns: dict[str, int]) -> dict[str, str]:
    """Return a row's texts; a cell that says that there is nothing to answer is as good as empty."""
    row = {name: "" if cells[at] is None else str(cells[at]) for name, at in columns.items()}
    if row["code"] in {texts_in(language)("none") for language in LANGUAGES}:
        row["code"] = ""
    return row


def _unpacked(content: bytes) -> io.BytesIO:
    """Return the workbook as an archive that is not compressed, so that no part is larger than it says.

    The sizes that an archive states are its maker's word, so what comes out is counted. A part with a document type
    could stand for far more text than it holds; no workbook has one (ECMA-376 part 2, 8.1.3).
    """
    unpacked, left = io.BytesIO(), LARGEST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(unpacked, "w") as plain:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or len({part.filename for part in parts}) < len(parts):
                raise _unreadable(f"it has over {MOST_PARTS} parts, or two of one name")
            for part in parts:
                with packed.open(part) as source:
                    text = b"".join(_bounded(source, left))
                left -= len(text)
                if b"<!DOCTYPE" in text.replace(b"\0", b""):  # in UTF-16 too
                    raise _unreadable("a part of it has a document type")
                plain.writestr(part.filename, text)
    # An archive that is spoiled, cut off, encrypted or packed by a method of its own ends in any of these.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error) as error:
        raise _unreadable("it is no whole ZIP archive") from error
    unpacked.seek(0)
    return unpacked


def _bounded(source: Any, most: int) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        most -= len(piece)
        if most < 0:
            raise FeedbackError(
                "feedback.too-large", f"The workbook of answers unpacks to over {LARGEST_UNPACKED // 2**20} MiB."
            )
        yield piece


def _unreadable(why: str) -> FeedbackError:
    return FeedbackError("feedback.unreadable", f"The workbook of answers cannot be read: {why}.")
