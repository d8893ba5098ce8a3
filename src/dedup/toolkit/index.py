"""The index: pairs of encoded records that share a block, as a recordlinkage index algorithm."""

from __future__ import annotations

import pandas as pd
from recordlinkage.base import BaseIndexAlgorithm

from dedup.link.engine import LinkOptions
from dedup.model.linkage import LinkageModel
from dedup.toolkit.frame import SketchArray, ToolkitError, sketches_in
from dedup.toolkit.pairs import candidates, records_of, together


class BlockTokens(BaseIndexAlgorithm):  # type: ignore[misc]  # recordlinkage has no types
    """Pairs of records that share a block token of any pass of `model`: the engine's candidate pairs.

    `recordlinkage.Index().add(BlockTokens(model))`. Blocks of more than `max_block` records give no pairs, as in the
    engine. Pairs of one frame are named as the toolkit names them, the later row first.
    """

    def __init__(self, model: LinkageModel, *, max_block: int = LinkOptions().max_block) -> None:
        super().__init__()
        self._model, self._max_block = model, max_block

    def _dedup_index(self, df_a: pd.DataFrame) -> pd.MultiIndex:
        earlier, later = candidates(records_of(together(self._sketches(df_a))), self._max_block)
        return pd.MultiIndex.from_arrays([df_a.index[later], df_a.index[earlier]])

    def _link_index(self, df_a: pd.DataFrame, df_b: pd.DataFrame) -> pd.MultiIndex:
        chosen = together(self._sketches(df_a), self._sketches(df_b))
        one, other = candidates(records_of(chosen), self._max_block)
        across = (one < chosen.left) & (other >= chosen.left)
        return pd.MultiIndex.from_arrays([df_a.index[one[across]], df_b.index[other[across] - chosen.left]])

    def _sketches(self, frame: pd.DataFrame) -> SketchArray:
        sketches = sketches_in(frame)
        if sketches.table.model.digest != self._model.digest:
            raise ToolkitError("toolkit.other-model", "The frame was encoded with another linkage model.")
        return sketches
