"""Names as sets of parts: surnames without prefixes in any order, the first names that a woman goes by, her initial."""

from __future__ import annotations

from functools import lru_cache

from dedup.extract.normalise.folding import REMEMBERED, fold_name, fold_text

# Words that are no part of a surname, as folded (bij is by), by where they come from.
_NO_SURNAME_PARTS = {
    "Dutch": "van vander vanden vande vd vdn de den der des te ten ter tot in op aan by onder over uit uyt het",
    "other European": "von vom zu zum zur dem del della delle dello di da do dos das du la le les",
    "Arabic and Berber": "el al ben bin bint ibn ait ayt oulad ould",
    "added by packages": "geb geboren ev wed mevr mevrouw mw dr drs ir",
}
SURNAME_PREFIXES = frozenset(word for words in _NO_SURNAME_PARTS.values() for word in words.split())
FIRST_NAMES_COUNTED = 2


@lru_cache(REMEMBERED)
def surname_parts(achternaam: str) -> tuple[str, ...]:
    """Return the parts of a surname as typed, without prefixes wherever they stand, in order of writing.

    "Vries, de" gives ("vries",), "Jansen-v.d. Berg" ("jansen", "berg"). A single letter is no part. A surname of
    nothing else ("El", "van Den", "O") does not vanish: its last word before any comma is its part.
    """
    words = fold_name(achternaam).split()
    parts = tuple(word for word in words if len(word) > 1 and word not in SURNAME_PREFIXES)
    if parts or not words:
        return parts
    before_comma = fold_name(achternaam.partition(",")[0]).split()
    return ((before_comma or words)[-1],)


def prefix_column_parts(voorvoegsels: str) -> tuple[str, ...]:
    """Return what a prefixes column holds that is no prefix: part of a surname that was typed there."""
    return tuple(word for word in fold_name(voorvoegsels).split() if len(word) > 1 and word not in SURNAME_PREFIXES)


def words(text: str) -> tuple[str, ...]:
    """Return the words of any text, in order."""
    return tuple(fold_text(text).split())


@lru_cache(REMEMBERED)
def first_name_words(voornamen: str) -> tuple[str, ...]:
    """Return all first names, in order; a hyphen separates them, and a single letter is an initial, not a name."""
    return tuple(word for word in fold_name(voornamen).split() if len(word) > 1)


def counted_first_names(voornamen: str) -> tuple[str, ...]:
    """Return the first two first names."""
    return first_name_words(voornamen)[:FIRST_NAMES_COUNTED]


def main_first_name(voornamen: str) -> str:
    """Return the first of the first names, "" where there is none."""
    words = first_name_words(voornamen)
    return words[0] if words else ""


def name_initial(voornamen: str) -> str:
    """Return the first letter of the first first name, "" where there is none."""
    return main_first_name(voornamen)[:1]


def typed_initial(initialen: str) -> str:
    """Return the first letter of what was typed ("J.M.", "Th."), "" where there is none."""
    return fold_name(initialen)[:1]
