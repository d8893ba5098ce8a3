"""The comparisons: how similar two encoded records are, as recordlinkage compare features.

Pairs must share a block, as those of `BlockTokens` do; go through `recordlinkage.Compare`, whose features get the left
and the right record of every pair (a feature's own `compute` compares a record with itself).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from recordlinkage.base import BaseCompareFeature

from dedup.link.levels import level_rules, observed_levels
from dedup.link.patterns import pattern_table
from dedup.model.linkage import Comparison, LinkageModel
from dedup.toolkit.frame import EncodedTable, SketchArray, ToolkitError
from dedup.toolkit.pairs import PairHits, compared, hits_of_pairs, similarity, together

ENTRIES = "_entries"
_EXACT_CELL, _FIRST_CELL = 1, 2


class SketchSimilarity(BaseCompareFeature):  # type: ignore[misc]  # recordlinkage has no types
    """The similarity of one field, 0 to 1, on the scale of the model's thresholds: for any classifier.

    `SketchSimilarity("surname", "surname", label="surname")`, as `compare.string` is called. Where a value is missing
    the feature is `missing_value`.
    """

    name = "sketch"
    description = "Similarity of sketches."

    def __init__(
        self, left_on: str, right_on: str | None = None, *, missing_value: float = 0.0, label: str | None = None
    ) -> None:
        super().__init__(left_on, right_on or left_on, label=label)
        self._missing_value = missing_value

    def _compute_vectorized(self, left: pd.Series, right: pd.Series) -> NDArray[np.float64]:
        table, found = _hits(left, right)
        field = left.array.field if isinstance(left.array, SketchArray) else None
        if field is None or not isinstance(right.array, SketchArray) or right.array.field != field:
            raise ToolkitError("toolkit.other-field", "Only one field's sketches can be compared with one another.")
        values = np.empty(len(left), dtype=np.float64)
        values[found.place] = similarity(table, found, table.model.fields.index(field))
        return np.where(np.isnan(values), self._missing_value, values)


class ComparisonLevels(BaseCompareFeature):  # type: ignore[misc]  # recordlinkage has no types
    """All comparisons of a model, two columns each: what `FellegiSunter` weighs.

    `NAME` is the level, as in docs/linking.md (-1 missing); `NAME_entries` is on how many entries' sketches it rests
    (3 for three or more; 0 where it rests on none: missing, or fixed by every block).
    """

    name = "levels"
    description = "Levels of all comparisons of a linkage model."

    def __init__(self, model: LinkageModel) -> None:
        labels = [name for comparison in model.comparisons for name in (comparison.name, comparison.name + ENTRIES)]
        super().__init__(model.fields[0].name, model.fields[0].name, label=labels)
        self._model = model

    def _compute_vectorized(self, left: pd.Series, right: pd.Series) -> NDArray[np.int64]:
        table, found = _hits(left, right)
        if table.model.digest != self._model.digest:
            raise ToolkitError("toolkit.other-model", "The frame was encoded with another linkage model.")
        table = EncodedTable(table.records, self._model)
        pairs = compared(table, found)
        patterns, pattern_of, counts = np.unique(pairs.pattern, return_inverse=True, return_counts=True)
        cells = pattern_table(patterns, counts, level_rules(self._model)).cells[pattern_of]
        features = np.empty((len(left), 2 * len(self._model.comparisons)), dtype=np.int64)
        features[found.place, ::2] = pairs.levels
        features[found.place, 1::2] = np.column_stack(
            [_entries(comparison, cells[:, c]) for c, comparison in enumerate(self._model.comparisons)]
        )
        return features


def cells_of(features: NDArray[Any], model: LinkageModel) -> NDArray[np.int64]:
    """Return int64[p, c], the engine's cells of features that `ComparisonLevels` computed.

    Raises `ToolkitError` (`toolkit.features`) for features that it did not compute.
    """
    if features.ndim != 2 or features.shape[1] != 2 * len(model.comparisons):
        raise ToolkitError(
            "toolkit.features", "FellegiSunter weighs the columns of ComparisonLevels, all of them and no others."
        )
    levels, entries = features[:, ::2].astype(np.int64), features[:, 1::2].astype(np.int64)
    cells = np.empty_like(levels)
    for c, comparison in enumerate(model.comparisons):
        observed = observed_levels(comparison)
        seen = _FIRST_CELL + (entries[:, c] - 1) * observed + levels[:, c]
        cells[:, c] = np.select([levels[:, c] < 0, entries[:, c] == 0], [0, _EXACT_CELL], seen)
    return cells


def _entries(comparison: Comparison, cells: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(cells < _FIRST_CELL, 0, (cells - _FIRST_CELL) // observed_levels(comparison) + 1)


def _hits(left: pd.Series, right: pd.Series) -> tuple[EncodedTable, PairHits]:
    one, other = left.array, right.array
    if not isinstance(one, SketchArray) or not isinstance(other, SketchArray):
        raise ToolkitError("toolkit.no-sketches", "Only columns of sketches can be compared.")
    chosen = together(one, other)
    return chosen.table, hits_of_pairs(chosen.table, chosen.rows[: chosen.left], chosen.rows[chosen.left :])
