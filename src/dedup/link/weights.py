"""Fellegi-Sunter weights: m by expectation-maximisation over the table of patterns, u from the linkage model.

A *cell* is what one comparison says of a pair: missing, `exact`, or an observed level together with the number of
entries (1, 2, 3 or more) whose sketches it rests on. A pattern is one cell per comparison. Every pair of records is
either a match or not; pairs that share no block count as non-matches, so the prior is over all pairs of records and u
is a probability of the whole population (see docs/decisions/0003-u-probabilities.md).

Source: I. P. Fellegi and A. B. Sunter, "A Theory for Record Linkage", JASA 64 (1969); W. E. Winkler, "Using the EM
algorithm for weight computation in the Fellegi-Sunter model of record linkage" (1988).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ModelError
from dedup.link.levels import ENTRY_CLASSES, LevelRules, cell_count, observed_levels
from dedup.model.linkage import Comparison, ComparisonKind, LinkageModel

_MISSING_CELL, _EXACT_CELL, _FIRST_CELL = 0, 1, 2
# Pairs that are added to every level before m is estimated, so that no level is impossible.
_PSEUDO_PAIRS = 2.0
# Share of records that are taken to have a double before anything is known; EM moves it.
_DOUBLES_AT_START = 0.05
_LEAST_U = 1e-12
_MAX_ROUNDS = 200
_SETTLED = 1e-7


@dataclass(frozen=True, slots=True)
class PatternTable:
    """The distinct patterns of all candidate pairs, in ascending order of their packed value.

    `cells` is int64[p, c]; `counts` float64[p], pairs with that pattern.
    """

    cells: NDArray[np.int64]
    counts: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """What EM found: `prior` is the share of matches among all pairs of records; one array of cells per comparison.

    `m` and `u` hold probabilities per cell (see `dedup.link.levels.cell_count`), 1 where the cell is missing;
    `rounds` is the number of EM rounds.
    """

    prior: float
    m: tuple[NDArray[np.float64], ...]
    u: tuple[NDArray[np.float64], ...]
    rounds: int

    def log_odds(self, table: PatternTable) -> NDArray[np.float64]:
        """Return float64[p], the natural log odds that a pair with each pattern is a match."""
        odds = np.full(len(table.counts), np.log(self.prior) - np.log1p(-self.prior))
        for position, (m, u) in enumerate(zip(self.m, self.u, strict=True)):
            odds += (np.log(m) - np.log(u))[table.cells[:, position]]
        return odds


def pattern_table(patterns: NDArray[np.int64], counts: NDArray[np.int64], rules: LevelRules) -> PatternTable:
    """Unpack distinct patterns into cells."""
    cells = np.empty((len(patterns), len(rules.cells)), dtype=np.int64)
    rest = patterns.copy()
    for position in range(len(rules.cells) - 1, -1, -1):
        rest, cells[:, position] = np.divmod(rest, rules.cells[position])
    return PatternTable(cells=cells, counts=counts.astype(np.float64))


def probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn natural log odds into probabilities without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)), dtype=np.float64)


def model_u(model: LinkageModel) -> tuple[NDArray[np.float64], ...]:
    """Return the model's u per cell; raises `ModelError` (`link.u-table`) where a table is missing or does not fit."""
    return tuple(_u_cells(comparison) for comparison in model.comparisons)


def fit(
    table: PatternTable,
    model: LinkageModel,
    records: int,
    equal_pairs: Mapping[int, int],
) -> Weights:
    """Estimate m, the prior, and u of exact values.

    `equal_pairs` gives, for comparisons (by position) whose value is a block by itself, how many pairs of records share
    that value on this server: those that are not matches give u of the value being equal, measured where it is used.
    """
    all_pairs = max(records * (records - 1) / 2, 1.0)
    model_values = model_u(model)
    u = [values.copy() for values in model_values]
    m = [_start(comparison) for comparison in model.comparisons]
    prior = min(_DOUBLES_AT_START * max(records, 2) / all_pairs, 0.25)
    weights = Weights(prior, tuple(m), tuple(u), 0)
    for rounds in range(1, _MAX_ROUNDS + 1):
        matches = probability(weights.log_odds(table)) * table.counts
        total = float(matches.sum())
        new_m = tuple(_m_cells(c, matches, table.cells[:, i]) for i, c in enumerate(model.comparisons))
        new_u = list(model_values)
        for position, pairs in equal_pairs.items():
            equal = _is_equal(model.comparisons[position], table.cells[:, position])
            others = max(pairs - float(matches[equal].sum()), 0.5)
            new_u[position] = _with_equal(model.comparisons[position], model_values[position], others / all_pairs)
        new = Weights(min(max(total, 0.5) / all_pairs, 0.5), new_m, tuple(new_u), rounds)
        moved = max(float(np.abs(a - b).max()) for a, b in zip(new.m, weights.m, strict=True)) if new.m else 0.0
        moved = max(moved, abs(new.prior / weights.prior - 1.0))
        weights = new
        if moved < _SETTLED:
            break
    return weights


