"""What a column may hold: one function per kind of value, from text as typed to (clean value, fault code).

A clean value of "" counts as missing. The code is "" where nothing is wrong; a value may come with a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from stdnum.nl import bsn

from dedup.extract.coded import CodedColumn, coded_column
from dedup.extract.normalise.address import house_number, postcode
from dedup.extract.normalise.contact import email_address, insurance_number, insurer_code, phone_number
from dedup.extract.normalise.folding import ascii_lower, fold_name

Cleaned = tuple[str, str]
Cleaner = Callable[[str, date], Cleaned]

MAX_TEXT = 200
MAX_HOURS = 400
AGE_RANGE = (12, 60)  # years, both ends included
EDD_DAYS = (-60, 300)  # from the day of the check, both ends included
WEEK_YEARS = (2000, 2099)  # of days that are sent as a week, both ends included; a bundle takes no other week
SCHEMA_VERSION = "1.0"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AGB = re.compile(r"[0-9]{8}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NIL_UUID = "00000000-0000-0000-0000-000000000000"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
# UTF-8 read as Windows-1252 or Latin-1 and written again, or the mark of a character that was lost. The characters of
# Windows-1252 stand here one by one, for a range would take in letters: Â and ş begin the name Âşık.
_WINDOWS_1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_GARBLED = re.compile(f"\ufffd|[\u00c2-\u00c5][\u0080-\u00bf{_WINDOWS_1252}]")
_FILLERS = frozenset(("onbekend", "nvt", "n v t", "nnb", "n n b", "geen", "unknown", "niet bekend", "leeg", "xxx"))
YES, NO = "ja", "nee"


def registration_id(value: str, _: date) -> Cleaned:
    """A UUID that is not nil, in lower case; it leaves the source, so it must not be anyone's number."""
    lowered = ascii_lower(value)
    if _UUID.fullmatch(lowered) and lowered != _NIL_UUID:
        return lowered, ""
    return "", "id.bsn" if bsn.is_valid(value) else "id.malformed"


def provider_code(value: str, _: date) -> Cleaned:
    """The provider's own AGB code."""
    return (value, "") if _AGB.fullmatch(value) else ("", "provider.malformed")


def agb_code(value: str, _: date) -> Cleaned:
    """Another provider's AGB code."""
    return (value, "") if _AGB.fullmatch(value) else ("", "agb.malformed")


def one_of(choices: type[StrEnum] | tuple[str, ...], fault: str = "code.unknown") -> Cleaner:
    """A code of a closed list, in any case."""
    allowed = frozenset(str(choice) for choice in choices)

    def clean(value: str, _: date) -> Cleaned:
        lowered = ascii_lower(value)
        return (lowered, "") if lowered in allowed else ("", fault)

    return clean


def schema_version(value: str, _: date) -> Cleaned:
    """The version of this format."""
    return (value, "") if value == SCHEMA_VERSION else ("", "schema.unknown")


def open_code(value: str, _: date) -> Cleaned:
    """A code of an open list: up to 40 letters, digits, spaces and . _ -."""
    return (value, "") if _CODE.fullmatch(value) else ("", "text.malformed")


def free_text(value: str, _: date) -> Cleaned:
    """Any text up to 200 characters."""
    return (value, "") if len(value) <= MAX_TEXT else ("", "text.malformed")


def name_text(value: str, _: date) -> Cleaned:
    """A name: something is left of it when it is folded, it is no filler, and it was not garbled on its way."""
    if len(value) > MAX_TEXT:
        return "", "text.malformed"
    if not value.isascii() and _GARBLED.search(value):
        return "", "name.garbled"
    folded = fold_name(value)
    return (value, "") if folded and folded not in _FILLERS else ("", "name.no-letters")


def _existing_date(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        return None


def any_date(value: str, _: date) -> Cleaned:
    """An existing ISO date of this century: packages write 1900-01-01 and 9999-12-31 for none."""
    day = _existing_date(value)
    return (value, "") if day and WEEK_YEARS[0] <= day.year <= WEEK_YEARS[1] else ("", "date.malformed")


def past_date(value: str, today: date) -> Cleaned:
    """An existing ISO date of this century that is not after the day of the check."""
    day = _existing_date(value)
    if day and day > today:
        return "", "date.future"
    return any_date(value, today)


def birth_date(value: str, today: date) -> Cleaned:
    """The mother's birth date; 1 January and 1 July come with a note, for they may stand for an unknown day."""
    day = _existing_date(value)
    if day is None:
        return "", "date.malformed"
    age = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    if not AGE_RANGE[0] <= age <= AGE_RANGE[1]:
        return "", "birth_date.age"
    return value, "birth_date.weak" if (day.month, day.day) in ((1, 1), (7, 1)) else ""


def expected_delivery(value: str, today: date) -> Cleaned:
    """The EDD, from 60 days before to 300 days after the day of the check."""
    day = _existing_date(value)
    if day is None:
        return "", "date.malformed"
    within = timedelta(EDD_DAYS[0]) <= day - today <= timedelta(EDD_DAYS[1])
    return (value, "") if within else ("", "edd.range")


def hours(value: str, _: date) -> Cleaned:
    """A whole number of hours, 0 to 400."""
    fits = value.isascii() and value.isdigit() and len(value) <= 3 and int(value) <= MAX_HOURS
    return (str(int(value)), "") if fits else ("", "hours.malformed")


@dataclass(frozen=True, slots=True)
class KeptByRule:
    """Keeps a value as typed where its normalisation rule makes something of it."""

    rule: Callable[[str], str]
    fault: str

    def __call__(self, value: str, _: date) -> Cleaned:
        """Clean one value."""
        return (value, "") if len(value) <= MAX_TEXT and self.rule(value) else ("", self.fault)


postcode_text = KeptByRule(postcode, "postcode.malformed")
house_number_text = KeptByRule(house_number, "house_number.malformed")
phone_text = KeptByRule(phone_number, "phone.malformed")
email_text = KeptByRule(email_address, "email.malformed")
insurer_text = KeptByRule(insurer_code, "insurance.malformed")
insurance_text = KeptByRule(insurance_number, "insurance.malformed")
yes_no = one_of((YES, NO))


def clean_column(column: CodedColumn, clean: Cleaner, today: date) -> tuple[CodedColumn, list[str]]:
    """Return the column with clean values, and the fault code of each distinct value as typed ("" for most).

    No codes at all where nothing is wrong with any.
    """
    if not column.values:
        return column, []
    if isinstance(clean, KeptByRule):
        made = column.under(clean.rule)  # kept with the column, for normalising it
        if all(made) and max(map(len, column.values)) <= MAX_TEXT:
            return column, []
        useless = [not kept or len(value) > MAX_TEXT for value, kept in zip(column.values, made, strict=True)]
        return column.without(useless), [clean.fault if bad else "" for bad in useless]
    cleaned = [clean(value, today) for value in column.values]
    kept = [value for value, _ in cleaned]
    faults = [fault for _, fault in cleaned]
    return (column if kept == column.values else coded_column(column.codes, kept)), faults if any(faults) else []
