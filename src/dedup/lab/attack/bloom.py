"""Bloom filters of a person's identifiers, as our peers encode them: the control on which an attack must succeed.

One filter a record (CLK: Schnell, Bachteler and Reiher, "A Novel Error-Tolerant Anonymous Linking Code", 2011): every
bigram of every field sets `hashes` bits, chosen by a keyed hash with double hashing (Kirsch and Mitzenmacher 2006).
"""

from __future__ import annotations

import hmac
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.extract.values import NormalisedTable

FILTER_BITS = 1024
HASHES = 20
FIELDS = ("first_names", "surnames", "birth_date")


def bigram_sets(table: NormalisedTable) -> list[frozenset[str]]:
    """Return each record's bigrams (q = 2, padded) of names and birth date, told apart by field."""
    sets: list[frozenset[str]] = []
    for row in range(len(table.ids)):
        grams: set[str] = set()
        for name in FIELDS:
            for value in table.attributes[name].of(row):
                grams.update(f"{name}:{a}{b}" for a, b in pairwise(f"_{value}_"))
        sets.append(frozenset(grams))
    return sets


def bloom_filters(sets: list[frozenset[str]], key: bytes) -> NDArray[np.bool_]:
    """Return bool[n, FILTER_BITS], the filters of n sets of bigrams under a secret key."""
    filters = np.zeros((len(sets), FILTER_BITS), np.bool_)
    positions: dict[str, NDArray[np.int64]] = {}
    for row, grams in enumerate(sets):
        for gram in grams:
            if gram not in positions:
                digest = hmac.digest(key, gram.encode(), "sha256")
                start, step = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big") | 1
                positions[gram] = np.array([(start + i * step) % FILTER_BITS for i in range(HASHES)])
            filters[row, positions[gram]] = True
    return filters


def dice(filters: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return float32[n, n]: Dice similarity of every two filters, by their bits that are set."""
    bits = filters.astype(np.float32)
    size = bits.sum(axis=1)
    total: NDArray[np.float32] = size[:, None] + size[None, :]
    return np.asarray(2 * (bits @ bits.T) / np.maximum(total, 1), np.float32)
