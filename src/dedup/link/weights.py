"""Fellegi-Sunter weights: m by expectation-maximisation over the table of patterns, u from the linkage model.

Every pair of records is a match, a pair of relatives or a pair of strangers, and matches and relatives may be of
several kinds (`dedup.link.kinds`). Pairs that share no block count as strangers, so the shares are of all pairs of
records and u is a probability of the whole population (see docs/decisions/0003-u-probabilities.md,
0009-relatives.md, 0015-rare-names-and-moves.md and 0018-families-and-exchanged-names.md).

Source: I. P. Fellegi and A. B. Sunter, "A Theory for Record Linkage", JASA 64 (1969); W. E. Winkler, "Using the EM
algorithm for weight computation in the Fellegi-Sunter model of record linkage" (1988).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.link.kinds import KindOfPairs, Source, kinds_of_pairs
from dedup.link.levels import ENTRY_CLASSES, EXACT_CELL, FIRST_CELL, cell_count, observed_levels
from dedup.link.patterns import Cells, PatternTable
from dedup.link.strangers import u_cells, with_equal_pairs
from dedup.model.linkage import Comparison, LinkageModel

# Pairs that are added to every comparison before m is estimated, so that no level is impossible.
_PSEUDO_PAIRS = 2.0
# Each level is so many times likelier among matches than the one below it, at the start.
_RISE_AT_START = 3.0
# The most that all matches, and all relatives, are taken to be of all pairs at the start.
_MOST_MATCHES_AT_START, _MOST_RELATIVES_AT_START = 0.25, 0.01
_MAX_ROUNDS = 500
_SETTLED = 1e-6


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of pairs as EM found it: its share of all pairs of records, and one array of cells per comparison."""

    share: float
    cells: Cells


@dataclass(frozen=True, slots=True)
class Weights:
    """What EM found: the kinds of matches (one or more) and of relatives (or none), and u, the cells of strangers.

    A missing cell has probability 1. `u_fitted` tells whether u comes from the model (else from the candidate pairs,
    and the shares are shares of these); `rounds` is the number of EM rounds.
    """

    matches: tuple[Kind, ...]
    relatives: tuple[Kind, ...]
    u: Cells
    u_fitted: bool
    rounds: int

    @property
    def prior(self) -> float:
        """Return the share of matches among all pairs of records."""
        return math.fsum(kind.share for kind in self.matches)

    @property
    def prior_relatives(self) -> float:
        """Return the share of relatives among all pairs of records."""
        return math.fsum(kind.share for kind in self.relatives)

    def log_odds(self, table: PatternTable) -> NDArray[np.float64]:
        """Return float64[p], the natural log odds that a pair with each pattern is a match."""
        logs = self._log_likelihoods(table)
        first_other = len(self.matches)
        return np.asarray(np.logaddexp.reduce(logs[:first_other]) - np.logaddexp.reduce(logs[first_other:]))

    def expected_pairs(self, table: PatternTable) -> list[NDArray[np.float64]]:
        """Return float64[p] per kind, matches first and strangers last: how many pairs with each pattern are of it."""
        logs = self._log_likelihoods(table)
        total = np.logaddexp.reduce(logs)
        return [np.exp(log - total) * table.counts for log in logs]

    def _log_likelihoods(self, table: PatternTable) -> list[NDArray[np.float64]]:
        kinds = (*self.matches, *self.relatives, Kind(1.0 - self.prior - self.prior_relatives, self.u))
        logs = [np.full(len(table.counts), _log(kind.share)) for kind in kinds]
        for position in range(len(self.u)):
            # Kinds share most of their cells; each array is looked up once.
            found: dict[int, NDArray[np.float64]] = {}
            for log, kind in zip(logs, kinds, strict=True):
                cells = kind.cells[position]
                if id(cells) not in found:
                    found[id(cells)] = np.log(cells)[table.cells[:, position]]
                log += found[id(cells)]
        return logs


def probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn natural log odds into probabilities without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)), dtype=np.float64)


def fit(table: PatternTable, model: LinkageModel, records: int, equal_pairs: Mapping[int, int]) -> Weights:
    """Estimate the kinds of matches and relatives, and u of exact values.

    `equal_pairs` gives, for comparisons (by position) whose value is a block by itself, how many pairs of records share
    that value on this server: those that are two strangers give u of the value being equal, measured where it is used.

    Without any u table in the model, u is estimated from the candidate pairs as well; that is less exact. Raises
    `ModelError` (`link.u-table`) where only some comparisons have a table, or one does not fit its levels.
    """
    fitted = any(comparison.u for comparison in model.comparisons)
    all_pairs = records * (records - 1) / 2 if fitted else float(table.counts.sum())
    task = _Task(
        table=table,
        comparisons=model.comparisons,
        kinds=kinds_of_pairs(model.comparisons),
        model_u=tuple(u_cells(c) if fitted else _start(c, 1.0 / _RISE_AT_START) for c in model.comparisons),
        u_fitted=fitted,
        equal_pairs=equal_pairs,
        all_pairs=max(all_pairs, 1.0),
    )
    weights = task.start(records)
    for _ in range(_MAX_ROUNDS):
        before, weights = weights, task.improved(weights)
        if _moved(before, weights) < _SETTLED:
            break
    return weights


