"""Graph matching for an attacker who knows a few pairs already: similarity to those tells all others apart.

Stronger than the published attack, which knows none; it takes the place of the profiles where the two sides share
only some people, and few nodes have the same neighbours.
"""

from __future__ import annotations

import numpy as np

from dedup.lab.attack.gma.alignment import mutual_pairs, pair_up, squared_distances
from dedup.lab.attack.gma.embedding import NEGLIGIBLE, Matrix
from dedup.lab.simulate.columns import Numbers

TURNS = 30
TRUSTED_AT_FIRST, TRUSTED_MORE, TRUSTED_AT_MOST = 0.05, 0.03, 0.6  # shares of the mutual pairs, most certain first
FEWEST_TRUSTED = 10
EXCLUDED = 1e6


def match_from_landmarks(encoded: Matrix, known: Matrix, seeds_known: Numbers, seeds_encoded: Numbers) -> Numbers:
    """Return int64[known]: the encoded row that each known row is taken for; the seeds are pairs that are right.

    `encoded` and `known` are matrices of similarities. From turn to turn more of the pairs found become landmarks.
    """
    at_known, at_encoded = seeds_known, seeds_encoded
    for turn in range(TURNS + 1):
        towards_known, towards_encoded = standardised(known[:, at_known]), standardised(encoded[:, at_encoded])
        cost = squared_distances(towards_known, towards_encoded) / len(at_known)
        if turn < TURNS:
            found_known, found_encoded = mutual_pairs(cost)
            trusted = min(TRUSTED_AT_MOST, TRUSTED_AT_FIRST + turn * TRUSTED_MORE)
            count = max(FEWEST_TRUSTED, int(len(found_known) * trusted))
            at_known = np.concatenate([seeds_known, found_known[:count]])
            at_encoded = np.concatenate([seeds_encoded, found_encoded[:count]])
    cost[seeds_known, :] = EXCLUDED
    cost[:, seeds_encoded] = EXCLUDED
    pairing = pair_up(cost)
    pairing[seeds_known] = seeds_encoded
    return pairing


def standardised(features: Matrix) -> Matrix:
    """Return the columns with mean 0 and deviation 1; a column without any difference becomes 0."""
    spread = features.std(axis=0)
    scaled: Matrix = (features - features.mean(axis=0)) / np.where(spread > NEGLIGIBLE, spread, np.inf)
    return scaled
