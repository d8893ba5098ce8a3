"""Turns one cloud of points onto another without knowing a single pair: soft pairings and rotations take turns.

After "Unsupervised Alignment of Embeddings with Wasserstein Procrustes" (Grave, Joulin and Berthet, AISTATS 2019),
which the published attack uses. A pairing is a transport plan that entropy blurs (Cuturi, NeurIPS 2013); the blur falls
from turn to turn. Only the shapes of the two clouds have to agree: two samples of one population are enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.lab.attack.gma.embedding import Matrix, scaled, squared_distances

PROFILE_WEIGHT = np.float32(0.6)  # of the profiles beside the distances of points, both of which are one in scale
SINKHORN_ROUNDS = 6
_TINY = np.float32(1e-30)


@dataclass(frozen=True, slots=True)
class Clouds:
    """The nodes of both graphs: their coordinates (float32[n, d] and float32[m, d]) and what their profiles say.

    `by_profile` is float32[m, n], the weighted cost of pairing a known node with an encoded one by their profiles.
    """

    encoded: Matrix
    known: Matrix
    by_profile: Matrix

    def cut(self, dimensions: int) -> Clouds:
        """Return the same nodes in their first dimensions only, each cloud scaled to one."""
        return Clouds(scaled(self.encoded[:, :dimensions]), scaled(self.known[:, :dimensions]), self.by_profile)

    def costs(self, turned: Matrix) -> Matrix:
        """Return float32[m, n]: what it costs to pair any two nodes once `turned` (float32[d, d]) is applied."""
        cost = squared_distances(self.known @ turned, self.encoded)
        cost += self.by_profile
        return cost


@dataclass(frozen=True, slots=True)
class Settled:
    """Where turns of pairing and rotating ended: plan (float32[m, n]), rotation, and the mean cost of a pair."""

    plan: Matrix
    turned: Matrix
    cost: float


def rotation(products: Matrix) -> Matrix:
    """Return the orthogonal matrix closest to `products` (Schönemann 1966), which for points is Y' X."""
    left, _, right = np.linalg.svd(products)
    turned: Matrix = left @ right
    return turned


def settle(clouds: Clouds, plan: Matrix, blurs: NDArray[np.float64]) -> Settled:
    """Rotate the known cloud by a plan and plan anew, with an ever smaller blur."""
    potential = np.zeros(len(clouds.encoded), np.float32)
    for blur in blurs.tolist():
        turned = rotation(clouds.known.T @ (plan @ clouds.encoded))
        cost = clouds.costs(turned)
        plan, potential = transport(cost, blur, potential)
    return Settled(plan, turned, float(np.vdot(plan, cost)) / len(cost))


def transport(cost: Matrix, blur: float, potential: Matrix | None = None) -> tuple[Matrix, Matrix]:
    """Return the plan of least cost under a blur (rows sum to about one), and the columns' potential to go on from."""
    m, n = cost.shape
    start = np.zeros(n, np.float32) if potential is None else potential
    plan = start - cost
    plan -= plan.max(axis=1, keepdims=True)
    plan /= np.float32(blur)
    np.exp(plan, out=plan)
    column = np.ones(n, np.float32)
    for _ in range(SINKHORN_ROUNDS):
        row = np.asarray(1 / np.maximum(plan @ column, _TINY), np.float32)
        column = np.asarray(m / n / np.maximum(row @ plan, _TINY), np.float32)
    plan *= row[:, None]
    plan *= column
    return plan, np.asarray(start + blur * np.log(column), np.float32)
