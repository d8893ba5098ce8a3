"""The link stage: the night's entries become candidate pairs, named by row numbers and kept under both keys."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.link.engine import CandidatePairs, Linkage, LinkOptions, link
from dedup.model.linkage import LinkageModel
from dedup.nightly.memory import Made, digest_of, remembered
from dedup.nightly.night import Night
from dedup.nightly.snapshots import Snapshots
from dedup.store.runs import StageOutput
from dedup.store.tables import View
from dedup.store.views import load_records

LINK = "link"
_SKIPPED = b"skipped_blocks"
# The columns of every pair beside the level columns, which are named by the model's comparisons.
PAIR_COLUMNS = ("left", "right", "left_group", "right_group", "probability", "edd_weeks_apart")


def link_snapshots(night: Night, snapshots: Snapshots) -> StageOutput:
    """Link the night's snapshots, or return what was made of exactly these before."""
    threshold = night.settings.share("linkage", "group_threshold", 0.5)
    options = LinkOptions(max_block=night.settings.count("linkage", "max_block", LinkOptions().max_block))
    parts = {
        "entry_maps": sorted({link.entry_map for link in snapshots.links}),
        "snapshots": sorted(snapshots.ids),
        "model": night.model.digest,
        "comparisons": digest_of([astuple(comparison) for comparison in night.model.comparisons]),
        "threshold": threshold,
        "options": list(astuple(options)),
    }

    def make() -> Made:
        numbers, records = load_records(night.store, snapshots.links, snapshots.ids, model=night.model)
        with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
            linkage = link(records, night.model, threshold=threshold, options=options, pool=pool)
        # Who is paired with whom is what a thief of entries must not see, and nothing to show beside attributes either.
        return Made(pairs_to_parquet(linkage, numbers), View.JOINED)

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
    skipped = {str(one.linkage_pass): one.blocks for one in linkage.skipped}
    table = pa.table(columns).replace_schema_metadata({_SKIPPED: orjson.dumps(skipped, option=orjson.OPT_SORT_KEYS)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def pairs_from_parquet(content: bytes, model: LinkageModel) -> pd.DataFrame:
    """Return the pairs that `pairs_to_parquet` wrote, `PAIR_COLUMNS` and the model's comparisons."""
    columns = [*PAIR_COLUMNS, *(comparison.name for comparison in model.comparisons)]
    frame: pd.DataFrame = pq.read_table(pa.BufferReader(content), columns=columns).to_pandas()
    return frame


def skipped_blocks(content: bytes) -> dict[int, int]:
    """Return how many blocks of each pass were too large to compare, so that the operator knows of them."""
    metadata = pq.read_schema(pa.BufferReader(content)).metadata or {}
    return {int(number): int(blocks) for number, blocks in orjson.loads(metadata[_SKIPPED]).items()}
