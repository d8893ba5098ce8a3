"""Scores match probabilities and findings against the truth, over the registrations that were linked.

Precision, recall and F1 are the recordlinkage toolkit's own measures; F1 over all thresholds is computed in one sweep.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import recordlinkage
from numpy.typing import NDArray

from dedup.lab.evaluate_errors import false_by_errors, missed_by_errors
from dedup.lab.evaluate_findings import score_findings, sent_registrations
from dedup.lab.linked_files import records_path
from dedup.lab.truth import EvaluationError, TruePairs, is_in, kind_of_pairs, not_in, read_truth, true_pairs

THRESHOLD = 0.5
UNITS = ("vrouw", "zwangerschap")
# One pregnancy: EDDs at most this many weeks apart. A missing EDD (-1) does not set two registrations apart.
SAME_PREGNANCY_WEEKS = 4
CALIBRATION_BINS = 20
# Between these a probability says that the linkage is in doubt; most candidate pairs lie far below.
DOUBT = (0.05, 0.95)


def evaluate(
    truth_path: Path,
    *,
    pairs_path: Path | None,
    findings_path: Path | None,
    unit: str = "vrouw",
    extracts: Path | None = None,
) -> dict[str, Any]:
    """Return what `dedup evaluate --json` prints; see docs/linking.md for every key.

    With `extracts`, findings are scored over the registrations that these send; the others are `not_sent`.

    Raises `EvaluationError`: `evaluate.nothing`, `evaluate.unit`, `evaluate.unreadable`, `evaluate.columns`,
    `evaluate.unknown-id` (a pair names a registration that the truth does not know), or what `read_truth` raises.
    """
    if pairs_path is None and findings_path is None:
        raise EvaluationError("evaluate.nothing", "Name a file of pairs, of findings, or both.")
    if unit not in UNITS:
        raise EvaluationError("evaluate.unit", f"The unit must be one of {' and '.join(UNITS)}.")
    truth = read_truth(truth_path)
    result: dict[str, Any] = {"unit": unit}
    if pairs_path is not None:
        pairs = _read(pairs_path, ["left", "right", "probability", "edd_weeks_apart"])
        linked = _read(records_path(pairs_path), ["registratie_id"])["registratie_id"]
        result |= score_pairs(truth, pairs, linked, unit)
    if findings_path is not None:
        findings = _read(findings_path, ["finding", "registratie_id", "class", "code"])
        if extracts is not None:
            sent = truth["registratie_id"].isin(sent_registrations(extracts))
            result["not_sent"] = int((~sent).sum())
            truth = truth[sent].reset_index(drop=True)
        result |= score_findings(truth, findings)
    return result


def score_pairs(truth: pd.DataFrame, pairs: pd.DataFrame, linked: pd.Series[str], unit: str) -> dict[str, Any]:
    """Score candidate pairs over the linked registrations; `truth` as `read_truth` gives it."""
    everyone = true_pairs(truth[unit])
    inside = truth[truth["registratie_id"].isin(linked)].reset_index(drop=True)
    wanted = true_pairs(inside[unit])
    left, right = _positions(inside["registratie_id"], pairs)
    chance = pairs["probability"].to_numpy(dtype=np.float64).copy()
    if unit == "zwangerschap":
        chance[pairs["edd_weeks_apart"].to_numpy() > SAME_PREGNANCY_WEEKS] = 0.0
    is_true = is_in(left, right, wanted, len(inside))
    chosen = chance >= THRESHOLD
    scores = _scores(wanted, left[chosen], right[chosen])
    best_f1, best_threshold = _best(chance, is_true, len(wanted))
    doubt = (chance > DOUBT[0]) & (chance < DOUBT[1])
    hits = int((chosen & is_true).sum())
    missed = not_in(wanted, left[chosen], right[chosen], len(inside))
    kinds = inside["soort"].to_numpy(dtype=object)
    groups = inside["groep"].to_numpy(dtype=object)
    errors = inside["fouten"].to_numpy(dtype=object)
    wrong = chosen & ~is_true
    blocked = ~not_in(wanted, left, right, len(inside))
    return {
        **scores,
        "best_f1": best_f1,
        "best_threshold": best_threshold,
        "blocked_recall": _ratio(int(is_true.sum()), len(wanted)),
        "calibration_error": _calibration_error(chance, is_true),
        "calibration_error_in_doubt": _calibration_error(chance[doubt], is_true[doubt]),
        "recall_by_group": _recall_by(groups[wanted.left], ~missed),
        "not_linked": len(truth) - len(inside),
        "recall_of_all": _ratio(hits, len(everyone)),
        "registrations": len(inside),
        "candidate_pairs": len(pairs),
        "true_pairs": len(wanted),
        "true_positives": hits,
        "recall_by_kind": _recall_by(kind_of_pairs(kinds, wanted.left, wanted.right), ~missed),
        "missed_by_kind": _count(kind_of_pairs(kinds, wanted.left[missed], wanted.right[missed])),
        "false_by_kind": _count(kind_of_pairs(kinds, left[wrong], right[wrong])),
        "missed_by_errors": missed_by_errors(errors, wanted, ~missed, blocked),
        "false_by_errors": false_by_errors(errors, left[wrong], right[wrong]),
        "calibration": _calibration_bins(chance, is_true),
    }


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise EvaluationError("evaluate.unreadable", f"The file {path} cannot be read as Parquet.") from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise EvaluationError("evaluate.columns", f"The file {path} has no column {missing[0]}.")
    return frame


def _positions(ids: pd.Series[str], pairs: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    index = pd.Index(ids)
    one, other = index.get_indexer(pd.Index(pairs["left"])), index.get_indexer(pd.Index(pairs["right"]))
    if (one < 0).any() or (other < 0).any():
        raise EvaluationError("evaluate.unknown-id", "The pairs name a registration that the truth does not know.")
    return np.minimum(one, other).astype(np.int64), np.maximum(one, other).astype(np.int64)


def _scores(wanted: TruePairs, left: NDArray[np.int64], right: NDArray[np.int64]) -> dict[str, float | None]:
    if not len(wanted) or not len(left):
        none_wrong = len(wanted) == len(left) == 0
        return {"precision": None if not len(left) else 0.0, "recall": None if not len(wanted) else 0.0} | {
            "f1": 1.0 if none_wrong else 0.0
        }
    links_true = pd.MultiIndex.from_arrays([wanted.left, wanted.right])
    links_found = pd.MultiIndex.from_arrays([left, right])
    return {
        "precision": float(recordlinkage.precision(links_true, links_found)),
        "recall": float(recordlinkage.recall(links_true, links_found)),
        "f1": float(recordlinkage.fscore(links_true, links_found)) if links_true.isin(links_found).any() else 0.0,
    }


def _best(chance: NDArray[np.float64], is_true: NDArray[np.bool_], wanted: int) -> tuple[float, float | None]:
    """Return the highest F1 over all thresholds, and the highest threshold that reaches it."""
    if not len(chance) or not wanted:
        return 0.0, None
    order = np.argsort(-chance, kind="stable")
    right = np.cumsum(is_true[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + wanted)
    last_of_equal = np.append(chance[order][1:] != chance[order][:-1], True)
    f1 = np.where(last_of_equal, f1, -1.0)
    best = int(np.argmax(f1))
    return float(f1[best]), float(chance[order][best])


def _calibration_bins(chance: NDArray[np.float64], is_true: NDArray[np.bool_]) -> list[dict[str, float | int]]:
    """Return per bin of equal width: pairs, mean probability, and the share that is true."""
    bins = np.minimum((chance * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    return [
        {
            "from": index / CALIBRATION_BINS,
            "pairs": int((bins == index).sum()),
            "mean_probability": float(chance[bins == index].mean()),
            "share_true": float(is_true[bins == index].mean()),
        }
        for index in np.unique(bins).tolist()
    ]


def _calibration_error(chance: NDArray[np.float64], is_true: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over candidate pairs (Guo et al., ICML 2017), bins of equal width."""
    bins = _calibration_bins(chance, is_true)
    wrong = sum(row["pairs"] * abs(row["mean_probability"] - row["share_true"]) for row in bins)
    return float(wrong / len(chance)) if len(chance) else 0.0


def _recall_by(names: NDArray[np.object_], found: NDArray[np.bool_]) -> dict[str, float]:
    named = pd.Series(found).groupby(pd.Series(names)).mean()
    return {str(name): float(share) for name, share in named.items() if name}


def _count(names: NDArray[np.object_]) -> Mapping[str, int]:
    return {str(name): int(count) for name, count in sorted(pd.Series(names).value_counts().items()) if name}


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
