"""Folds any text to lower-case a-z, digits and single spaces by a closed table.

Each character is handled alone: A-Z and a-z become lower case, digits stay, letters of the table become their a-z,
combining marks and invisible characters are dropped, an apostrophe becomes `'`, and every other character (spaces,
hyphens, dots, brackets, letters of other scripts) becomes a space.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase, digits

from dedup.extract.normalise.letters import APOSTROPHES, COMBINING_MARKS, INVISIBLE, LETTERS


class _FoldingTable(dict[int, str]):
    """A table for `str.translate` in which a character without an entry is a separator."""

    def __missing__(self, character: int) -> str:
        return " "


def _folding_table() -> _FoldingTable:
    table = _FoldingTable()
    table.update({ord(c): c for c in ascii_lowercase + digits})
    table.update({ord(c): c.lower() for c in ascii_uppercase})
    table.update({ord(letter): plain for plain, letters in LETTERS.items() for letter in letters})
    table.update({mark: "" for first, last in COMBINING_MARKS for mark in range(first, last + 1)})
    table.update(dict.fromkeys(map(ord, INVISIBLE), ""))
    table.update(dict.fromkeys(map(ord, APOSTROPHES), "'"))
    return table


_TABLE = _folding_table()

# An elided article (d'Hondt, van 't Hof, 's-Gravesande) is a word of its own; any other apostrophe joins (M'hamed).
_ELISION = re.compile(r"\b([dlst])'|'([st])\b")
_DIGITS_OUT = str.maketrans(digits, " " * len(digits))
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_LETTERS = re.compile("[a-z]+")

# Names come back in every extract of a run; more different ones than this are worked out again.
REMEMBERED = 1 << 16


def ascii_lower(text: str) -> str:
    """Return the text with A-Z in lower case and nothing else changed: the Kelvin sign stays what it is."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def fold_text(text: str) -> str:
    """Return words of a-z and 0-9 with one space between; apostrophes are dropped. The generic folding."""
    return " ".join(text.translate(_TABLE).replace("'", "").split())


@lru_cache(REMEMBERED)
def fold_name(text: str) -> str:
    """Return words of a-z with one space between, as names are compared: elided articles apart, `ij` = `y`, no digits.

    "D'Hondt-IJsselstein" becomes "d hondt ysselstein", "M'hamed" "mhamed", "'t Hof" "t hof".
    """
    if text.isascii() and "'" not in text and "`" not in text:  # the same in a third of the time
        return " ".join(_LETTERS.findall(text.lower().replace("ij", "y")))
    folded = _ELISION.sub(r" \1\2 ", text.translate(_TABLE)).replace("'", "").replace("ij", "y")
    return " ".join(folded.translate(_DIGITS_OUT).split())
