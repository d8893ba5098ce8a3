"""Recomputes u, the probability of each comparison level for two different people, from clear data at a source.

u is a probability of the population: two records are drawn at random, not from the candidate pairs. Similarities follow
exactly from the clear tokens; what the sketches' noise does to them with 1, 2 and 3 entries follows from the
binomial distribution of their distances. Only the table leaves the source (docs/decisions/0003-u-probabilities.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.stats import binom

from dedup.encode.tokens import value_tokens
from dedup.errors import DedupError
from dedup.extract.values import NormalisedTable
from dedup.lab.agreement import similarity_shares
from dedup.link.levels import ADDRESS_LEVELS, ENTRY_CLASSES, ONE_TOKEN_AGREES, observed_levels
from dedup.model.linkage import Comparison, ComparisonKind, Field, LinkageModel
from dedup.weeks import MISSING_WEEK

SAMPLED_PAIRS = 2_000_000
# Records that agree in full on so many comparisons are taken to be one person, of whom one record is kept.
_SAME_PERSON_AGREEMENTS = 3
_FEWEST_RECORDS = 1_000
_DIGITS = 12
_LEAST_SHARE = 1e-12
# The similarity of values that differ stays below this, that of equal ones is 1 but for rounding.
_EQUAL = 1.0 - 1e-9
# Jaccard similarity under which two values are taken to be unlike, whatever the comparison's thresholds.
_UNLIKE = 0.3

UTable = tuple[tuple[float, ...], ...]


class FitError(DedupError):
    """Clear data that u cannot be computed from."""


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A field of n records: `of` int64[n] names each record's token set (-1 missing); sets are sorted token numbers."""

    of: NDArray[np.int64]
    offsets: NDArray[np.int64]
    tokens: NDArray[np.int64]


def fit_u(tables: Sequence[NormalisedTable], model: LinkageModel, rng: np.random.Generator) -> dict[str, UTable]:
    """Return a u table (3 rows: 1, 2, 3 or more entries) per comparison of the model.

    Raises `FitError` (`fit.too-few`) for fewer than 1,000 different people.
    """
    fields = {field.name: _tokens(tables, field) for field in model.fields}
    weeks = np.concatenate([np.empty(0, dtype=np.int32), *(table.edd_week for table in tables)])
    kept = _one_per_person(fields, model, len(weeks))
    if len(kept) < _FEWEST_RECORDS:
        raise FitError("fit.too-few", f"u needs at least {_FEWEST_RECORDS:,} different people.")
    fields = {name: _Tokens(tokens.of[kept], tokens.offsets, tokens.tokens) for name, tokens in fields.items()}
    one = rng.integers(0, len(kept), SAMPLED_PAIRS)
    other = (one + rng.integers(1, len(kept), SAMPLED_PAIRS)) % len(kept)
    bits = {field.name: field.bits for field in model.fields}
    result: dict[str, UTable] = {}
    for comparison in model.comparisons:
        if comparison.kind is ComparisonKind.WEEKS:
            rows = np.tile(_weeks_levels(weeks[kept], comparison), (ENTRY_CLASSES, 1))
        elif comparison.kind is ComparisonKind.ADDRESS:
            rows = _address_levels(comparison, fields, bits, one, other)
        else:
            rows = _sketch_levels(comparison, fields, bits, one, other)
        result[comparison.name] = _rounded(rows)
    return result


def _tokens(tables: Sequence[NormalisedTable], field: Field) -> _Tokens:
    """Number the distinct token sets of a field over all tables."""
    numbers: dict[bytes, int] = {}
    sets: dict[frozenset[bytes], int] = {}
    known: dict[tuple[str, ...], int] = {(): -1}
    of: list[int] = []
    for table in tables:
        values = table.attributes[field.attribute]
        for record in range(len(values)):
            key = values.of(record)
            if key not in known:
                tokens = frozenset().union(*(value_tokens(field.tokens, value) for value in key))
                known[key] = sets.setdefault(tokens, len(sets))
            of.append(known[key])
    lists = [sorted(numbers.setdefault(token, len(numbers)) for token in tokens) for tokens in sets]
    return _Tokens(
        of=np.array(of, dtype=np.int64),
        offsets=np.cumsum([0, *(len(tokens) for tokens in lists)]).astype(np.int64),
        tokens=np.array([token for tokens in lists for token in tokens], dtype=np.int64),
    )


