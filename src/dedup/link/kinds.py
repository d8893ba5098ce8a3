"""The kinds of pairs that weights are a mixture of: matches, pairs of relatives, and pairs of strangers.

Two records of one person agree in what the person's life and the clerk's pen left alone, and each comparison of a match
has its own probabilities, whatever the others say. Three things break that, and each is a mark in the model:

- What relatives have in common (`shared_by_relatives`) goes together without being one person. Pairs of relatives have
  probabilities of their own there, and those of strangers in all else.
- Some relatives share one thing more (`shared_by_some_relatives`): twins a birth date, father and son a first name.
  Each such mark makes a kind of relatives who share it as fully as one person does.
- Things that change at one stroke (`changes_together`, by a name for what happens: a move, names written in each
  other's column) are one piece of evidence and not several. Each name splits the matches in those for whom it all
  changed and those for whom nothing did; and the relatives too, where relatives share all of it: some live together
  and some do not.

A model without marks has matches and strangers only. The kinds are found without any label, by `dedup.link.weights`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from dedup.model.linkage import Comparison

# Share of records that are taken to have a double, or a relative, before anything is known; EM moves them.
_DOUBLES_AT_START, _RELATIVES_AT_START, _SPECIAL_RELATIVES_AT_START = 0.05, 0.002, 0.0005
# Share of a kind for whom what changes together is taken to have changed, before anything is known.
_CHANGED_AT_START = 0.1


@dataclass(frozen=True, slots=True)
class Source:
    """Whose probabilities a comparison has in a kind: those of matches or of relatives.

    `changed` tells which part: where what changes together changed, or where it did not; None where it does not matter.
    Kinds with the same source in a comparison have the same probabilities there, estimated from all of them.
    """

    of_matches: bool
    changed: bool | None = None


@dataclass(frozen=True, slots=True)
class KindOfPairs:
    """One kind of matches or relatives: the sources of its comparisons (None for strangers'), and how many to expect.

    `start` is a share of records: how many of these pairs a record has, before anything is known.
    """

    is_match: bool
    sources: tuple[Source | None, ...]
    start: float


def kinds_of_pairs(comparisons: tuple[Comparison, ...]) -> tuple[KindOfPairs, ...]:
    """Return the kinds that the marks of a model's comparisons make, matches first; strangers are not among them."""
    happenings = tuple(dict.fromkeys(c.changes_together for c in comparisons if c.changes_together))
    kinds = list(_split(comparisons, happenings, _DOUBLES_AT_START, is_match=True))
    if any(comparison.shared_by_relatives for comparison in comparisons):
        shared = tuple(
            name for name in happenings if all(c.shared_by_relatives for c in comparisons if c.changes_together == name)
        )
        kinds += _split(comparisons, shared, _RELATIVES_AT_START, is_match=False)
        for special in comparisons:
            if special.shared_by_some_relatives:
                kinds += _split(comparisons, shared, _SPECIAL_RELATIVES_AT_START, is_match=False, special=special)
    return tuple(kinds)


def _split(
    comparisons: tuple[Comparison, ...],
    happenings: tuple[str, ...],
    start: float,
    *,
    is_match: bool,
    special: Comparison | None = None,
) -> Iterator[KindOfPairs]:
    """Yield a kind for each choice of what happened and what did not; `special` is what these relatives share."""
    for choice in product((False, True), repeat=len(happenings)):
        happened = dict(zip(happenings, choice, strict=True))
        share = start
        for changed in choice:
            share *= _CHANGED_AT_START if changed else 1.0 - _CHANGED_AT_START
        sources: list[Source | None] = []
        for comparison in comparisons:
            if is_match or comparison.shared_by_relatives:
                sources.append(Source(is_match, happened.get(comparison.changes_together)))
            elif comparison is special:
                sources.append(Source(of_matches=True, changed=False if comparison.changes_together else None))
            else:
                sources.append(None)
        yield KindOfPairs(is_match, tuple(sources), share)