@dataclass(frozen=True, slots=True)
class _Task:
    """What EM works on; the arguments of `fit`, taken apart."""

    table: PatternTable
    comparisons: tuple[Comparison, ...]
    kinds: tuple[KindOfPairs, ...]
    model_u: Cells
    u_fitted: bool
    equal_pairs: Mapping[int, int]
    all_pairs: float

    def start(self, records: int) -> Weights:
        """Return weights in which levels rise among matches, and fall where something changed."""

        def rising(position: int, source: Source, _kinds: Sequence[int]) -> NDArray[np.float64]:
            rise = 1.0 / _RISE_AT_START if source.changed else _RISE_AT_START
            return _start(self.comparisons[position], rise)

        shares = [kind.start * max(records, 2) / self.all_pairs for kind in self.kinds]
        for is_match, most in ((True, _MOST_MATCHES_AT_START), (False, _MOST_RELATIVES_AT_START)):
            numbers = [number for number, kind in enumerate(self.kinds) if kind.is_match == is_match]
            excess = max(math.fsum(shares[number] for number in numbers) / most, 1.0)
            for number in numbers:
                shares[number] /= excess
        return self._weights(shares, self.model_u, rising, rounds=0)

    def improved(self, weights: Weights) -> Weights:
        """Return the weights of one more round of EM."""
        table = self.table
        pairs = weights.expected_pairs(table)
        related = pairs[:-1]
        estimate = _pooled if self.u_fitted else _apart

        def estimated(position: int, _source: Source, kinds: Sequence[int]) -> NDArray[np.float64]:
            of = np.sum([related[kind] for kind in kinds], axis=0)
            return estimate(self.comparisons[position], of, table.cells[:, position])

        if self.u_fitted:
            together = np.sum(related, axis=0)
            u = with_equal_pairs(self.comparisons, table, self.model_u, together, self.equal_pairs, self.all_pairs)
        else:
            u = tuple(_apart(c, pairs[-1], table.cells[:, position]) for position, c in enumerate(self.comparisons))
        shares = [float(of.sum()) / self.all_pairs for of in related]
        matches = len(weights.matches)
        # Neither no match at all nor more matches than others: the odds would be of nothing.
        shares[0] += max(0.5 / self.all_pairs - math.fsum(shares[:matches]), 0.0)
        excess = max(2.0 * math.fsum(shares[:matches]), 1.0)
        shares[:matches] = [share / excess for share in shares[:matches]]
        return self._weights(shares, u, estimated, rounds=weights.rounds + 1)

    def _weights(
        self,
        shares: Sequence[float],
        u: Cells,
        cells_of: Callable[[int, Source, Sequence[int]], NDArray[np.float64]],
        rounds: int,
    ) -> Weights:
        """Put kinds together; `cells_of` is asked once for each source of a comparison, with the kinds that have it."""
        columns: list[list[NDArray[np.float64]]] = [[] for _ in self.kinds]
        for position, chance in enumerate(u):
            having: dict[Source | None, list[int]] = {}
            for number, kind in enumerate(self.kinds):
                having.setdefault(kind.sources[position], []).append(number)
            known = {source: cells_of(position, source, having[source]) for source in having if source is not None}
            for column, kind in zip(columns, self.kinds, strict=True):
                source = kind.sources[position]
                column.append(chance if source is None else known[source])
        made = [Kind(share, tuple(column)) for share, column in zip(shares, columns, strict=True)]
        matches = sum(kind.is_match for kind in self.kinds)
        return Weights(tuple(made[:matches]), tuple(made[matches:]), u, self.u_fitted, rounds)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _moved(old: Weights, new: Weights) -> float:
    """Return the largest change: of a probability, of the prior to itself, and of a kind's share to the prior."""
    changes = [abs(new.prior / old.prior - 1.0)]
    for one, other in zip((*old.matches, *old.relatives), (*new.matches, *new.relatives), strict=True):
        changes.append(abs(other.share - one.share) / new.prior)
        changes += [float(np.abs(a - b).max()) for a, b in zip(one.cells, other.cells, strict=True)]
    return max(changes)


def _start(comparison: Comparison, rise: float) -> NDArray[np.float64]:
    """Return cells in which each level is `rise` times as likely as the one below it."""
    rising = rise ** np.arange(observed_levels(comparison))
    cells = np.ones(cell_count(comparison), dtype=np.float64)
    cells[FIRST_CELL:] = np.tile(rising / rising.sum(), ENTRY_CLASSES)
    cells[EXACT_CELL] = cells[-1]
    return cells


def _pooled(comparison: Comparison, pairs: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return level shares, the same for any number of entries, `exact` counted as the highest level.

    How many entries found a pair follows from the same agreements that the levels show; given the number of entries,
    levels would have to be weighed against its own odds, or pairs found once would come out far too likely.
    """
    observed = observed_levels(comparison)
    sums = np.bincount(cells, weights=pairs, minlength=cell_count(comparison))
    levels = sums[FIRST_CELL:].reshape(ENTRY_CLASSES, observed).sum(axis=0)
    levels[observed - 1] += sums[EXACT_CELL]
    levels = levels + _PSEUDO_PAIRS / observed
    levels = levels / levels.sum()
    values = np.ones(cell_count(comparison), dtype=np.float64)
    values[FIRST_CELL:] = np.tile(levels, ENTRY_CLASSES)
    values[EXACT_CELL] = levels[observed - 1]
    return values


def _apart(comparison: Comparison, pairs: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of every cell by itself: what is left to do where nothing is known of the population."""
    values = np.bincount(cells, weights=pairs, minlength=cell_count(comparison)) + _PSEUDO_PAIRS / len(cells)
    values[EXACT_CELL:] /= values[EXACT_CELL:].sum()
    values[:EXACT_CELL] = 1.0
    return np.asarray(values, dtype=np.float64)