def _one_per_person(fields: dict[str, _Tokens], model: LinkageModel, records: int) -> NDArray[np.int64]:
    """Return the records to keep: of those that agree in full on three comparisons, the first."""
    values = [_joint([fields[name].of for name in c.fields]) for c in model.comparisons if c.fields]
    keep = np.ones(records, dtype=np.bool_)
    for three in combinations(values, _SAME_PERSON_AGREEMENTS):
        joint = _joint(list(three))
        known = np.flatnonzero(joint >= 0)
        _, first = np.unique(joint[known], return_index=True)
        again = np.ones(len(known), dtype=np.bool_)
        again[first] = False
        keep[known[again]] = False
    return np.flatnonzero(keep)


def _joint(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Number the combinations of several values; -1 where one of them is missing."""
    known = np.all([part >= 0 for part in parts], axis=0)
    joint = np.full(len(parts[0]), -1, dtype=np.int64)
    if known.any():
        stacked = np.stack([part[known] for part in parts], axis=1)
        joint[known] = np.unique(stacked, axis=0, return_inverse=True)[1].reshape(-1)
    return joint


def _equal_share(values: NDArray[np.int64]) -> float:
    """Return the probability that two different records, both known, have equal values; never quite zero."""
    counts = np.bincount(values[values >= 0]).astype(np.float64)
    known = counts.sum()
    pairs = known * (known - 1)
    return float(((counts * (counts - 1)).sum() + 1.0) / (pairs + 1.0))


def _sketch_levels(
    comparison: Comparison,
    fields: dict[str, _Tokens],
    bits: dict[str, int],
    one: NDArray[np.int64],
    other: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return float64[3, levels] of a sketched field."""
    name, split = comparison.fields[0], comparison.split_lowest_by
    tokens = fields[name]
    known = (tokens.of[one] >= 0) & (tokens.of[other] >= 0)
    likeness, weights = _likeness(tokens, one[known], other[known])
    # The chance of full agreement is counted over all pairs: in a sample of the rarest it would be nought.
    likeness, weights = _with_equal(likeness, weights, _equal_share(tokens.of))
    rows = _noisy(likeness, weights, bits[name], comparison.thresholds)
    if split:
        rows = _split_lowest(rows, fields[name], fields[split], bits[split], one, other)
    return rows


def _likeness(
    tokens: _Tokens, one: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the similarities that occur among pairs, some of them more than once, and their shares."""
    common, size, other_size = _overlap(tokens.of, tokens.offsets, tokens.tokens, one, other)
    return similarity_shares(size, other_size, common)


def _with_equal(
    likeness: NDArray[np.float64], weights: NDArray[np.float64], equal: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale the shares of different values so that equal ones have the share `equal`; returns both, equal ones last."""
    different = likeness < _EQUAL
    weights = weights[different] / max(float(weights[different].sum()), _LEAST_SHARE) * (1.0 - equal)
    return np.append(likeness[different], 1.0), np.append(weights, equal)


def _noisy(
    likeness: NDArray[np.float64], weights: NDArray[np.float64], bits: int, thresholds: Sequence[float]
) -> NDArray[np.float64]:
    """Return the shares of the levels that the thresholds cut, as sketches of 1, 2 and 3 entries show them."""
    rows = []
    for entries in range(1, ENTRY_CLASSES + 1):
        size = entries * bits
        most = np.floor((1.0 - np.array(thresholds)) / 2.0 * size + 1e-9)
        reached = binom.cdf(most[None, :], size, np.clip((1.0 - likeness) / 2.0, 0.0, 1.0)[:, None])
        at_least = weights @ reached
        rows.append(-np.diff(np.concatenate([[1.0], at_least, [0.0]])))
    return np.array(rows)


def _split_lowest(
    rows: NDArray[np.float64],
    tokens: _Tokens,
    split: _Tokens,
    split_bits: int,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Split the lowest level by whether the other field is known and differs, among pairs that are unlike."""
    known = (tokens.of[one] >= 0) & (tokens.of[other] >= 0)
    a, b = one[known], other[known]
    common, size, other_size = _overlap(tokens.of, tokens.offsets, tokens.tokens, a, b)
    unlike = common < _UNLIKE * (size + other_size - common)
    both = unlike & (split.of[a] >= 0) & (split.of[b] >= 0)
    likeness, weights = _likeness(split, a[both], b[both])
    share = float(both.sum()) / max(float(unlike.sum()), 1.0)
    shown = (
        share * _noisy(likeness, weights, split_bits, [ONE_TOKEN_AGREES])[:, 0]
        if both.any()
        else np.full(ENTRY_CLASSES, 0.5)
    )
    lowest = rows[:, 0] * shown
    return np.column_stack([lowest, rows[:, 0] - lowest, rows[:, 1:]])


def _address_levels(
    comparison: Comparison,
    fields: dict[str, _Tokens],
    bits: dict[str, int],
    one: NDArray[np.int64],
    other: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return float64[3, 6]; house numbers count as independent of the postcode, except where the postcode is equal."""
    postcode, number = (fields[name] for name in comparison.fields)
    known = (postcode.of[one] >= 0) & (postcode.of[other] >= 0)
    likeness, weights = _likeness(postcode, one[known], other[known])
    same_postcode = _equal_share(postcode.of)
    likeness, weights = _with_equal(likeness, weights, same_postcode)
    rows = _noisy(likeness, weights, bits[comparison.fields[0]], comparison.thresholds)
    same_number = _equal_share(number.of)
    same_address = min(_equal_share(_joint([postcode.of, number.of])), same_postcode)
    levels = np.empty((ENTRY_CLASSES, ADDRESS_LEVELS))
    levels[:, 0], levels[:, 1] = rows[:, 0], rows[:, 1]
    levels[:, 4], levels[:, 2] = rows[:, 2] * same_number, rows[:, 2] * (1.0 - same_number)
    noise = np.maximum(rows[:, 3] - same_postcode, 0.0)
    levels[:, 5] = same_address + noise * same_number
    levels[:, 3] = rows[:, 3] - levels[:, 5]
    return levels


def _weeks_levels(weeks: NDArray[np.int32], comparison: Comparison) -> NDArray[np.float64]:
    """Return float64[levels]: how far apart two random EDDs lie."""
    known = weeks[weeks != MISSING_WEEK]
    levels = observed_levels(comparison)
    if not len(known):
        return np.full(levels, 1.0 / levels)
    counts = np.bincount(known - known.min()).astype(np.float64)
    pairs = float(len(known)) ** 2
    apart = np.correlate(counts, counts, mode="full")[len(counts) - 1 :] / pairs
    apart[1:] *= 2
    within = [float(apart[: int(weeks) + 1].sum()) for weeks in comparison.thresholds]
    return -np.diff(np.array([1.0, *reversed(within), 0.0]))


def _rounded(rows: NDArray[np.float64]) -> UTable:
    """Keep three significant digits of every probability, and let the largest make the row add up to one."""
    result = []
    for row in np.maximum(rows, _LEAST_SHARE):
        values = [float(f"{value:.3g}") for value in row]
        largest = int(np.argmax(values))
        values[largest] = round(1.0 - sum(v for i, v in enumerate(values) if i != largest), _DIGITS)
        result.append(tuple(values))
    return tuple(result)


@njit(cache=True)
def _overlap(
    of: NDArray[np.int64],
    offsets: NDArray[np.int64],
    tokens: NDArray[np.int64],
    one: NDArray[np.int64],
    other: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return how many tokens each pair shares, by merging its sorted lists, and how many either has."""
    shared = np.empty(len(one), dtype=np.int64)
    size = np.empty(len(one), dtype=np.int64)
    other_size = np.empty(len(one), dtype=np.int64)
    for p in range(len(one)):
        i, i_end = offsets[of[one[p]]], offsets[of[one[p]] + 1]
        j, j_end = offsets[of[other[p]]], offsets[of[other[p]] + 1]
        size[p], other_size[p] = i_end - i, j_end - j
        common = 0
        while i < i_end and j < j_end:
            if tokens[i] == tokens[j]:
                common += 1
                i += 1
                j += 1
            elif tokens[i] < tokens[j]:
                i += 1
            else:
                j += 1
        shared[p] = common
    return shared, size, other_size
