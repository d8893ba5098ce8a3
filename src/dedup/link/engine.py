"""The engine: encoded records in, candidate pairs with match probabilities and groups out.

The result is the same whatever the order of records, up to their indices: distances are integers, probabilities are
computed per pattern, and sums run over patterns in a fixed order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.link.candidates import check_shapes, find_blocks, hits_of, plan_hits
from dedup.link.compare import compare, join
from dedup.link.groups import group
from dedup.link.levels import level_rules
from dedup.link.patterns import PatternTable, pattern_table
from dedup.link.strangers import exact_comparisons
from dedup.link.weights import Weights, fit, probability
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """`max_block` entries is the largest block that is compared; `max_hits` bounds the memory of one slice, of
    which each thread has one.

    `contradiction` is the probability under which a compared pair keeps two records out of one group.
    """

    max_block: int = 200
    max_hits: int = 100_000
    contradiction: float = 0.001


@dataclass(frozen=True, slots=True)
class CandidatePairs:
    """p pairs of records that share a block, ordered by left and then right, left < right.

    `left`, `right` are int32[p] record indices; `probability` float64[p] that both are the same woman; `levels`
    int8[p, c], -1 missing (see docs/linking.md); `edd_weeks_apart` int16[p], -1 missing; `pattern` int32[p] is the
    pair's row in the linkage's `patterns`; `comparisons` names the c columns of `levels`.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    probability: NDArray[np.float64]
    levels: NDArray[np.int8]
    edd_weeks_apart: NDArray[np.int16]
    pattern: NDArray[np.int32]
    comparisons: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.left)


@dataclass(frozen=True, slots=True)
class SkippedBlocks:
    """Blocks of one pass (by number) that were too large to compare, and how many entries they hold."""

    linkage_pass: int
    blocks: int
    entries: int


@dataclass(frozen=True, slots=True)
class Linkage:
    """All that one run of the engine found; `groups` is int32[n], the smallest record index of each record's group.

    `patterns` are the cells that `weights` were estimated from, and with them the probability of every pair is told.
    """

    pairs: CandidatePairs
    groups: NDArray[np.int32]
    weights: Weights
    patterns: PatternTable
    skipped: tuple[SkippedBlocks, ...] = field(default=())


def link(
    records: EncodedRecords,
    model: LinkageModel,
    *,
    threshold: float,
    options: LinkOptions | None = None,
    grouped: bool = False,
    pool: Executor | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Linkage:
    """Find candidate pairs, weigh them, and group records from match probability `threshold` on.

    `grouped` promises that entries of one token stand beside one another in every pass (`find_blocks`). `pool`'s
    threads make it faster and change nothing. `on_stage` is told the name of every stage when it is done:
    blocks, compare, weights, groups. Raises `BundleError` (`link.shape`) when the records do not fit the model and
    `ModelError` when the model cannot be computed.
    """
    settings = options or LinkOptions()
    done = on_stage or _unheard
    rules = level_rules(model)
    check_shapes(records, model)
    each = pool.map if pool else map
    blocks = tuple(each(lambda entries: find_blocks(entries, settings.max_block, grouped=grouped), records.passes))
    plan = plan_hits(blocks, model, len(records), settings.max_hits)
    done("blocks")
    parts = list(each(lambda part: compare(hits_of(plan, *part), records, model, rules), plan.slices))
    pairs = join(parts, len(rules.names))
    done("compare")
    patterns, pattern_of, counts = _distinct([part.pattern for part in parts], each)
    table = pattern_table(patterns, counts, rules)
    shared = {position: blocks[index].pair_count() for position, index in exact_comparisons(model).items()}
    weights = fit(table, model, len(records), shared)
    log_odds = weights.log_odds(table)
    done("weights")
    groups = group(
        len(records),
        pairs.left,
        pairs.right,
        log_odds[pattern_of],
        joins_from=_log_odds(threshold),
        contradicts_below=_log_odds(settings.contradiction),
    )
    done("groups")
    return Linkage(
        pairs=CandidatePairs(
            left=pairs.left,
            right=pairs.right,
            probability=probability(log_odds)[pattern_of],
            levels=pairs.levels,
            edd_weeks_apart=pairs.weeks_apart,
            pattern=pattern_of.astype(np.int32),
            comparisons=rules.names,
        ),
        groups=groups,
        weights=weights,
        patterns=table,
        skipped=tuple(
            SkippedBlocks(block.entries.number, block.skipped_blocks, block.skipped_entries)
            for block in blocks
            if block.skipped_blocks
        ),
    )


def _distinct(
    parts: list[NDArray[np.int64]], each: Callable[..., Iterable[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Return the distinct patterns of all parts in ascending order, the place of each pair's among them, and counts."""
    found = list(each(lambda part: np.unique(part, return_inverse=True, return_counts=True), parts))
    patterns = np.unique(np.concatenate([np.empty(0, np.int64), *(own for own, _, _ in found)]))
    counts = np.zeros(len(patterns), np.int64)
    places = [np.empty(0, np.int32)]
    for own, inverse, times in found:
        place = np.searchsorted(patterns, own).astype(np.int32)
        counts[place] += times
        places.append(place[inverse])
    return patterns, np.concatenate(places), counts


def _unheard(_stage: str) -> None:
    pass


def _log_odds(chance: float) -> float:
    return math.log(chance) - math.log1p(-chance) if 0 < chance < 1 else math.copysign(math.inf, chance - 0.5)
