"""Intervals hold what they promise, and the area under the curve is what its definition says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from dedup.lab.attack.chance import auc, count_interval


@pytest.mark.parametrize("count", [0, 1, 10])
def test_the_interval_of_a_count_is_garwoods(count):
    low, high = count_interval(count)
    assert poisson.cdf(count, high) == pytest.approx(0.0005)
    assert low == 0 if count == 0 else poisson.sf(count - 1, low) == pytest.approx(0.0005)


def test_auc_counts_pairs_and_ties_by_half():
    rng = np.random.default_rng(1)
    positive, negative = (rng.integers(0, 6, size).astype(float) for size in (40, 70))
    pairs = positive[:, None] - negative[None, :]
    assert auc(positive, negative).value == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())


def test_the_interval_of_an_auc_misses_the_truth_about_once_in_a_thousand():
    rng = np.random.default_rng(2)
    missed = sum(not auc(rng.normal(size=200), rng.normal(size=300)).is_chance for _ in range(2000))
    assert missed <= 8
