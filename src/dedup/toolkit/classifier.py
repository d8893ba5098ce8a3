"""The classifier: the engine's Fellegi-Sunter weights as a recordlinkage classifier."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from recordlinkage.base import BaseClassifier

from dedup.link.engine import LinkOptions
from dedup.link.patterns import PatternTable
from dedup.link.strangers import exact_comparisons
from dedup.link.weights import Weights, fit, probability
from dedup.model.linkage import LinkageModel
from dedup.toolkit.comparisons import cells_of
from dedup.toolkit.frame import ToolkitError, sketches_in
from dedup.toolkit.pairs import records_of, shared_values, together


class FellegiSunter(BaseClassifier):  # type: ignore[misc]  # recordlinkage has no types
    """Match probabilities by expectation-maximisation over levels, u from the model; learns without examples.

    `x`, and `x_link` where two frames are linked, are the frames that the pairs are from: priors are shares of all
    their pairs, and u of exact values is checked against them. `fit_predict` and `predict` call a match what has at
    least the probability `threshold`. `weights` (those of a fitted classifier, or of the engine's `Linkage`) make
    fitting unnecessary; after `fit` they hold what was learnt.
    """

    def __init__(
        self,
        model: LinkageModel,
        x: pd.DataFrame,
        x_link: pd.DataFrame | None = None,
        *,
        threshold: float = 0.5,
        weights: Weights | None = None,
        max_block: int = LinkOptions().max_block,
    ) -> None:
        self.weights = weights
        self._model, self._threshold = model, threshold
        chosen = together(sketches_in(x), None if x_link is None else sketches_in(x_link))
        if chosen.table.model.digest != model.digest:
            raise ToolkitError("toolkit.other-model", "The frame was encoded with another linkage model.")
        records = records_of(chosen)
        across = len(records) - chosen.left
        # The engine counts pairs by records; of two frames, so many records would have as many pairs.
        self._records = len(records) if x_link is None else round((1 + math.sqrt(1 + 8 * chosen.left * across)) / 2)
        self._equal_pairs = {
            comparison: shared_values(records, index, chosen.left, max_block)
            for comparison, index in exact_comparisons(model).items()
        }

    def _fit(self, features: NDArray[np.int64], known: NDArray[np.int64] | None = None) -> None:
        if known is not None:
            raise ToolkitError("toolkit.no-examples", "FellegiSunter learns without examples; leave match_index out.")
        table, _ = _patterns(features, self._model)
        self.weights = fit(table, self._model, self._records, self._equal_pairs)

    def _predict(self, features: NDArray[np.int64]) -> NDArray[np.int64]:
        return (self._prob_match(features) >= self._threshold).astype(np.int64)

    def _prob_match(self, features: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.weights is None:
            raise ToolkitError("toolkit.not-fitted", "The classifier has not learnt anything yet; call fit first.")
        table, pattern_of = _patterns(features, self._model)
        return probability(self.weights.log_odds(table))[pattern_of]


def _patterns(features: NDArray[np.int64], model: LinkageModel) -> tuple[PatternTable, NDArray[np.int64]]:
    """Return the distinct patterns of features, in the engine's order, and the one of each pair."""
    cells = cells_of(features, model)
    distinct, pattern_of, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    return PatternTable(cells=distinct, counts=counts.astype(np.float64)), pattern_of.reshape(-1)
