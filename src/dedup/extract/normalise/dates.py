"""Dates as eight digits, year first; whether such a day exists is the check's question, not the rule's."""

from __future__ import annotations

import re

_EIGHT_DIGITS = re.compile(r"([0-9]{4})([-/.]?)([0-9]{2})\2([0-9]{2})")


def date_digits(typed: str) -> str:
    """Return a date that is typed year first, with or without -, / or . between, as `YYYYMMDD`; "" for anything else.

    It need not exist: in a generic table a mistyped 31 April is still worth comparing, digit by digit.
    """
    match = _EIGHT_DIGITS.fullmatch(typed.strip())
    return match[1] + match[3] + match[4] if match else ""
