"""First guesses at a rotation: independent components of both clouds, paired by how their values are distributed.

Names and dates are made of parts that are nearly independent (a common first name, a year of birth). Independent
component analysis (FastICA, Hyvärinen 1999) finds such directions in each cloud by itself, and one direction's values
are distributed alike in two samples of one population; so pairing directions by that is a guess at the rotation.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from dedup.lab.attack.gma.embedding import Matrix, squared_distances, standardised
from dedup.lab.attack.gma.transport import rotation

ROUNDS = 60
QUANTILES = 50
DOUBT = 0.3  # how much luck there is in a pairing of directions, so that no two guesses are the same


def guessed_rotation(encoded: Matrix, known: Matrix, rng: np.random.Generator) -> Matrix:
    """Return float32[d, d]: a guess at what turns the known cloud onto the encoded one."""
    one, other = standardised(encoded), standardised(known)
    axes_one, axes_other = independent_axes(one, rng), independent_axes(other, rng)
    shape_one, shape_other = distribution(one @ axes_one), distribution(other @ axes_other)
    as_it_is = squared_distances(shape_other, shape_one)
    reversed_ = squared_distances(shape_other, -shape_one[:, ::-1])
    cost = np.minimum(as_it_is, reversed_)
    row, column = linear_sum_assignment(cost + DOUBT * np.median(cost) * rng.gumbel(size=cost.shape))
    sign = np.where(reversed_[row, column] < as_it_is[row, column], -1, 1)
    return np.asarray((axes_other[:, row] * sign) @ axes_one[:, column].T, np.float32)


def independent_axes(points: Matrix, rng: np.random.Generator) -> Matrix:
    """Return float32[d, d]: orthogonal axes along which standardised points are least like a normal distribution."""
    n, dimensions = points.shape
    axes = rotation(rng.standard_normal((dimensions, dimensions), np.float32))
    for _ in range(ROUNDS):
        bent = np.tanh(points @ axes)
        axes = rotation(points.T @ bent / n - axes * (1 - bent**2).mean(axis=0))
    return axes


def distribution(values: Matrix) -> Matrix:
    """Return float32[columns, QUANTILES]: how the values of each column are distributed."""
    shares = np.linspace(0.01, 0.99, QUANTILES)
    found: Matrix = np.quantile(values, shares, axis=0).T.astype(np.float32)
    return found
