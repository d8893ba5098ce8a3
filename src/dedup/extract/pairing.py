"""The one place that uses the recordlinkage toolkit: blocks on clear values, and compares with rapidfuzz.

Pairs go through `recordlinkage.Compare`, never through a feature's own `compute`, which compares a record with itself.
The toolkit makes arrays as long as the list of pairs for every feature, so pairs are compared in chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
import recordlinkage
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler
from recordlinkage.base import BaseCompareFeature

CHUNK_PAIRS = 250_000
MAX_WORDS = 4  # of a name; what comes after is not compared
Similarity = Callable[[Sequence[str], Sequence[str]], NDArray[np.float64]]


def name_similarity(left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
    """Return 0-1 per pair: the best Jaro-Winkler similarity of any word of the one with any word of the other."""
    best = np.zeros(len(left), dtype=np.float64)
    for ours in _word_columns(left):
        for theirs in _word_columns(right):
            scores = process.cpdist(ours, theirs, scorer=JaroWinkler.normalized_similarity, dtype=np.float64)
            np.maximum(best, np.where((ours != "") & (theirs != ""), scores, 0.0), out=best)
    return best


def _word_columns(names: Sequence[str]) -> list[NDArray[np.object_]]:
    """Return the first, second, ... word of each name, "" where there are fewer."""
    words = [name.split()[:MAX_WORDS] for name in names]
    most = max(map(len, words), default=0)
    return [np.array([w[i] if i < len(w) else "" for w in words], dtype=object) for i in range(most)]


def edit_similarity(left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
    """Return 0-1 per pair: 1 minus the share of characters that must be edited, exchanged neighbours counting once."""
    scorer = DamerauLevenshtein.normalized_similarity
    return cast("NDArray[np.float64]", process.cpdist(left, right, scorer=scorer, dtype=np.float64))


def equality(left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
    """Return 1 where both are the same, else 0."""
    return np.fromiter((a == b for a, b in zip(left, right, strict=True)), dtype=np.float64, count=len(left))


class _Similarity(BaseCompareFeature):  # type: ignore[misc]  # recordlinkage has no types
    """A recordlinkage feature from a rapidfuzz similarity; 0 where either value is missing ("")."""

    def __init__(self, column: str, similarity: Similarity) -> None:
        super().__init__(column, column, label=column)
        self._similarity = similarity

    def _compute_vectorized(self, left: pd.Series, right: pd.Series) -> NDArray[np.float64]:
        scores = self._similarity(left.to_list(), right.to_list())
        return np.where((left != "").to_numpy() & (right != "").to_numpy(), scores, 0.0)


def candidate_pairs(frame: pd.DataFrame, blocks: Sequence[Sequence[str]]) -> pd.MultiIndex:
    """Return the pairs of rows that share all columns of any block; a row with an empty value is in no such block."""
    pairs = pd.MultiIndex.from_arrays([frame.index[:0], frame.index[:0]])
    for block in blocks:
        filled = frame.loc[(frame[list(block)] != "").all(axis=1), list(block)]
        if len(filled) > 1:
            indexer = recordlinkage.Index()
            indexer.block(list(block))
            pairs = pairs.union(indexer.index(filled))
    return pairs


def compare_pairs(pairs: pd.MultiIndex, frame: pd.DataFrame, features: Mapping[str, Similarity]) -> pd.DataFrame:
    """Return one column of similarities (0-1) for each feature's column, indexed by pair."""
    if not len(pairs):
        return pd.DataFrame(index=pairs, columns=list(features), dtype=np.float64)
    compare: Any = recordlinkage.Compare()
    for column, similarity in features.items():
        compare.add(_Similarity(column, similarity))
    chunks: list[pd.DataFrame] = [
        compare.compute(pairs[start : start + CHUNK_PAIRS], frame) for start in range(0, len(pairs), CHUNK_PAIRS)
    ]
    return pd.concat(chunks)
