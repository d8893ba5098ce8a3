"""Matches a file's header with the columns of the format: what is missing, what is ignored, what is misspelt.

A file without a header has a client in its first line, so a name from the file is only ever repeated in a message
where it is one of ours, or so close to one that it cannot be anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from dedup.errors import ExtractError, shortened
from dedup.extract.columns import COLUMN_NAMES, FIRST_NAME_COLUMNS, KNOWN_AND_IGNORED, REQUIRED_NAMES

CLOSE_ENOUGH = 75.0  # rapidfuzz ratio, 0-100; below it a name is not taken for a misspelling
HEADER_SHARE = 0.2  # a first line with fewer of our names than this share of the required ones is no header


@dataclass(frozen=True, slots=True)
class Header:
    """`renamed` maps the file's names to ours; `ignored` describes the columns that are left out, in file order."""

    renamed: dict[str, str]
    ignored: tuple[str, ...]


def match_header(file_name: str, columns: Sequence[str]) -> Header:
    """Match the columns of an extract, in any order and case.

    Raises `ExtractError`: `extract.no-header` where the first line has next to none of our names,
    `extract.missing-columns` where required ones are not there (with suggestions), `extract.duplicate-columns` where
    two differ only in case.
    """
    renamed: dict[str, str] = {}
    for name in columns:
        ours = name.lower()
        if ours in COLUMN_NAMES:
            if ours in renamed.values():
                raise ExtractError("extract.duplicate-columns", f"{file_name} has the column {ours} twice.")
            renamed[name] = ours
    found = set(renamed.values())
    if len(found) < HEADER_SHARE * len(REQUIRED_NAMES):
        raise ExtractError(
            "extract.no-header",
            f"The first line of {file_name} does not hold the column names of an extract (see docs/extract.md).",
        )
    unknown = [name for name in columns if name not in renamed]
    missing = [name for name in REQUIRED_NAMES if name not in found]
    if not found.intersection(FIRST_NAME_COLUMNS):
        missing.append(" or ".join(FIRST_NAME_COLUMNS))
    if missing:
        parts = [name + _suggestion(name, unknown) for name in missing]
        noun = "a required column" if len(parts) == 1 else "required columns"
        raise ExtractError("extract.missing-columns", f"{file_name} lacks {noun}: {', '.join(parts)}.")
    positions = {name: position for position, name in enumerate(columns, start=1)}
    absent = [name for name in COLUMN_NAMES if name not in found]
    return Header(renamed, tuple(_describe(name, positions[name], absent) for name in unknown))


def require_columns(file_name: str, columns: Sequence[str], needed: Sequence[str]) -> None:
    """Raise `ExtractError` (`extract.missing-columns`, with suggestions) where a generic table lacks needed columns."""
    unknown = [name for name in columns if name not in needed]
    missing = [name + _suggestion(name, unknown) for name in needed if name not in columns]
    if missing:
        raise ExtractError(
            "extract.missing-columns",
            f"{file_name} lacks columns that the linkage model names: {', '.join(missing)}.",
        )


def _suggestion(missing: str, unknown: Sequence[str]) -> str:
    match = process.extractOne(missing, unknown, scorer=fuzz.ratio, processor=str.lower, score_cutoff=CLOSE_ENOUGH)
    return f" (is it {shortened(match[0])}?)" if match else ""


def _describe(name: str, position: int, absent: Sequence[str]) -> str:
    if name.lower() in KNOWN_AND_IGNORED:
        return name.lower()
    match = process.extractOne(name, absent, scorer=fuzz.ratio, processor=str.lower, score_cutoff=CLOSE_ENOUGH)
    return f"column {position}, {shortened(name)} (is {match[0]} meant?)" if match else f"column {position}"
