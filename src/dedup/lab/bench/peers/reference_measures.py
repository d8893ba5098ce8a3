"""How the reference linker compares clear values: exact similarities, rapidfuzz's edits, and levels cut for them.

Everything is a recordlinkage feature over a frame with one column per attribute, "" or an empty tuple where missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein
from recordlinkage.base import BaseCompareFeature

from dedup.encode.tokens import value_tokens
from dedup.model.linkage import Comparison, ComparisonKind, LinkageModel, TokenRule

MISSING = -1
Column = Sequence[Any]

# Jaccard similarity of bigrams, over all names of a record. Jaro-Winkler (name by name, cuts 0.75, 0.88, 0.94, 1) was
# tried on seed 1 and is worse where a record has several names: F1 0.9960 instead of 0.9972 on required fields.
NAME_CUTS = (0.2, 0.4, 0.6, 0.9)
# Of eight digits: two edits, one edit (exchanged neighbours, or day and month, count as one), equal.
DATE_CUTS = (0.74, 0.86, 1.0)
CODE_CUTS = (0.6, 0.8, 1.0)
WHOLE_CUTS = (0.85, 1.0)
# Postcodes of six characters: two edits, one edit, equal; as the address's levels weak, near and equal.
ADDRESS_CUTS = (0.6, 0.8, 1.0)
_CUTS = {
    TokenRule.BIGRAMS: NAME_CUTS,
    TokenRule.DATE: DATE_CUTS,
    TokenRule.POSITIONS: CODE_CUTS,
    TokenRule.WHOLE: WHOLE_CUTS,
}
_SWAPPED = 0.875
# What two people of one house share. An equal e-mail address weighs twice as much as its noisy sketch (24 bits to 12),
# enough by itself to make one woman of a surrogate mother and the parents (seed 1: 3 of 3 false pairs).
_SHARED_RULES = ("phone", "email")


@dataclass(frozen=True, slots=True)
class Measure:
    """One comparison of the model on clear text: the columns it reads, and `levels`: int64[p] for pairs, -1 missing."""

    comparison: Comparison
    columns: tuple[str, ...]
    levels: Callable[[Sequence[Column], Sequence[Column]], NDArray[np.int64]]


class ClearLevel(BaseCompareFeature):  # type: ignore[misc]  # recordlinkage has no types
    """A measure as a recordlinkage feature."""

    def __init__(self, measure: Measure) -> None:
        super().__init__(list(measure.columns), list(measure.columns), label=measure.comparison.name)
        self._measure = measure

    def _compute_vectorized(self, *columns: pd.Series) -> NDArray[np.int64]:
        half = len(columns) // 2
        left, right = ([column.to_list() for column in side] for side in (columns[:half], columns[half:]))
        return self._measure.levels(left, right)


def measures(model: LinkageModel) -> list[Measure]:
    """Return the model's comparisons with cuts of their own, without u."""
    fields = {field.name: field for field in model.fields}
    rules = {attribute.name: attribute.rule for attribute in model.attributes}
    with_relatives = any(comparison.shared_by_relatives for comparison in model.comparisons)
    found = []
    for comparison in model.comparisons:
        named = [fields[name] for name in comparison.fields]
        columns = tuple(field.attribute for field in named)
        if comparison.kind is ComparisonKind.WEEKS:
            found.append(Measure(comparison, ("edd_week",), _weeks_levels(comparison.thresholds)))
        elif comparison.kind is ComparisonKind.ADDRESS:
            found.append(Measure(replace(comparison, thresholds=ADDRESS_CUTS), columns, _address_levels))
        else:
            shared = with_relatives and rules[named[0].attribute] in _SHARED_RULES
            cut = replace(
                comparison,
                thresholds=_CUTS[named[0].tokens],
                shared_by_relatives=comparison.shared_by_relatives or shared,
            )
            split = fields[comparison.split_lowest_by].attribute if comparison.split_lowest_by else ""
            columns += (split,) if split else ()
            found.append(Measure(cut, columns, _text_levels(named[0].tokens, cut.thresholds, split=bool(split))))
    return found


def _text_levels(
    tokens: TokenRule, cuts: Sequence[float], *, split: bool
) -> Callable[[Sequence[Column], Sequence[Column]], NDArray[np.int64]]:
    def levels(left: Sequence[Column], right: Sequence[Column]) -> NDArray[np.int64]:
        known = _known(left[0], right[0])
        found = _reached(_similarity(tokens, left[0], right[0]), cuts)
        if split:
            other = _known(left[1], right[1]) & np.array([a != b for a, b in zip(left[1], right[1], strict=True)])
            found = np.where((found == 0) & other, 0, found + 1)
        return np.where(known, found, MISSING)

    return levels


def _address_levels(left: Sequence[Column], right: Sequence[Column]) -> NDArray[np.int64]:
    """Return none, weak, near, postcode, near and number, postcode and number, as the engine counts them."""
    reached = _reached(_edit(left[0], right[0]), ADDRESS_CUTS)
    same = _known(left[1], right[1]) & np.array([a == b for a, b in zip(left[1], right[1], strict=True)])
    found = np.select([reached == 3, reached == 2], [np.where(same, 5, 3), np.where(same, 4, 2)], reached)
    return np.where(_known(left[0], right[0]), found, MISSING)


def _weeks_levels(
    thresholds: Sequence[float],
) -> Callable[[Sequence[Column], Sequence[Column]], NDArray[np.int64]]:
    def levels(left: Sequence[Column], right: Sequence[Column]) -> NDArray[np.int64]:
        one, other = (np.array(side[0], dtype=np.int64) for side in (left, right))
        apart = np.abs(one - other)
        found = sum((apart <= weeks).astype(np.int64) for weeks in thresholds)
        return np.where((one >= 0) & (other >= 0), found, MISSING)

    return levels


def _known(left: Column, right: Column) -> NDArray[np.bool_]:
    return np.array([bool(a) and bool(b) for a, b in zip(left, right, strict=True)], dtype=np.bool_)


def _reached(similarity: NDArray[np.float64], cuts: Sequence[float]) -> NDArray[np.int64]:
    return np.asarray((similarity[:, None] + 1e-9 >= np.array(cuts)).sum(axis=1), dtype=np.int64)


def _similarity(tokens: TokenRule, left: Column, right: Column) -> NDArray[np.float64]:
    if tokens is TokenRule.BIGRAMS:
        return _jaccard(left, right)
    found = _edit(left, right)
    if tokens is TokenRule.DATE:
        swapped = [a[:4] == b[:4] and a[4:6] == b[6:] and a[6:] == b[4:6] for a, b in zip(left, right, strict=True)]
        found = np.where(swapped, np.maximum(found, _SWAPPED), found)
    return found


def _jaccard(left: Column, right: Column) -> NDArray[np.float64]:
    sets = {value: _bigrams(value) for value in {*left, *right}}
    shares = [len(sets[a] & sets[b]) / max(len(sets[a] | sets[b]), 1) for a, b in zip(left, right, strict=True)]
    return np.array(shares, dtype=np.float64)


def _bigrams(value: str | tuple[str, ...]) -> frozenset[bytes]:
    names = (value,) if isinstance(value, str) else value
    return frozenset().union(*(value_tokens(TokenRule.BIGRAMS, name) for name in names if name))


def _edit(left: Column, right: Column) -> NDArray[np.float64]:
    """Return 1 minus the share of characters that must be edited, exchanged neighbours counting once."""
    scorer = DamerauLevenshtein.normalized_similarity
    return np.asarray(process.cpdist(left, right, scorer=scorer, dtype=np.float64))
