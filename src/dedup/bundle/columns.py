"""The rules for a batch's attribute columns: names, types, closed lists, order; all that a vendor could get wrong."""

from __future__ import annotations

import itertools
import re
from datetime import date
from enum import StrEnum
from typing import Any

from dedup.errors import BundleError
from dedup.fields import ATTRIBUTES, AttributeType, CareProduct, Role, Status, needs_status_week
from dedup.weeks import MISSING_WEEK, week_of

MAX_TEXT = 128  # characters
MAX_NUMBER = 10_000
FIRST_WEEK = week_of(date(2000, 1, 1))
LAST_WEEK = week_of(date(2100, 1, 1))
ID = "registratie_id"

_CLOSED: dict[str, type[StrEnum]] = {
    "zorgproduct": CareProduct,
    "rol": Role,
    "status": Status,
}
_REQUIRED = {ID, "aanbieder_agb", "status"}
_AGB = re.compile(r"[0-9]{8}")
_PATTERNS: dict[str, re.Pattern[str]] = {
    "registratie_id": re.compile(r"[0-9A-Za-z-]{1,64}"),
    "schema_versie": re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}"),
    "bronsysteem": re.compile(r"[0-9A-Za-z._ -]{1,64}"),
    "aanbieder_agb": _AGB,
    "relatie_agb": _AGB,
    "overdracht_agb": _AGB,
    "sharing": re.compile(r"[0-9a-f]{32}([0-9a-f]{32})?"),
    "ksv": re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}"),  # names a folder of reports, so it is never ".."
}


def malformed(rule: str) -> BundleError:
    """Return the error for a batch that breaks a rule."""
    return BundleError("bundle.batch-malformed", f"A batch of the bundle cannot be used: {rule}.")


def check_columns(columns: Any, n: int, *, generic: bool, provider: str) -> None:
    """Check the columns of a batch of n rows; raises `BundleError` (`bundle.batch-malformed`), naming column and rule.

    A generic table has the one column `registratie_id`, with printable text of any kind.
    """
    if not isinstance(columns, dict) or set(columns) != ({ID} if generic else set(ATTRIBUTES)):
        raise malformed("its columns are not those of this version")
    for name, values in columns.items():
        if not isinstance(values, list) or len(values) != n:
            raise malformed(f"column {name} has not one value a row")
        kind = ATTRIBUTES[name]
        if kind is AttributeType.TEXT:
            _check_text(name, values, generic=generic)
        else:
            _check_number(name, values, kind)
    if not generic:
        _check_status_weeks(columns)
    ids = columns[ID]
    if any(first >= second for first, second in itertools.pairwise(ids)):
        raise malformed("rows are not sorted by registratie_id, or one stands twice")
    if provider and not generic and set(columns["aanbieder_agb"]) != {provider}:
        raise malformed("a row belongs to another provider than the manifest names")


def _check_text(name: str, values: list[Any], *, generic: bool) -> None:
    if set(map(type, values)) != {str}:
        raise malformed(f"column {name} holds something that is not text")
    distinct = set(values)
    if "" in distinct:
        if name in _REQUIRED:
            raise malformed(f"column {name} has an empty value")
        distinct.discard("")
    if generic:
        valid = all(len(value) <= MAX_TEXT for value in distinct) and "".join(distinct).isprintable()
    elif name in _CLOSED:
        valid = distinct <= {str(member) for member in _CLOSED[name]}
    else:
        match = _PATTERNS[name].fullmatch
        valid = all(map(match, distinct))
    if not valid:
        raise malformed(f"column {name} has a value that its rule does not allow")


def _check_status_weeks(columns: dict[str, list[Any]]) -> None:
    """Refuse a week of the status where nothing reads it, so that no encoder tells more than it should."""
    read = zip(columns["status"], columns["status_week"], columns["overdracht_week"], strict=True)
    if any(
        week != MISSING_WEEK and not needs_status_week(status, transfer_known=transfer != MISSING_WEEK)
        for status, week, transfer in read
    ):
        raise malformed("column status_week has a value where it is not to be sent")


def _check_number(name: str, values: list[Any], kind: AttributeType) -> None:
    # type() and not isinstance(): true and false are integers to Python, but not to the format.
    if set(map(type, values)) != {int}:
        raise malformed(f"column {name} holds something that is not a whole number")
    present = set(values) - {MISSING_WEEK}
    low, high = {
        AttributeType.WEEK: (FIRST_WEEK, LAST_WEEK),
        AttributeType.NUMBER: (0, MAX_NUMBER),
        AttributeType.YES_NO: (0, 1),
    }[kind]
    if present and not (low <= min(present) and max(present) <= high):
        raise malformed(f"column {name} has a value that its rule does not allow")
