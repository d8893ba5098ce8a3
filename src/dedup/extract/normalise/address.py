"""Postcode and house number as the address is compared: PC6 without a space, the number apart from its suffix."""

from __future__ import annotations

import re

from dedup.extract.normalise.folding import ascii_lower

# SA, SD and SS are never given out.
_POSTCODE = re.compile(r"([1-9][0-9]{3})\s?([a-z]{2})")
_NEVER_GIVEN_OUT = frozenset(("sa", "sd", "ss"))
_HOUSE_NUMBER = re.compile(r"[^0-9]*0*([1-9][0-9]{0,4})(?![0-9])")


def postcode(typed: str) -> str:
    """Return a Dutch postcode as four digits and two lower-case letters, or "" where it is not one."""
    match = _POSTCODE.fullmatch(ascii_lower(typed.strip()))
    return match[1] + match[2] if match and match[2] not in _NEVER_GIVEN_OUT else ""


def house_number(huisnummer: str) -> str:
    """Return the first number of at most five digits without leading zeros ("12a", "12-2", "nr. 12": "12"), or ""."""
    match = _HOUSE_NUMBER.match(huisnummer)
    return match[1] if match else ""