def _u_cells(comparison: Comparison) -> NDArray[np.float64]:
    observed = observed_levels(comparison)
    if len(comparison.u) != ENTRY_CLASSES or any(len(row) != observed for row in comparison.u):
        raise ModelError(
            "link.u-table",
            f"Comparison {comparison.name} needs a u table of {ENTRY_CLASSES} rows of {observed} probabilities; "
            "dedup model fit-u makes one.",
        )
    cells = np.ones(cell_count(comparison), dtype=np.float64)
    cells[_FIRST_CELL:] = np.maximum(np.array(comparison.u, dtype=np.float64).reshape(-1), _LEAST_U)
    # With three entries or more the highest level holds hardly any noise: its u is that of the value being equal.
    cells[_EXACT_CELL] = cells[-1]
    return cells


def _start(comparison: Comparison) -> NDArray[np.float64]:
    """Most matches agree: each level three times as likely as the one below it."""
    observed = observed_levels(comparison)
    rising = 3.0 ** np.arange(observed)
    cells = np.ones(cell_count(comparison), dtype=np.float64)
    cells[_FIRST_CELL:] = np.tile(rising / rising.sum(), ENTRY_CLASSES)
    cells[_EXACT_CELL] = cells[-1]
    return cells


def _m_cells(comparison: Comparison, matches: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Level shares among matches."""
    observed = observed_levels(comparison)
    sums = np.bincount(cells, weights=matches, minlength=cell_count(comparison))
    exact = float(sums[_EXACT_CELL])
    by_class = sums[_FIRST_CELL:].reshape(ENTRY_CLASSES, observed)
    pooled = by_class.sum(axis=0)
    pooled[observed - 1] += exact
    pooled = pooled + _PSEUDO_PAIRS / observed
    pooled = pooled / pooled.sum()
    values = np.ones(cell_count(comparison), dtype=np.float64)
    values[_FIRST_CELL:] = np.tile(pooled, ENTRY_CLASSES)
    values[_EXACT_CELL] = pooled[observed - 1]
    return values


def _is_equal(comparison: Comparison, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which patterns have the comparison at its highest level, seen or fixed by the block."""
    observed = observed_levels(comparison)
    highest = (cells >= _FIRST_CELL) & ((cells - _FIRST_CELL) % observed == observed - 1)
    return np.asarray(highest | (cells == _EXACT_CELL), dtype=np.bool_)


def _with_equal(comparison: Comparison, cells: NDArray[np.float64], equal: float) -> NDArray[np.float64]:
    """Replace the share of equal values in u, and keep what noise adds to the highest level."""
    observed = observed_levels(comparison)
    values = cells.copy()
    values[_EXACT_CELL] = max(equal, _LEAST_U)
    for entry_class in range(ENTRY_CLASSES):
        top = _FIRST_CELL + entry_class * observed + observed - 1
        values[top] = max(cells[top] - cells[_EXACT_CELL], 0.0) + values[_EXACT_CELL]
    return values


def exact_comparisons(model: LinkageModel) -> dict[int, int]:
    """Return, for comparisons whose equal values are one pass's whole block, their position and that pass's index."""
    attribute = {field.name: field.attribute for field in model.fields}
    found: dict[int, int] = {}
    for position, comparison in enumerate(model.comparisons):
        if comparison.kind is ComparisonKind.WEEKS:
            continue
        wanted = {attribute[name] for name in comparison.fields}
        for index, linkage_pass in enumerate(model.passes):
            if set(linkage_pass.attributes) == wanted and set(comparison.fields) <= set(linkage_pass.omits):
                found[position] = index
    return found
