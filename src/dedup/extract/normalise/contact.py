"""Phone numbers, e-mail addresses and insurance numbers as one value each, by rules of our own."""

from __future__ import annotations

import re

from dedup.extract.normalise.folding import ascii_lower

_PHONE_PUNCTUATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]")
_DUTCH = re.compile(r"(?:(?:\+|00)?31)?0?([1-9][0-9]{8})")
_FOREIGN = re.compile(r"(?:\+|00)([1-9][0-9]{6,14})")
_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63}")
_NOT_ALPHANUMERIC = re.compile(r"[^0-9a-z]")
_UZOVI = re.compile(r"[0-9]{3,4}")


def phone_number(telefoon: str) -> str:
    """Return a Dutch number's last nine digits, a foreign one as + and all its digits, or "" where it is neither.

    (0) is dropped first, then spaces, dots, slashes, brackets and dashes. A Dutch number is nine digits of which the
    first is not 0, after one of: nothing, 0, 31, +31, 0031, each of the last three also with a 0. A foreign number is
    + or 00 and 7 to 15 digits. A filler (`is_filler`) is no number.
    """
    typed = telefoon.replace("-", "").replace(" ", "")
    if not typed.removeprefix("+").isdigit():
        typed = _PHONE_PUNCTUATION.sub("", telefoon.replace("(0)", ""))
    dutch = _DUTCH.fullmatch(typed)
    if dutch:
        return "" if is_filler(dutch[1]) else dutch[1]
    foreign = _FOREIGN.fullmatch(typed)
    return f"+{foreign[1]}" if foreign and not foreign[1].startswith("31") and not is_filler(foreign[1]) else ""


def is_filler(digits: str) -> bool:
    """Tell a number that was typed to fill the field: its last seven digits (or all of it) are one digit."""
    last = digits[-7:]
    return last == last[0] * len(last)


def email_address(email: str) -> str:
    """Return the address in lower case without spaces around it, or "" where it is not one (ASCII only)."""
    typed = ascii_lower(email.strip())
    return typed if len(typed) <= 254 and _EMAIL.fullmatch(typed) else ""


def insurer_code(uzovi: str) -> str:
    """Return the four digits of an insurer's UZOVI code (a leading zero that was lost is put back), or ""."""
    typed = uzovi.strip()
    return typed.zfill(4) if _UZOVI.fullmatch(typed) else ""


def insurance_number(verzekerdennummer: str) -> str:
    """Return an insured person's number: 4 to 20 lower-case letters and digits without leading zeros, or ""."""
    typed = ascii_lower(verzekerdennummer)
    if not (typed.isascii() and typed.isalnum()):
        typed = _NOT_ALPHANUMERIC.sub("", typed)
    typed = typed.lstrip("0")
    return typed if 4 <= len(typed) <= 20 and not is_filler(typed) else ""
