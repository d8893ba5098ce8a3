"""Pairs that are nearly sure serve as landmarks: similarity to those tells all other nodes apart.

It takes up where rotations end, or where an attacker begins who knows a few pairs already. From turn to turn more of
the pairs found become landmarks, those first that leave their second best furthest behind.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from dedup.lab.attack.gma.embedding import Matrix, squared_distances, standardised
from dedup.lab.simulate.columns import Numbers

TURNS = 20
TRUSTED_AT_FIRST, TRUSTED_MORE, TRUSTED_AT_MOST = 0.3, 0.02, 0.6  # shares of the mutual pairs, most certain first
FEWEST_TRUSTED, MOST_TRUSTED = 10, 400
EXCLUDED = np.float32(1e6)

Pairs = tuple[Numbers, Numbers]  # known nodes, and the encoded ones that they are taken for


def mutual_pairs(cost: Matrix) -> Pairs:
    """Return known and encoded nodes that are each other's cheapest, those first that leave the second best behind."""
    nearest, back = cost.argmin(axis=1), cost.argmin(axis=0)
    known = np.flatnonzero(back[nearest] == np.arange(len(cost)))
    best = np.partition(cost[known], 1, axis=1)
    order = np.argsort(best[:, 0] - best[:, 1], kind="stable")
    return known[order], nearest[known[order]]


def costs_from_landmarks(encoded: Matrix, known: Matrix, found: Pairs, sure: Pairs) -> Matrix:
    """Return float32[known, encoded]: how badly any two nodes fit by their similarity to landmarks.

    `encoded` and `known` are matrices of similarities without diagonals (`without_self`), `found` the pairs to begin
    with, surest first, and `sure` pairs that are right and stay landmarks.
    """
    for turn in range(TURNS + 1):
        trusted = min(TRUSTED_AT_MOST, TRUSTED_AT_FIRST + turn * TRUSTED_MORE)
        count = max(FEWEST_TRUSTED, int(len(found[0]) * trusted))
        every = -(-count // MOST_TRUSTED)
        at_known, at_encoded = (
            np.concatenate([certain, likely[:count:every]]) for certain, likely in zip(sure, found, strict=True)
        )
        cost = squared_distances(standardised(known[:, at_known]), standardised(encoded[:, at_encoded]))
        cost /= np.float32(max(len(at_known), 1))
        if turn < TURNS:
            found = mutual_pairs(cost)
    return cost


def without_self(similarity: Matrix) -> Matrix:
    """Return the similarities with each node's mean in the diagonal: a wrong landmark shall not confirm itself."""
    blank = similarity.astype(np.float32)
    np.fill_diagonal(blank, 0)
    np.fill_diagonal(blank, blank.sum(axis=0) / np.float32(max(len(blank) - 1, 1)))
    return blank


def pair_up(cost: Matrix, sure: Pairs) -> Numbers:
    """Return int64[known]: the encoded node of each known one, in the cheapest one-to-one assignment, else -1.

    Jonker and Volgenant's algorithm for the minimum weight perfect matching of a bipartite graph.
    """
    cost = cost.copy()
    cost[sure[0], :] = EXCLUDED
    cost[:, sure[1]] = EXCLUDED
    rows, columns = linear_sum_assignment(cost)
    pairing = np.full(len(cost), -1)
    pairing[rows] = columns
    pairing[sure[0]] = sure[1]
    return pairing
