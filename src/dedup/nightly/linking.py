"""The link stage: the night's link views become candidate pairs, named by row numbers and kept encrypted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.link.engine import CandidatePairs, Linkage, link
from dedup.model.linkage import LinkageModel
from dedup.nightly.memory import Made, digest_of, remembered
from dedup.nightly.night import Night
from dedup.nightly.snapshots import Snapshots
from dedup.store.runs import StageOutput
from dedup.store.tables import View
from dedup.store.views import load_link_views

LINK = "link"
# The columns of every pair beside the level columns, which are named by the model's comparisons.
PAIR_COLUMNS = ("left", "right", "left_group", "right_group", "probability", "edd_weeks_apart")


def link_snapshots(night: Night, snapshots: Snapshots) -> StageOutput:
    """Link the night's snapshots, or return what was made of exactly these before."""
    threshold = float(night.settings.section("linkage").get("group_threshold", 0.5))
    parts = {
        "link_views": sorted(snapshots.link_views),
        "model": night.model.digest,
        "weights": digest_of([[c.name, c.thresholds, c.split_lowest_by, c.u] for c in night.model.comparisons]),
        "threshold": threshold,
    }

    def make() -> Made:
        numbers, records = load_link_views(night.store.link_views, snapshots.link_views, model=night.model)
        linkage = link(records, night.model, threshold=threshold)
        return Made(pairs_to_parquet(linkage, numbers), View.LINK)

    return remembered(night, LINK, parts, make)


def pairs_to_parquet(linkage: Linkage, numbers: NDArray[np.int64]) -> bytes:
    """Return the candidate pairs as Parquet: row numbers instead of record indices, and each record's group."""
    pairs: CandidatePairs = linkage.pairs
    group_numbers = numbers[linkage.groups] if len(numbers) else numbers
    columns: dict[str, Any] = {
        "left": numbers[pairs.left],
        "right": numbers[pairs.right],
        "left_group": group_numbers[pairs.left],
        "right_group": group_numbers[pairs.right],
        "probability": pairs.probability,
        "edd_weeks_apart": pairs.edd_weeks_apart,
        **{name: pairs.levels[:, column] for column, name in enumerate(pairs.comparisons)},
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return bytes(sink.getvalue())


def pairs_from_parquet(content: bytes, model: LinkageModel) -> pd.DataFrame:
    """Return the pairs that `pairs_to_parquet` wrote, `PAIR_COLUMNS` and the model's comparisons."""
    columns = [*PAIR_COLUMNS, *(comparison.name for comparison in model.comparisons)]
    frame: pd.DataFrame = pq.read_table(pa.BufferReader(content), columns=columns).to_pandas()
    return frame
