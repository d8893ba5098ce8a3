"""The engine alone, for evaluation: bundles in, keyed again with a throw-away key, linked, and written as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.bundle.keys import IngestKey, SealingPrivateKey
from dedup.bundle.reader import read_manifest
from dedup.errors import BundleError, ModelError
from dedup.ingest.rekey import Runs, rekey_runs_of
from dedup.lab.gathering import BundleReading, order_of_ids, survey_all, take
from dedup.lab.ids import Ids
from dedup.lab.linked_files import records_path
from dedup.link.candidates import find_blocks
from dedup.link.concatenate import join_entries
from dedup.link.engine import Linkage, LinkOptions, link
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import EncodedRecords

BUNDLE_SUFFIX = ".bundle"


@dataclass(frozen=True, slots=True)
class LinkedBundles:
    """The registratie_ids in ascending order, record i being `ids[i]`, and what the engine made of them."""

    ids: Ids
    linkage: Linkage


def find_bundles(paths: Sequence[Path]) -> list[Path]:
    """Return the bundles that were named, and those in the folders that were named, sorted.

    Raises `BundleError` (`link.no-bundles`) when there is none.
    """
    found = {
        bundle for path in paths for bundle in (sorted(path.glob(f"*{BUNDLE_SUFFIX}")) if path.is_dir() else [path])
    }
    if not found:
        raise BundleError("link.no-bundles", "There is no bundle to link in what was named.")
    return sorted(found)


def choose_model(bundle: Path, models: Path) -> LinkageModel:
    """Return the model in the folder `models` with which a bundle was encoded.

    Raises `ModelError` (`link.model-unknown`) when none of them has the digest in the bundle's manifest.
    """
    manifest = read_manifest(bundle, trusted=None)
    for path in sorted(models.glob("*.toml")):
        model = load_model(path)
        if model.digest == manifest.model_digest:
            return model
    raise ModelError(
        "link.model-unknown",
        f"No linkage model in {models} encodes as {bundle.name} was encoded; name one with --model.",
    )


def read_bundles(
    bundles: Sequence[Path],
    model: LinkageModel,
    opened_with: SealingPrivateKey | None,
    key: IngestKey,
    pool: Executor,
    on_stage: Callable[[str], None],
) -> tuple[Ids, EncodedRecords]:
    """Read bundles and return ids in ascending order with their records, and under `key` the entries that are shared.

    An entry that is alone in its block is left out: it finds no pair. `on_stage` hears `survey`, `ids`, `take` and
    `rekey`. Raises `BundleError`: what `open_bundle` raises, `link.epochs` when the bundles come from different epochs,
    `link.id-twice` when two registrations have one id, `link.bundle-changed` when one is replaced meanwhile.
    """
    reading = BundleReading.of(model, opened_with)
    surveyed, shared = survey_all(bundles, reading, pool)
    on_stage("survey")
    ids, order = order_of_ids(surveyed)
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order), dtype=np.uint32)
    starts = np.cumsum([len(one.presence) for one in surveyed[:-1]])
    on_stage("ids")
    parts = list(
        pool.map(lambda one, rows: take(one, rows, reading, shared), surveyed, np.split(place, starts), chunksize=1)
    )
    presence = np.concatenate([one.presence for one in surveyed])[order]
    edd_week = np.concatenate([one.edd_week for one in surveyed])[order]
    on_stage("take")
    passes = []
    for index, linkage_pass in enumerate(model.passes):
        entries = join_entries([batch for part in parts for batch in part[index]], linkage_pass, model)
        for part in parts:
            part[index] = []
        blocks = find_blocks(entries, max(len(entries.row), 2))
        runs = Runs(blocks.order, blocks.start, blocks.length)
        passes.append(rekey_runs_of(entries, runs, linkage_pass, model, presence, key, pool=pool))
    on_stage("rekey")
    return ids, EncodedRecords(presence, edd_week, tuple(passes))


def link_bundles(
    bundles: Sequence[Path],
    model: LinkageModel,
    *,
    opened_with: SealingPrivateKey | None,
    key: IngestKey,
    threshold: float,
    options: LinkOptions | None = None,
    workers: int = 1,
    on_stage: Callable[[str], None] | None = None,
) -> LinkedBundles:
    """Read and link bundles on so many threads; `key` is best thrown away afterwards.

    `on_stage` hears the stages of `read_bundles` and then those of the engine. The result is the same for any number of
    workers, any order of bundles, and any way to spread records over them.
    """
    with ThreadPoolExecutor(workers) as pool:
        ids, records = read_bundles(bundles, model, opened_with, key, pool, on_stage or (lambda _stage: None))
        linkage = link(records, model, threshold=threshold, options=options, pool=pool, on_stage=on_stage)
    return LinkedBundles(ids, linkage)


def write_linkage(linked: LinkedBundles, pairs_path: Path, groups_path: Path | None) -> None:
    """Write candidate pairs, beside them the ids that were in, and the groups if asked for (see docs/linking.md)."""
    ids = linked.ids.to_arrow()
    pairs = linked.linkage.pairs
    columns: dict[str, Any] = {
        "left": linked.ids.take(pairs.left).to_arrow(),
        "right": linked.ids.take(pairs.right).to_arrow(),
        "probability": pairs.probability,
        "edd_weeks_apart": pairs.edd_weeks_apart,
    }
    columns |= {name: pairs.levels[:, position] for position, name in enumerate(pairs.comparisons)}
    pairs_path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), pairs_path)
    pq.write_table(pa.table({"registratie_id": ids}), records_path(pairs_path))
    if groups_path is not None:
        groups_path.parent.mkdir(parents=True, exist_ok=True)
        names = linked.ids.take(linked.linkage.groups).to_arrow()
        pq.write_table(pa.table({"registratie_id": ids, "group": names}), groups_path)


def summary(linked: LinkedBundles, threshold: float) -> dict[str, Any]:
    """Return what `dedup link --json` prints: counts only."""
    linkage = linked.linkage
    above = linkage.pairs.probability >= threshold
    sizes = np.bincount(linkage.groups)
    return {
        "registrations": len(linked.ids),
        "candidate_pairs": len(linkage.pairs),
        "pairs_above_threshold": int(above.sum()),
        "threshold": threshold,
        "groups": int((sizes > 1).sum()),
        "largest_group": int(sizes.max(initial=0)),
        "prior": linkage.weights.prior,
        "rounds": linkage.weights.rounds,
        "skipped_blocks": [
            {"pass": skipped.linkage_pass, "blocks": skipped.blocks, "entries": skipped.entries}
            for skipped in linkage.skipped
        ],
    }
