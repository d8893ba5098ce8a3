"""Why a pair has its probability, without any value: one weight per comparison, from the prior to the log odds.

A comparison's weight is its evidence against chance, log2(m / u) bits: how many times likelier its level is among
matches than among strangers. The engine weighs several kinds of matches (for some of whom address and phone changed
at once, `changes_together`) against strangers *and* kinds of relatives (`dedup.link.kinds`), and with mixtures the log
odds are no longer a sum over comparisons. What is left is therefore told as two weights of their own. With c_k the
share of a kind k among matches, m = sum c_k m_k a level's share among all matches, pi the shares of kinds of relatives
(R) and of strangers (S) among all pairs that are no match, and r the relatives' probabilities,

    log2 odds = log2(prior / (1 - prior)) + sum log2(m / u)
                + log2(sum over k of c_k * product(m_k / m))                  "changes together"
                - log2(sum over R of pi_R * product(r_R / u) + pi_S)          "could be a relative"

"Changes together" is zero where a model marks nothing, and gives back what address and phone took one by one where
both differ, as they do after a move. "Could be a relative" is zero where a model has no relatives, next to zero where
nothing points to them, and takes as much away as surname, address and phone gave where they may as well be a sister's.
Weights in bits as in T. Blakely and C. Salmond, "Probabilistic record linkage and a method to calculate the positive
predictive value" (2002): one bit doubles the odds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dedup.link.levels import ADDRESS_LEVELS, cell_count
from dedup.link.weights import Weights
from dedup.model.linkage import Comparison, ComparisonKind, LinkageModel


class LevelWord(StrEnum):
    """What a level says of the two records; texts for people are made of it elsewhere."""

    MISSING = "missing"
    DIFFERENT_ALTOGETHER = "different_altogether"  # the field that splits the lowest level differs too
    DIFFERENT = "different"
    SLIGHTLY_SIMILAR = "slightly_similar"
    SIMILAR = "similar"
    VERY_SIMILAR = "very_similar"
    EQUAL = "equal"
    EXACT = "exact"  # fixed by every block that found the pair
    ADDRESS_DIFFERENT = "address_different"
    POSTCODE_SIMILAR = "postcode_similar"
    POSTCODE_VERY_SIMILAR = "postcode_very_similar"
    POSTCODE_EQUAL = "postcode_equal"
    POSTCODE_VERY_SIMILAR_NUMBER_EQUAL = "postcode_very_similar_number_equal"
    ADDRESS_EQUAL = "address_equal"
    SAME_WEEK = "same_week"
    WITHIN_WEEKS = "within_weeks"
    FURTHER_APART = "further_apart"


_SIMILAR = (LevelWord.SLIGHTLY_SIMILAR, LevelWord.SIMILAR, LevelWord.VERY_SIMILAR)
_ADDRESS = (
    LevelWord.ADDRESS_DIFFERENT,
    LevelWord.POSTCODE_SIMILAR,
    LevelWord.POSTCODE_VERY_SIMILAR,
    LevelWord.POSTCODE_EQUAL,
    LevelWord.POSTCODE_VERY_SIMILAR_NUMBER_EQUAL,
    LevelWord.ADDRESS_EQUAL,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A level in words; `weeks` is the number that `within_weeks` and `further_apart` need, else 0."""

    word: LevelWord
    weeks: int = 0


@dataclass(frozen=True, slots=True)
class ComparisonWeights:
    """What each cell of one comparison weighs, in bits; see `dedup.link.weights` for cells.

    `bits`, float64[cells], is log2(m / u); `matches_bits`, float64[kinds of matches, cells], log2(m_k / m), zero where
    nothing changes together; `relatives_bits`, float64[kinds of relatives, cells], log2(r / u), zero where relatives
    are to be taken for strangers. `kind`, `thresholds` and `lowest_is_split` are the model's and tell what a level
    means.
    """

    name: str
    kind: ComparisonKind
    thresholds: tuple[float, ...]
    lowest_is_split: bool
    bits: NDArray[np.float64]
    matches_bits: NDArray[np.float64]
    relatives_bits: NDArray[np.float64]

    def meaning(self, level: int) -> Meaning:
        """Return what a level (int8 of `CandidatePairs.levels`, -1 missing) says."""
        if level < 0:
            return Meaning(LevelWord.MISSING)
        if self.kind is ComparisonKind.WEEKS:
            return self._weeks(level)
        if self.kind is ComparisonKind.ADDRESS:
            return Meaning(_ADDRESS[level] if level < ADDRESS_LEVELS else LevelWord.EXACT)
        reached = level - self.lowest_is_split
        highest = len(self.thresholds)
        if reached <= 0:
            return Meaning(LevelWord.DIFFERENT_ALTOGETHER if reached < 0 else LevelWord.DIFFERENT)
        if reached >= highest:
            return Meaning(LevelWord.EQUAL if reached == highest else LevelWord.EXACT)
        # With fewer than four thresholds the weaker words go unused; with more, the weakest stands for several levels.
        between = highest - 1
        middle = (LevelWord.SIMILAR,) if between == 1 else _SIMILAR[-between:]
        return Meaning(middle[max(reached - 1 - max(between - len(middle), 0), 0)])

    def _weeks(self, level: int) -> Meaning:
        if level == 0:
            return Meaning(LevelWord.FURTHER_APART, int(self.thresholds[-1]))
        weeks = int(self.thresholds[len(self.thresholds) - level])
        return Meaning(LevelWord.WITHIN_WEEKS, weeks) if weeks else Meaning(LevelWord.SAME_WEEK)


