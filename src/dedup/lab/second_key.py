"""The second key for the shared entries of many bundles, shard by shard: each is a thread's work and near to its cache.

An entry's shard is the first bits of its token, so all entries of a block are in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey
from dedup.ingest.rekey import Runs, rekey_runs_of
from dedup.link.candidates import Blocks, find_blocks
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import PassEntries, empty_entries, part_of


@dataclass(frozen=True, slots=True)
class Numbering:
    """Registrations in the order of reading: `presence` is uint32[n], and `place` uint32[n] the new number of each."""

    presence: NDArray[np.uint32]
    place: NDArray[np.uint32]


def rekey_shards(
    shards: Sequence[PassEntries],
    linkage_pass: Pass,
    model: LinkageModel,
    numbering: Numbering,
    key: IngestKey,
    pool: Executor,
) -> tuple[PassEntries, int]:
    """Return the entries of a pass that meet another one, under the ingest key, and how many tokens they have.

    Rows have their new numbers; entries with one token stand beside one another, and are otherwise in no order.
    """
    found = list(pool.map(_blocks_of, shards))
    ends = np.cumsum([0, *(int(blocks.length.sum()) for blocks in found)]).tolist()
    out = empty_entries(linkage_pass.number, ends[-1], model.sketch_bytes(linkage_pass))

    def write(blocks: Blocks, first: int, last: int) -> None:
        runs, into = Runs(blocks.order, blocks.start, blocks.length), part_of(out, slice(first, last))
        rekey_runs_of(blocks.entries, runs, linkage_pass, model, numbering.presence, key, into=into)
        into.row[:] = numbering.place[into.row]

    # Every shard writes its own part, so it does not matter which is done first.
    for _ in pool.map(write, found, ends[:-1], ends[1:]):
        pass
    return out, sum(len(blocks.start) for blocks in found)


def _blocks_of(shard: PassEntries) -> Blocks:
    return find_blocks(shard, max(len(shard.row), 2))
