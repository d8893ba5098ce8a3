"""What chance gives, and how sure a measured figure is: exact intervals at 99.9 %."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm, rankdata

CONFIDENCE = 0.999


def count_interval(count: int) -> tuple[float, float]:
    """Return the interval of the mean of a count (Garwood 1936): right guesses among many are Poisson by chance."""
    tail = (1 - CONFIDENCE) / 2
    low = chi2.ppf(tail, 2 * count) / 2 if count else 0.0
    return float(low), float(chi2.ppf(1 - tail, 2 * (count + 1)) / 2)


@dataclass(frozen=True, slots=True)
class Auc:
    """The chance that a positive scores above a negative, ties counted half, and its interval."""

    value: float
    low: float
    high: float

    @property
    def is_chance(self) -> bool:
        """Whether one half lies in the interval."""
        return self.low <= 0.5 <= self.high


def auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> Auc:
    """Return the area under the ROC curve with the interval of DeLong, DeLong and Clarke-Pearson (1988).

    Scores within each side shall be independent; both sides need two scores at least.
    """
    m, n = len(positive), len(negative)
    pooled = rankdata(np.concatenate([positive, negative]))
    above = (pooled[:m] - rankdata(positive)) / n  # of each positive: the share of negatives below it
    below = 1 - (pooled[m:] - rankdata(negative)) / m
    value = float(above.mean())
    error = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))
    reach = float(norm.ppf((1 + CONFIDENCE) / 2)) * error
    return Auc(value, max(0.0, value - reach), min(1.0, value + reach))
