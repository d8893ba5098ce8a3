"""The engine alone, for evaluation: bundles in, keyed again with a throw-away key, linked, and written as Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.bundle.keys import IngestKey, SealingPrivateKey
from dedup.bundle.outside import read_manifest
from dedup.errors import BundleError, ModelError
from dedup.ingest.rekey import stream_bytes
from dedup.lab.gathering import BundleReading, order_of_ids, survey_all, take_all
from dedup.lab.ids import Ids
from dedup.lab.linked_files import records_path
from dedup.lab.second_key import Numbering, rekey_shards
from dedup.link.engine import Linkage, LinkOptions, link
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import EncodedRecords

BUNDLE_SUFFIX = ".bundle"
_ROWS_WRITTEN = 1 << 20  # at a time


@dataclass(frozen=True, slots=True)
class Volume:
    """How much was worked on, in bytes: bundles; ids; shared entries; the cipher's stream."""

    bundles: int
    ids: int
    entries: int
    stream: int


@dataclass(frozen=True, slots=True)
class LinkedBundles:
    """The registratie_ids in ascending order, record i being `ids[i]`, and what the engine made of them."""

    ids: Ids
    linkage: Linkage
    volume: Volume


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
) -> tuple[Ids, EncodedRecords, Volume]:
    """Read bundles and return ids in ascending order with their records, and under `key` the entries that are shared.

    An entry that is alone in its block is left out: it finds no pair; those of one token stand beside one another.
    `on_stage` hears `survey`, `take`, `ids` and `rekey`. Raises `BundleError`: what `open_bundle` raises, `link.epochs`
    when the bundles come from different epochs, `link.id-twice` when two registrations have one id,
    `link.bundle-changed` when one is replaced meanwhile. Ids are ordered while entries are taken: the stage `ids` is
    what is left of it then.
    """
    reading = BundleReading.of(model, opened_with)
    surveyed, shared = survey_all(bundles, reading, pool)
    on_stage("survey")
    ordering = pool.submit(order_of_ids, surveyed)  # one thread's work, so entries are taken meanwhile
    taken = take_all(surveyed, reading, shared, pool)
    on_stage("take")
    ids, order = ordering.result()
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order), dtype=np.uint32)
    numbering = Numbering(np.concatenate([one.presence for one in surveyed]), place)
    edd_week = np.concatenate([one.edd_week for one in surveyed])[order]
    del surveyed, shared
    on_stage("ids")
    passes, entry_bytes, stream = [], 0, 0
    for index, linkage_pass in enumerate(model.passes):
        entries, tokens = rekey_shards(taken.pop(index), linkage_pass, model, numbering, key, pool)
        passes.append(entries)
        entry_bytes += entries.token.nbytes + entries.sketch.nbytes
        stream += tokens * stream_bytes(linkage_pass, model)
    on_stage("rekey")
    volume = Volume(sum(path.stat().st_size for path in bundles), ids.letters.nbytes, entry_bytes, stream)
    return ids, EncodedRecords(numbering.presence[order], edd_week, tuple(passes)), volume


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
        ids, records, volume = read_bundles(bundles, model, opened_with, key, pool, on_stage or (lambda _stage: None))
        linkage = link(records, model, threshold=threshold, options=options, grouped=True, pool=pool, on_stage=on_stage)
    return LinkedBundles(ids, linkage, volume)


def write_linkage(linked: LinkedBundles, pairs_path: Path, groups_path: Path | None) -> None:
    """Write candidate pairs, beside them the ids that were in, and the groups if asked for (see docs/linking.md)."""
    ids, pairs = linked.ids, linked.linkage.pairs

    def pair_columns(part: slice) -> dict[str, Any]:
        return {
            "left": ids.take(pairs.left[part]).to_arrow(),
            "right": ids.take(pairs.right[part]).to_arrow(),
            "probability": pairs.probability[part],
            "edd_weeks_apart": pairs.edd_weeks_apart[part],
        } | {name: pairs.levels[part, position] for position, name in enumerate(pairs.comparisons)}

    def group_columns(part: slice) -> dict[str, Any]:
        group = ids.take(linked.linkage.groups[part]).to_arrow()
        return {"registratie_id": ids[part].to_arrow(), "group": group}

    _write_table(pairs_path, len(pairs), pair_columns)
    _write_table(records_path(pairs_path), len(ids), lambda part: {"registratie_id": ids[part].to_arrow()})
    if groups_path is not None:
        _write_table(groups_path, len(ids), group_columns)


def _write_table(path: Path, rows: int, columns: Callable[[slice], dict[str, Any]]) -> None:
    """Write a table part by part, so that memory does not hold its texts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.table(columns(slice(0, 0))).schema
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, rows, _ROWS_WRITTEN):
            writer.write_table(pa.table(columns(slice(first, min(first + _ROWS_WRITTEN, rows))), schema=schema))


def result_digest(linked: LinkedBundles) -> str:
    """Return a SHA-256 over ids, pairs with all their columns, and groups: equal if and only if the results are."""
    pairs, digest = linked.linkage.pairs, hashlib.sha256()
    columns = (pairs.left, pairs.right, pairs.probability, pairs.levels, pairs.edd_weeks_apart, linked.linkage.groups)
    for column in (linked.ids.start, linked.ids.letters, *columns):
        digest.update(len(column).to_bytes(8, "big"))
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()


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
        "result_digest": result_digest(linked),
        "skipped_blocks": [
            {"pass": skipped.linkage_pass, "blocks": skipped.blocks, "entries": skipped.entries}
            for skipped in linkage.skipped
        ],
    }
