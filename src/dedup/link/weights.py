"""Fellegi-Sunter weights: m by expectation-maximisation over the table of patterns, u from the linkage model.

A *cell* is what one comparison says of a pair: missing, `exact`, or an observed level together with the number of
entries (1, 2, 3 or more) whose sketches it rests on. A pattern is one cell per comparison. Every pair of records is a
match, a pair of relatives (two people who share what the model marks as `shared_by_relatives`, and nothing else but by
chance), or a pair of strangers. Where a model marks comparisons as `changes_together`, matches are of two kinds: those
of people for whom all of these changed at once (a move), and the others. Pairs that share no block count as strangers,
so the priors are over all pairs of records and u is a probability of the whole population (see
docs/decisions/0003-u-probabilities.md and 0015-rare-names-and-moves.md).

Source: I. P. Fellegi and A. B. Sunter, "A Theory for Record Linkage", JASA 64 (1969); W. E. Winkler, "Using the EM
algorithm for weight computation in the Fellegi-Sunter model of record linkage" (1988).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ModelError
from dedup.link.levels import ENTRY_CLASSES, LevelRules, cell_count, observed_levels
from dedup.model.linkage import Comparison, ComparisonKind, LinkageModel

_EXACT_CELL, _FIRST_CELL = 1, 2
# Pairs that are added to every comparison before m is estimated, so that no level is impossible.
_PSEUDO_PAIRS = 2.0
# Share of records that are taken to have a double, or a relative, before anything is known; EM moves it.
_DOUBLES_AT_START, _RELATIVES_AT_START = 0.05, 0.002
# Share of matches for whom what changes together is taken to have changed, before anything is known.
_CHANGED_AT_START = 0.1
# Each level is so many times likelier among matches than the one below it, at the start.
_RISE_AT_START = 3.0
_LEAST_U = 1e-12
_MAX_ROUNDS = 500
_SETTLED = 1e-6

Cells = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True)
class PatternTable:
    """The distinct patterns of all candidate pairs, in ascending order of their packed value.

    `cells` is int64[p, c]; `counts` float64[p], pairs with that pattern.
    """

    cells: NDArray[np.int64]
    counts: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shares:
    """float64[p] each: how many pairs with each pattern are of each kind (or the logarithm of it).

    `changed` are the matches for whom what changes together changed, `match` all others.
    """

    match: NDArray[np.float64]
    changed: NDArray[np.float64]
    relatives: NDArray[np.float64]
    strangers: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """What EM found; `m`, `m_changed`, `relatives` and `u` hold one array per comparison, a probability per cell.

    `prior` is the share of matches among all pairs of records, `prior_relatives` that of relatives; a missing cell has
    probability 1. `changed` is the share of matches for whom what changes together did, and `m_changed` is theirs: it
    equals `m` where a comparison is not marked, and is empty where none is. `u_fitted` tells whether u comes from the
    model (else from the candidate pairs, and the priors are shares of these); `rounds` is the number of EM rounds.
    """

    prior: float
    prior_relatives: float
    m: Cells
    relatives: Cells
    u: Cells
    u_fitted: bool
    rounds: int
    changed: float = 0.0
    m_changed: Cells = ()

    def log_odds(self, table: PatternTable) -> NDArray[np.float64]:
        """Return float64[p], the natural log odds that a pair with each pattern is a match."""
        logs = self._log_likelihoods(table)
        return np.logaddexp(logs.match, logs.changed) - np.logaddexp(logs.relatives, logs.strangers)

    def shares(self, table: PatternTable) -> Shares:
        """Return the expected pairs of each kind with each pattern."""
        logs = self._log_likelihoods(table)
        total = np.logaddexp(np.logaddexp(logs.match, logs.changed), np.logaddexp(logs.relatives, logs.strangers))
        kinds = (logs.match, logs.changed, logs.relatives, logs.strangers)
        return Shares(*(np.exp(log - total) * table.counts for log in kinds))

    def _log_likelihoods(self, table: PatternTable) -> Shares:
        strangers = 1.0 - self.prior - self.prior_relatives
        return Shares(
            *(
                _log(prior)
                + sum((np.log(c)[table.cells[:, i]] for i, c in enumerate(cells)), np.zeros(len(table.counts)))
                for prior, cells in (
                    (self.prior * (1.0 - self.changed), self.m),
                    (self.prior * self.changed, self.m_changed or self.m),
                    (self.prior_relatives, self.relatives),
                    (strangers, self.u),
                )
            )
        )


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


def fit(table: PatternTable, model: LinkageModel, records: int, equal_pairs: Mapping[int, int]) -> Weights:
    """Estimate m, the relatives' cells, the priors, and u of exact values.

    `equal_pairs` gives, for comparisons (by position) whose value is a block by itself, how many pairs of records share
    that value on this server: those that are two strangers give u of the value being equal, measured where it is used.

    Without any u table in the model, u is estimated from the candidate pairs as well; that is less exact. Raises
    `ModelError` (`link.u-table`) where only some comparisons have a table, or one does not fit its levels.
    """
    comparisons = model.comparisons
    fitted = any(comparison.u for comparison in comparisons)
    all_pairs = records * (records - 1) / 2 if fitted else float(table.counts.sum())
    all_pairs = max(all_pairs, 1.0)
    model_u = tuple(_u_cells(c) if fitted else _start(c, 1.0 / _RISE_AT_START) for c in comparisons)
    m = tuple(_start(c, _RISE_AT_START) for c in comparisons)
    weights = Weights(
        prior=min(_DOUBLES_AT_START * max(records, 2) / all_pairs, 0.25),
        prior_relatives=min(_RELATIVES_AT_START * max(records, 2) / all_pairs, 0.01),
        changed=_CHANGED_AT_START,
        m=m,
        m_changed=_marked(comparisons, tuple(_start(c, 1.0 / _RISE_AT_START) for c in comparisons), m),
        relatives=_relatives(comparisons, m, model_u),
        u=model_u,
        u_fitted=fitted,
        rounds=0,
    )
    if not any(comparison.shared_by_relatives for comparison in comparisons):
        weights = replace(weights, prior_relatives=0.0)
    if not any(comparison.changes_together for comparison in comparisons):
        weights = replace(weights, changed=0.0)
    for rounds in range(1, _MAX_ROUNDS + 1):
        pairs = weights.shares(table)
        matches = pairs.match + pairs.changed
        common = _estimated(comparisons, table, matches, pooled=fitted)
        if fitted:
            u = _with_equal_pairs(comparisons, table, model_u, matches + pairs.relatives, equal_pairs, all_pairs)
        else:
            u = _estimated(comparisons, table, pairs.strangers, pooled=False)
        new = Weights(
            prior=min(max(float(matches.sum()), 0.5) / all_pairs, 0.5),
            prior_relatives=float(pairs.relatives.sum()) / all_pairs,
            changed=float(pairs.changed.sum()) / max(float(matches.sum()), _LEAST_U),
            m=_marked(comparisons, _estimated(comparisons, table, pairs.match, pooled=fitted), common),
            m_changed=_marked(comparisons, _estimated(comparisons, table, pairs.changed, pooled=fitted), common),
            relatives=_relatives(comparisons, _estimated(comparisons, table, pairs.relatives, pooled=fitted), u),
            u=u,
            u_fitted=fitted,
            rounds=rounds,
        )
        settled = _moved(weights, new) < _SETTLED
        weights = new
        if settled:
            break
    return weights


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _moved(old: Weights, new: Weights) -> float:
    """Return the largest change of a probability, the priors' relative to themselves."""
    changes = [
        float(np.abs(a - b).max())
        for a, b in zip((*old.m, *old.m_changed, *old.relatives), (*new.m, *new.m_changed, *new.relatives), strict=True)
    ]
    changes += [abs(new.prior / old.prior - 1.0), abs(new.changed - old.changed)]
    if old.prior_relatives > 0:
        changes += [abs(new.prior_relatives - old.prior_relatives) / new.prior]
    return max(changes)


