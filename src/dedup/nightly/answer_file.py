"""Reads a file of answers into rows: the form as CSV, or the provider's own workbook; nothing in it is believed yet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dedup.errors import FeedbackError
from dedup.nightly.answer_workbook import is_zip, refuse_compound_file, sheet_rows

LARGEST_FILE = 10 * 2**20  # bytes; a form of a hundred thousand lines
PROVIDER_COLUMNS = ("aanbieder_agb", "provider")


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answer as it was filled in: its row in the file (the header is 1) and its texts, without outer blanks."""

    line: int
    finding: str
    registratie_id: str
    provider: str
    code: str


def answer_rows(content: bytes) -> list[AnswerRow]:
    """Return the rows of a file that have an answer.

    A CSV has the columns finding, registratie_id, aanbieder_agb (or provider) and code; a workbook is one that
    `reports.provider_files.as_xlsx` made. Raises `FeedbackError`: `feedback.too-large`, `feedback.unreadable`,
    `feedback.encrypted`, `feedback.columns`.
    """
    if len(content) > LARGEST_FILE:
        raise FeedbackError("feedback.too-large", f"The file of answers is larger than {LARGEST_FILE // 2**20} MiB.")
    refuse_compound_file(content)
    rows = sheet_rows(content) if is_zip(content) else _csv_rows(content)
    answers = (_answer(line, row) for line, row in rows)
    return [answer for answer in answers if answer.code]


def _answer(line: int, row: Mapping[str, str]) -> AnswerRow:
    provider = next(name for name in PROVIDER_COLUMNS if name in row)
    values = (row[name].strip() for name in ("finding", "registratie_id", provider, "code"))
    return AnswerRow(line, *values)


def _csv_rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedbackError("feedback.unreadable", "The file of answers is not UTF-8.") from error
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";", restval="")
        names, rows = set(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise FeedbackError("feedback.unreadable", "The file of answers cannot be read as CSV.") from error
    if not {"finding", "registratie_id", "code"} <= names or names.isdisjoint(PROVIDER_COLUMNS):
        raise FeedbackError(
            "feedback.columns",
            "The file of answers must have the columns finding, registratie_id, aanbieder_agb, code.",
        )
    yield from rows
