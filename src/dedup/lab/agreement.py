"""How often the sketches of two token sets agree, exactly: docs/spec/encoding-v1.md, section 5, as probabilities."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom


def expected_similarity(one: int, other: int, common: int) -> float:
    """Return the mean of 1 - 2 * distance / bits for sets of `one` and `other` tokens of which `common` are shared."""
    if not one or not other:
        return 0.0
    votes = binom.pmf(np.arange(common + 1), common, 0.5)
    wins, ties = _given_common(one, common)
    other_wins, other_ties = _given_common(other, common)
    agree = wins * other_wins + (1.0 - wins) * (1.0 - other_wins)
    # Where both sets are tied, the casting vote is the same token's if the smallest of all is shared.
    agree += ties * other_ties / 2.0 * common / (one + other - common)
    return float(2.0 * (votes @ agree) - 1.0)


def expected_similarities(
    one: NDArray[np.int64], other: NDArray[np.int64], common: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return `expected_similarity` for arrays of one shape."""
    codes, seen, similarity = _by_size(one, other, common)
    known = np.zeros(int(codes.max(initial=0)) + 1)
    known[seen] = similarity
    return np.asarray(known[codes], dtype=np.float64)


def similarity_shares(
    one: NDArray[np.int64], other: NDArray[np.int64], common: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expected similarities that occur among pairs, some of them more than once, and their shares."""
    codes, seen, similarity = _by_size(one, other, common)
    return similarity, np.bincount(codes.ravel())[seen] / max(codes.size, 1)


def _by_size(
    one: NDArray[np.int64], other: NDArray[np.int64], common: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return a code of sizes and overlap for each pair, the codes that occur, and the similarity of each of these.

    Sets are small: few combinations occur among millions of pairs, and each is computed once.
    """
    shape = (int(max(one.max(initial=0), other.max(initial=0))) + 1,) * 3
    codes = np.ravel_multi_index((one, other, common), shape)
    seen = np.flatnonzero(np.bincount(codes.ravel()))
    triples = np.stack(np.unravel_index(seen, shape), axis=1).tolist()
    return codes, seen, np.array([expected_similarity(*triple) for triple in triples], dtype=np.float64)


@lru_cache(1 << 12)
def _given_common(size: int, common: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the chances of a one and of a tie before the casting vote, given how many common tokens vote one."""
    needed = size / 2.0 - np.arange(common + 1)
    rest = size - common
    above = binom.sf(np.floor(needed), rest, 0.5)
    ties = binom.pmf(needed, rest, 0.5) if size % 2 == 0 else np.zeros(common + 1)
    return above + ties / 2.0, ties