def _marked(comparisons: tuple[Comparison, ...], own: Cells, common: Cells) -> Cells:
    """Return the cells of one kind of matches: their own for what changes together, else those of all matches."""
    return tuple(
        cells if comparison.changes_together else shared
        for comparison, cells, shared in zip(comparisons, own, common, strict=True)
    )


def _relatives(comparisons: tuple[Comparison, ...], shared: Cells, chance: Cells) -> Cells:
    """Return the cells of relatives: their own where the comparison says so, else those of strangers."""
    return tuple(
        own if comparison.shared_by_relatives else other
        for comparison, own, other in zip(comparisons, shared, chance, strict=True)
    )


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


def _start(comparison: Comparison, rise: float) -> NDArray[np.float64]:
    """Return cells in which each level is `rise` times as likely as the one below it."""
    rising = rise ** np.arange(observed_levels(comparison))
    cells = np.ones(cell_count(comparison), dtype=np.float64)
    cells[_FIRST_CELL:] = np.tile(rising / rising.sum(), ENTRY_CLASSES)
    cells[_EXACT_CELL] = cells[-1]
    return cells


def _estimated(
    comparisons: tuple[Comparison, ...], table: PatternTable, pairs: NDArray[np.float64], *, pooled: bool
) -> Cells:
    """Return the cells of a class from its expected pairs with each pattern."""
    estimate = _pooled if pooled else _apart
    return tuple(estimate(c, pairs, table.cells[:, position]) for position, c in enumerate(comparisons))


