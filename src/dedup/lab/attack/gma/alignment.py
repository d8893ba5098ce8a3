"""Turns one cloud of points onto another without knowing a single pair, and pairs the points up.

After "Unsupervised Alignment of Embeddings with Wasserstein Procrustes" (Grave, Joulin and Berthet, AISTATS 2019),
which the attack uses: pairing and rotation take turns. The first pairing comes from the nodes' profiles, and a
rotation trusts at first only the pairs that stand out most, then more of them from turn to turn.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from dedup.lab.attack.gma.embedding import DIMENSIONS, Matrix, coordinates, profiles
from dedup.lab.simulate.columns import Numbers

TURNS = 50
TRUSTED_AT_FIRST = 0.3
TURNS_UNTIL_ALL_ARE_TRUSTED = 30


def pair_up(cost: Matrix) -> Numbers:
    """Return int64[known]: the encoded row of each known row, in the cheapest one-to-one assignment, else -1.

    Jonker and Volgenant's algorithm for the minimum weight perfect matching of a bipartite graph.
    """
    rows, columns = linear_sum_assignment(cost)
    pairing = np.full(len(cost), -1)
    pairing[rows] = columns
    return pairing


def mutual_pairs(cost: Matrix) -> tuple[Numbers, Numbers]:
    """Return known and encoded rows that are each other's cheapest, those first that leave their second best behind."""
    nearest, back = cost.argmin(axis=1), cost.argmin(axis=0)
    known = np.flatnonzero(back[nearest] == np.arange(len(cost)))
    best = np.partition(cost[known], 1, axis=1)
    order = np.argsort(best[:, 0] - best[:, 1], kind="stable")
    return known[order], nearest[known[order]]


def rotation(source: Matrix, target: Matrix) -> Matrix:
    """Return the orthogonal matrix that turns the rows of `source` closest to those of `target` (Schönemann 1966)."""
    left, _, right = np.linalg.svd(source.T @ target)
    turned: Matrix = left @ right
    return turned


def align(encoded: Matrix, known: Matrix, first_cost: Matrix) -> Matrix:
    """Return [known, encoded]: how badly each two points fit once the clouds lie on one another.

    `encoded` and `known` are the nodes' coordinates, `first_cost` how badly any two fit by their profiles.
    """
    pairs_known, pairs_encoded = mutual_pairs(first_cost)
    cost = first_cost
    for turn in range(TURNS):
        trusted = TRUSTED_AT_FIRST + turn * (1 - TRUSTED_AT_FIRST) / TURNS_UNTIL_ALL_ARE_TRUSTED
        count = max(1, int(len(pairs_known) * min(1.0, trusted)))
        turned = known @ rotation(known[pairs_known[:count]], encoded[pairs_encoded[:count]])
        cost = -turned @ encoded.T
        before = pairs_known, pairs_encoded
        pairs_known, pairs_encoded = mutual_pairs(cost)
        if trusted >= 1 and all(map(np.array_equal, before, (pairs_known, pairs_encoded))):
            break
    return cost


def squared_distances(one: Matrix, other: Matrix) -> Matrix:
    """Return [rows of one, rows of other]: squared Euclidean distances."""
    distances: Matrix = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    return distances


def match_graphs(encoded: Matrix, known: Matrix) -> Numbers:
    """Return int64[known]: which encoded row the attack takes each known row for, from two matrices of similarities.

    Of several numbers of dimensions it keeps the one under which the two graphs look most alike: it needs no truth.
    """
    first_cost = squared_distances(profiles(known), profiles(encoded))
    pairings = [pair_up(align(coordinates(encoded, d), coordinates(known, d), first_cost)) for d in DIMENSIONS]
    return max(pairings, key=lambda pairing: likeness(encoded[np.ix_(pairing, pairing)], known))


def likeness(one: Matrix, other: Matrix) -> float:
    """Return the correlation of two matrices of similarities, entry by entry."""
    left, right = one - one.mean(), other - other.mean()
    size = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float((left * right).sum()) / size if size > 0 else 0.0
