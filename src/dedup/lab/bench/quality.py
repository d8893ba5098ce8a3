"""How well encoded records are linked: the same data under several fresh linkage keys, scored against the truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dedup.bundle.keyfiles import IngestKey
from dedup.lab.bench.contest import Arena, check_models, link_with_peers, score_groups
from dedup.lab.bench.material import Material, encode_material
from dedup.lab.bench.process import machine
from dedup.lab.evaluate import evaluate
from dedup.lab.linking import find_bundles, link_bundles, write_linkage
from dedup.model.load import load_model

THRESHOLD = 0.5
HIGHER_IS_BETTER = ("precision", "recall", "f1", "best_f1", "blocked_recall", "recall_of_all", "groups_f1")
LOWER_IS_BETTER = ("calibration_error", "calibration_error_in_doubt")
COUNTS = ("registrations", "not_linked", "candidate_pairs", "true_pairs", "true_positives")
BY_KIND = ("recall_by_group", "recall_by_kind", "missed_by_kind", "false_by_kind")
BY_ERRORS = ("missed_by_errors", "false_by_errors")


def bench_quality(
    material: Material,
    folder: Path,
    *,
    keys: int,
    peers: Sequence[str],
    arena: Arena,
    processes: int,
    now: datetime,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Encode, link and score `material` under `keys` fresh keys, and let peers link it in clear; `folder` is for work.

    Returns one dictionary of scores per key under `keys`, under `worst` each measure at its worst over the keys, and
    under `peers` the scores of each peer. Raises `BenchError` (`bench.no-model`) before any work, as `check_models`.
    """
    check_models(peers, material)
    scores = []
    for number in range(1, keys + 1):
        tell(f"Key {number} of {keys}: encoding.")
        here = folder / f"key-{number}"
        encode_material(material, here / "bundles", now=now, processes=processes)
        tell(f"Key {number} of {keys}: linking.")
        scores.append(_score(material, here))
        shutil.rmtree(here)
    return {
        "records": scores[0]["registrations"],
        "keys": scores,
        "worst": worst(scores),
        "peers": {
            peer: {**measured.figures(), **printed}
            for peer, (measured, printed) in link_with_peers(peers, material, folder, arena).items()
        },
        "machine": machine(),
    }


def worst(scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return each measure at its worst, per origin group too, and how far the last group lies behind the first."""
    groups = {group for score in scores for group in score["recall_by_group"]}
    gaps = [max(found) - min(found) for score in scores if (found := list(score["recall_by_group"].values()))]
    return {
        **{name: _of(min, scores, name) for name in HIGHER_IS_BETTER},
        **{name: _of(max, scores, name) for name in LOWER_IS_BETTER},
        "recall_by_group": {
            group: min(score["recall_by_group"][group] for score in scores) for group in sorted(groups)
        },
        "recall_gap_of_groups": max(gaps, default=None),
    }


def _score(material: Material, folder: Path) -> dict[str, Any]:
    """Link the bundles in `folder` as `dedup link` does, and score the pairs as `dedup evaluate` does."""
    linked = link_bundles(
        find_bundles([folder / "bundles"]),
        load_model(material.model),
        opened_with=None,
        key=IngestKey.generate(),
        threshold=THRESHOLD,
    )
    pairs, groups = folder / "pairs.parquet", folder / "groups.parquet"
    write_linkage(linked, pairs, groups)
    scores = evaluate(material.truth, pairs_path=pairs, findings_path=None)
    scores["groups_f1"] = score_groups(material.truth, groups)
    return {name: scores[name] for name in (*HIGHER_IS_BETTER, *LOWER_IS_BETTER, *COUNTS, *BY_KIND, *BY_ERRORS)}


def _of(choose: Callable[[list[float]], float], scores: Sequence[dict[str, Any]], name: str) -> float | None:
    known = [score[name] for score in scores if score[name] is not None]
    return choose(known) if known else None