def _pooled(comparison: Comparison, pairs: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return level shares, the same for any number of entries, `exact` counted as the highest level.

    How many entries found a pair follows from the same agreements that the levels show; given the number of entries,
    levels would have to be weighed against its own odds, or pairs found once would come out far too likely.
    """
    observed = observed_levels(comparison)
    sums = np.bincount(cells, weights=pairs, minlength=cell_count(comparison))
    levels = sums[_FIRST_CELL:].reshape(ENTRY_CLASSES, observed).sum(axis=0)
    levels[observed - 1] += sums[_EXACT_CELL]
    levels = levels + _PSEUDO_PAIRS / observed
    levels = levels / levels.sum()
    values = np.ones(cell_count(comparison), dtype=np.float64)
    values[_FIRST_CELL:] = np.tile(levels, ENTRY_CLASSES)
    values[_EXACT_CELL] = levels[observed - 1]
    return values


def _apart(comparison: Comparison, pairs: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of every cell by itself: what is left to do where nothing is known of the population."""
    values = np.bincount(cells, weights=pairs, minlength=cell_count(comparison)) + _PSEUDO_PAIRS / len(cells)
    values[_EXACT_CELL:] /= values[_EXACT_CELL:].sum()
    values[:_EXACT_CELL] = 1.0
    return np.asarray(values, dtype=np.float64)


def _with_equal_pairs(
    comparisons: tuple[Comparison, ...],
    table: PatternTable,
    model_u: Cells,
    together: NDArray[np.float64],
    equal_pairs: Mapping[int, int],
    all_pairs: float,
) -> Cells:
    """Put in u how often strangers share a value on this server; `together` are pairs of one person or of relatives."""
    u = list(model_u)
    for position, pairs in equal_pairs.items():
        equal = _is_equal(comparisons[position], table.cells[:, position])
        strangers = max(pairs - float(together[equal].sum()), 0.5)
        u[position] = _with_equal(comparisons[position], model_u[position], strangers / all_pairs)
    return tuple(u)


def _is_equal(comparison: Comparison, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which patterns have the comparison at its highest level, seen or fixed by the block."""
    observed = observed_levels(comparison)
    highest = (cells >= _FIRST_CELL) & ((cells - _FIRST_CELL) % observed == observed - 1)
    return np.asarray(highest | (cells == _EXACT_CELL), dtype=np.bool_)


def _with_equal(comparison: Comparison, cells: NDArray[np.float64], equal: float) -> NDArray[np.float64]:
    """Raise the share of equal values in u to `equal`, and keep what noise adds to the highest level.

    It is never lowered: a handful of shared values is too few to say that sharing one is rarer than in the population.
    """
    if equal <= cells[_EXACT_CELL]:
        return cells
    observed = observed_levels(comparison)
    values = cells.copy()
    values[_EXACT_CELL] = equal
    for entry_class in range(ENTRY_CLASSES):
        top = _FIRST_CELL + entry_class * observed + observed - 1
        values[top] += equal - cells[_EXACT_CELL]
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
