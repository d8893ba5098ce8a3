"""Graph matching from two matrices of similarities: lay one graph over the other, and say who is whom.

The recipe of the published attack: embed the nodes, turn one embedding onto the other, pair the nodes up. What differs
is how the rotation is found (`search`), and that the pairs found are used as landmarks before all are paired up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dedup.lab.attack.gma.embedding import Matrix, coordinates, profile_costs, profiles
from dedup.lab.attack.gma.landmarks import Pairs, costs_from_landmarks, mutual_pairs, pair_up, without_self
from dedup.lab.attack.gma.search import DIMENSIONS, searched_rotations
from dedup.lab.attack.gma.transport import PROFILE_WEIGHT, Clouds, settle, transport
from dedup.lab.simulate.columns import Numbers

SEARCHED = 1_500  # nodes of either side, drawn at random, among which a rotation is looked for
PROFILE_DIMENSIONS = 6
LAID_BLUR = np.geomspace(0.05, 0.02, 6)
# Graphs that lie on one another have this share of nodes that are each other's nearest; half of it where they do not.
CONVINCING = 0.3
NOBODY: Pairs = (np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Matched:
    """Whom the attack takes for whom: int64[known] encoded nodes, -1 for none, and after how many batches of tries."""

    pairing: Numbers
    batches: int


def match_graphs(encoded: Matrix, known: Matrix, rng: np.random.Generator, batches: int) -> Matched:
    """Match two matrices of similarities (float32[n, n], float32[m, m]) without knowing a pair.

    Tries up to `batches` batches of rotations, fewer once the graphs lie on one another, which shows without any truth:
    far more nodes are each other's nearest. Of several it keeps the rotation with most of these.
    """
    clouds = clouds_of(encoded, known)
    few = sampled(clouds, rng)
    encoded, known = without_self(encoded), without_self(known)
    rotations = searched_rotations(few, rng)
    best, most, tried = clouds.by_profile, -1, 0
    while tried < batches and most < CONVINCING * min(best.shape):
        cost = costs_from_landmarks(encoded, known, mutual_pairs(laid(clouds, next(rotations))), NOBODY)
        mutual, tried = len(mutual_pairs(cost)[0]), tried + 1
        if mutual > most:
            best, most = cost, mutual
    return Matched(pair_up(best, NOBODY), tried)


def match_from_pairs(encoded: Matrix, known: Matrix, sure: Pairs) -> Matched:
    """Match two matrices of similarities, knowing some pairs."""
    cost = costs_from_landmarks(without_self(encoded), without_self(known), NOBODY, sure)
    return Matched(pair_up(cost, sure), 0)


def clouds_of(encoded: Matrix, known: Matrix) -> Clouds:
    """Return where the nodes of two matrices of similarities stand."""
    by_profile = profile_costs(profiles(known), profiles(encoded), PROFILE_DIMENSIONS)
    by_profile *= PROFILE_WEIGHT
    return Clouds(coordinates(encoded, DIMENSIONS), coordinates(known, DIMENSIONS), by_profile)


def sampled(clouds: Clouds, rng: np.random.Generator) -> Clouds:
    """Return `SEARCHED` nodes of either side: a cloud's shape shows as well in some of its points."""
    at_encoded = np.sort(rng.permutation(len(clouds.encoded))[:SEARCHED])
    at_known = np.sort(rng.permutation(len(clouds.known))[:SEARCHED])
    return Clouds(clouds.encoded[at_encoded], clouds.known[at_known], clouds.by_profile[np.ix_(at_known, at_encoded)])


def laid(clouds: Clouds, turned: Matrix) -> Matrix:
    """Return float32[known, encoded]: how badly any two of all nodes fit, a rotation of some of them made finer."""
    full = clouds.cut(DIMENSIONS)
    plan, _ = transport(full.costs(turned), LAID_BLUR[0])
    return full.costs(settle(full, plan, LAID_BLUR).turned)
