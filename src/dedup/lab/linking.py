"""The engine alone, for evaluation: bundles in, keyed again with a throw-away key, linked, and written as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.bundle.keyfiles import IngestKey, SealingPrivateKey
from dedup.bundle.reader import open_bundle, read_manifest
from dedup.errors import BundleError, ModelError
from dedup.ingest.rekey import rekey
from dedup.lab.evaluate import records_path
from dedup.link.concatenate import concatenate, reorder
from dedup.link.engine import Linkage, LinkOptions, link
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import EncodedRecords

BUNDLE_SUFFIX = ".bundle"


@dataclass(frozen=True, slots=True)
class LinkedBundles:
    """The registratie_ids in ascending order, record i being `ids[i]`, and what the engine made of them."""

    ids: tuple[str, ...]
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
    bundles: Sequence[Path], model: LinkageModel, opened_with: SealingPrivateKey | None, key: IngestKey
) -> tuple[tuple[str, ...], EncodedRecords]:
    """Read bundles, key their entries again, and return ids in ascending order with their records.

    Raises `BundleError`: what `open_bundle` raises, `link.epochs` when the bundles come from different epochs, and
    `link.id-twice` when two registrations have one id.
    """
    ids: list[str] = []
    parts: list[EncodedRecords] = []
    epochs = set()
    for path in bundles:
        with open_bundle(path, model=model, opened_with=opened_with) as bundle:
            epochs.add(bundle.manifest.epoch_key_id)
            for batch in bundle.batches:
                ids.extend(batch.attributes["registratie_id"])
                parts.append(rekey(batch.records, model, key))
    if len(epochs) > 1:
        raise BundleError("link.epochs", "The bundles come from different epochs: their encodings cannot be compared.")
    names = np.array(ids, dtype=object)
    order = np.argsort(names, kind="stable")
    ordered = tuple(names[order].tolist())
    if any(one == other for one, other in pairwise(ordered)):
        raise BundleError("link.id-twice", "Two registrations in the bundles have the same registratie_id.")
    return ordered, reorder(concatenate(parts, model), order)


def link_bundles(
    bundles: Sequence[Path],
    model: LinkageModel,
    *,
    opened_with: SealingPrivateKey | None,
    key: IngestKey,
    threshold: float,
    options: LinkOptions | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> LinkedBundles:
    """Read and link bundles; `key` is best thrown away afterwards. `on_stage` also hears `ingest`."""
    ids, records = read_bundles(bundles, model, opened_with, key)
    if on_stage:
        on_stage("ingest")
    return LinkedBundles(ids, link(records, model, threshold=threshold, options=options, on_stage=on_stage))


def write_linkage(linked: LinkedBundles, pairs_path: Path, groups_path: Path | None) -> None:
    """Write candidate pairs, beside them the ids that were in, and the groups if asked for (see docs/linking.md)."""
    ids = pa.array(linked.ids, type=pa.string())
    pairs = linked.linkage.pairs
    columns: dict[str, Any] = {
        "left": ids.take(pa.array(pairs.left)),
        "right": ids.take(pa.array(pairs.right)),
        "probability": pairs.probability,
        "edd_weeks_apart": pairs.edd_weeks_apart,
    }
    columns |= {name: pairs.levels[:, position] for position, name in enumerate(pairs.comparisons)}
    pairs_path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), pairs_path)
    pq.write_table(pa.table({"registratie_id": ids}), records_path(pairs_path))
    if groups_path is not None:
        groups_path.parent.mkdir(parents=True, exist_ok=True)
        names = ids.take(pa.array(linked.linkage.groups))
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