@dataclass(frozen=True, slots=True)
class WeightTable:
    """All weights of one linkage; `prior` is the share of matches among all pairs of records.

    `matches` are the shares of the kinds of matches among all matches, `relatives` those of the kinds of relatives
    among all pairs that are no match.
    """

    prior: float
    matches: tuple[float, ...]
    relatives: tuple[float, ...]
    comparisons: tuple[ComparisonWeights, ...]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one comparison adds to a pair's log odds, in bits; `level` as in `CandidatePairs.levels`."""

    comparison: str
    level: int
    meaning: Meaning
    bits: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A pair's log odds in bits as a sum: the prior, the contributions in the model's order, and what is left.

    `together_bits` is for what changes together, `relatives_bits` for a possible relative.
    """

    prior_bits: float
    contributions: tuple[Contribution, ...]
    together_bits: float
    relatives_bits: float

    @property
    def log_odds_bits(self) -> float:
        """Return the log2 odds that the pair is a match: the sum of all weights."""
        evidence = (c.bits for c in self.contributions)
        return math.fsum((self.prior_bits, *evidence, self.together_bits, self.relatives_bits))

    @property
    def probability(self) -> float:
        """Return the match probability that the log odds stand for."""
        return 0.5 * (1.0 + math.tanh(0.5 * math.log(2.0) * self.log_odds_bits))


def weight_table(weights: Weights, model: LinkageModel) -> WeightTable:
    """Turn probabilities per cell into bits."""
    prior = weights.prior
    matches = tuple(kind.share / prior for kind in weights.matches)
    return WeightTable(
        prior=prior,
        matches=matches,
        relatives=tuple(kind.share / (1.0 - prior) for kind in weights.relatives),
        comparisons=tuple(
            _comparison_weights(
                comparison,
                matches,
                np.array([kind.cells[position] for kind in weights.matches]),
                np.array([kind.cells[position] for kind in weights.relatives]).reshape(-1, cell_count(comparison)),
                weights.u[position],
            )
            for position, comparison in enumerate(model.comparisons)
        ),
    )


def explain(table: WeightTable, cells: NDArray[np.int64], levels: NDArray[np.int8]) -> Explanation:
    """Explain one pair from its cells (int64[c], a row of `PatternTable.cells`) and levels (int8[c])."""
    contributions = []
    kinship, together = np.zeros(len(table.relatives)), np.zeros(len(table.matches))
    for comparison, cell, level in zip(table.comparisons, cells.tolist(), levels.tolist(), strict=True):
        bits = float(comparison.bits[cell])
        contributions.append(Contribution(comparison.name, level, comparison.meaning(level), bits))
        kinship += comparison.relatives_bits[:, cell]
        together += comparison.matches_bits[:, cell]
    return Explanation(
        prior_bits=math.log2(table.prior) - math.log2(1.0 - table.prior),
        contributions=tuple(contributions),
        together_bits=_mixed(table.matches, together),
        # How much likelier the pair's levels are among all pairs that are no match than by chance.
        relatives_bits=-_mixed((*table.relatives, 1.0 - math.fsum(table.relatives)), np.append(kinship, 0.0)),
    )


def _comparison_weights(
    comparison: Comparison,
    shares: tuple[float, ...],
    matches: NDArray[np.float64],
    relatives: NDArray[np.float64],
    u: NDArray[np.float64],
) -> ComparisonWeights:
    # Where all kinds are alike the mixture is any of them, to the last bit: what is missing weighs nothing at all.
    alike = (matches == matches[0]).all(axis=0)
    m = np.where(alike, matches[0], np.array(shares) @ matches)
    return ComparisonWeights(
        name=comparison.name,
        kind=comparison.kind,
        thresholds=comparison.thresholds,
        lowest_is_split=bool(comparison.split_lowest_by),
        bits=np.log2(m) - np.log2(u),
        matches_bits=np.log2(matches) - np.log2(m),
        relatives_bits=np.log2(relatives) - np.log2(u),
    )


def _mixed(shares: Sequence[float], bits: NDArray[np.float64]) -> float:
    """Return log2 of the sum of share * 2**bits; exactly those bits where there is one share and it is all."""
    if len(shares) == 1:
        return float(bits[0])
    return float(
        np.logaddexp2.reduce([math.log2(share) + of for share, of in zip(shares, bits, strict=True) if share > 0])
    )
