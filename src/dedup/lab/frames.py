"""From bundles to a frame for the recordlinkage toolkit: read together and keyed again with a throw-away key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from dedup.bundle.keys import IngestKey, SealingPrivateKey
from dedup.lab.linking import read_bundles
from dedup.model.linkage import LinkageModel
from dedup.toolkit import encoded_frame


def read_frame(
    bundles: Sequence[Path], model: LinkageModel, *, opened_with: SealingPrivateKey | None = None
) -> pd.DataFrame:
    """Return the records of all bundles as one frame of sketches, in ascending order of their ids.

    Records of bundles that are read apart cannot be compared: the key is another one every time. Raises what
    `read_bundles` raises.
    """
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        ids, records, _ = read_bundles(bundles, model, opened_with, IngestKey.generate(), pool, lambda _stage: None)
    return encoded_frame(ids.to_arrow().to_pylist(), records, model)
