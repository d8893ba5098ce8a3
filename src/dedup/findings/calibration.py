"""Fits the thresholds of `certain` and `likely` on what providers answered, and shows what that would change.

A threshold is the lowest probability from which labelled pairs are one woman often enough: the lower bound of Wilson's
interval (JASA 22, 1927) on their share must reach the precision that is asked for. Labels come from findings that
were shown, so they say nothing of pairs below the group threshold: no threshold goes below it. Where no labels are,
nothing is known: a threshold whose labels are good enough is not raised to the lowest of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import sqrt

import pandas as pd

from dedup.findings.config import CalibrationTerms, Rules

Z = 1.96  # of Wilson's interval: 95 %
LOWEST = 0.5


@dataclass(frozen=True, slots=True)
class Labelled:
    """A pair that a provider's answer labelled: the linkage's probability, and whether it is one woman."""

    probability: float
    same: bool


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The two probabilities that calibration may change."""

    certain_probability: float
    likely_probability: float

    def applied(self, rules: Rules) -> Rules:
        """Return the rules with these thresholds."""
        evidence = replace(
            rules.evidence,
            certain_probability=self.certain_probability,
            likely_probability=self.likely_probability,
        )
        return replace(rules, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Support:
    """What the labels say of one threshold: how many lie above it, how many of these are one woman, and what is asked.

    `at_least` is the lower bound on the share that is one woman; `asked` is reached when it is not above that.
    """

    labels: int
    same: int
    at_least: float
    asked: float

    @property
    def reached(self) -> bool:
        """Whether the pairs above the threshold are one woman often enough, as far as the labels can tell."""
        return self.at_least >= self.asked


def support(labels: Iterable[Labelled], threshold: float, asked: float) -> Support:
    """Return what the labels at or above a threshold say of it."""
    above = [label.same for label in labels if label.probability >= threshold]
    return Support(len(above), sum(above), wilson_lower(sum(above), len(above)), asked)


def current_thresholds(rules: Rules) -> Thresholds:
    """Return the thresholds that hold now."""
    return Thresholds(rules.evidence.certain_probability, rules.evidence.likely_probability)


def fit_thresholds(labels: Iterable[Labelled], rules: Rules, terms: CalibrationTerms) -> Thresholds | None:
    """Return the fitted thresholds; None with fewer labels than `terms.fewest_labels`.

    Where no threshold reaches the precision, the present one stays.
    """
    known = sorted(labels, key=lambda label: -label.probability)
    if len(known) < terms.fewest_labels:
        return None
    now = current_thresholds(rules)
    certain = _fitted(known, now.certain_probability, terms.certain_precision)
    return Thresholds(certain, min(certain, _fitted(known, now.likely_probability, terms.likely_precision)))


def _fitted(known: list[Labelled], now: float, precision: float) -> float:
    """Return the lowest threshold that reaches the precision; the present one where none does, or none is better."""
    lowest = _lowest(known, precision)
    if lowest is None:
        return now
    return min(now, lowest) if support(known, now, precision).reached else lowest


def wilson_lower(right: int, count: int) -> float:
    """Return the lower bound of Wilson's interval for a share."""
    if count == 0:
        return 0.0
    share = right / count
    middle = share + Z * Z / (2 * count)
    spread = Z * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return (middle - spread) / (1 + Z * Z / count)


def _lowest(known: list[Labelled], precision: float) -> float | None:
    """Return the lowest probability from which the labels above it reach the precision, rounded to four places."""
    right, best = 0, None
    for at, label in enumerate(known):
        right += label.same
        last_of_equal = at + 1 == len(known) or known[at + 1].probability < label.probability
        if last_of_equal and label.probability >= LOWEST and wilson_lower(right, at + 1) >= precision:
            best = label.probability
    return None if best is None else int(best * 10_000) / 10_000


def changes(before: pd.DataFrame, after: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Return how many findings go from one class to another (`class` before, after, how many), by finding id."""
    both = before.merge(after, on="finding", how="outer", suffixes=("_before", "_after")).fillna("none")
    moved = Counter(zip(both["class_before"], both["class_after"], strict=True))
    return [(one, other, count) for (one, other), count in sorted(moved.items()) if one != other]
