"""The weights that `dedup link` leaves beside its pairs, so that `dedup explain` can tell why a pair was found.

PAIRS.weights.json holds what every cell of every comparison weighs and the distinct patterns of cells;
PAIRS.patterns.parquet the row of that list for every row of PAIRS.parquet. Neither holds a value or an id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.errors import DedupError
from dedup.link.engine import Linkage
from dedup.link.explain import ComparisonWeights, Explanation, WeightTable, explain, weight_table
from dedup.model.linkage import ComparisonKind, LinkageModel

FORMAT = "dedup/weights/2"
BITS = ("bits", "matches_bits", "relatives_bits")


class ExplainError(DedupError):
    """A pair that cannot be explained."""


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """One candidate pair: the match probability that was written for it, and the weights that it comes from."""

    left: str
    right: str
    probability: float
    explanation: Explanation


def weights_path(pairs_path: Path) -> Path:
    """Return where the weights of a file of pairs are: PAIRS.weights.json."""
    return pairs_path.with_name(f"{pairs_path.stem}.weights.json")


def patterns_path(pairs_path: Path) -> Path:
    """Return where the pattern of every pair is: PAIRS.patterns.parquet."""
    return pairs_path.with_name(f"{pairs_path.stem}.patterns.parquet")


def write_weights(linkage: Linkage, model: LinkageModel, pairs_path: Path) -> None:
    """Write what explains the pairs, beside them."""
    table = weight_table(linkage.weights, model)
    document = {
        "format": FORMAT,
        "model": model.name,
        "prior": table.prior,
        "matches": list(table.matches),
        "relatives": list(table.relatives),
        "comparisons": [
            {
                "name": comparison.name,
                "kind": comparison.kind.value,
                "thresholds": list(comparison.thresholds),
                "lowest_is_split": comparison.lowest_is_split,
                **{name: getattr(comparison, name).tolist() for name in BITS},
            }
            for comparison in table.comparisons
        ],
        "patterns": linkage.patterns.cells.tolist(),
    }
    weights_path(pairs_path).write_text(json.dumps(document), encoding="utf-8")
    pq.write_table(pa.table({"pattern": linkage.pairs.pattern}), patterns_path(pairs_path))


def explain_pair(pairs_path: Path, left: str, right: str) -> ExplainedPair:
    """Explain one pair of a file that `dedup link` wrote; the two ids may come in either order.

    Raises `ExplainError`: `explain.unreadable`, `explain.no-weights` (an older `dedup link` wrote the pairs),
    `explain.other-pairs` (the files beside the pairs are not theirs), `explain.not-compared` for a pair that shares no
    block.
    """
    table, patterns = _read_weights(pairs_path)
    names = [comparison.name for comparison in table.comparisons]
    try:
        pairs = pq.read_table(pairs_path, columns=["left", "right", "probability", *names])
        pattern = pq.read_table(patterns_path(pairs_path), columns=["pattern"])["pattern"]
    except (OSError, pa.ArrowException) as error:
        raise ExplainError("explain.unreadable", f"The pairs in {pairs_path} cannot be read.") from error
    if len(pattern) != len(pairs) or (len(pattern) and pc.max(pattern).as_py() >= len(patterns)):
        raise ExplainError(
            "explain.other-pairs", f"The weights beside {pairs_path.name} belong to other pairs; link once more."
        )
    first, second = sorted((left, right))
    found = pc.and_(pc.equal(pairs["left"], first), pc.equal(pairs["right"], second))
    position = pc.index(found, True).as_py()
    if position < 0:
        raise ExplainError(
            "explain.not-compared",
            f"{pairs_path.name} does not hold this pair: the two share no block, so they were never compared.",
        )
    row = pairs.slice(position, 1).to_pylist()[0]
    levels = np.array([row[name] for name in names], dtype=np.int8)
    explanation = explain(table, patterns[pattern[position].as_py()], levels)
    return ExplainedPair(row["left"], row["right"], row["probability"], explanation)


def _read_weights(pairs_path: Path) -> tuple[WeightTable, Any]:
    path = weights_path(pairs_path)
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ExplainError(
            "explain.no-weights",
            f"There is no {path.name} beside the pairs; dedup link writes it, so link once more.",
        ) from error
    except ValueError as error:
        raise ExplainError("explain.unreadable", f"{path} is not valid JSON.") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ExplainError("explain.unreadable", f"{path} does not hold weights of the format {FORMAT}.")
    table = WeightTable(
        prior=document["prior"],
        matches=tuple(document["matches"]),
        relatives=tuple(document["relatives"]),
        comparisons=tuple(
            ComparisonWeights(
                name=comparison["name"],
                kind=ComparisonKind(comparison["kind"]),
                thresholds=tuple(comparison["thresholds"]),
                lowest_is_split=comparison["lowest_is_split"],
                bits=np.array(comparison["bits"], dtype=np.float64),
                matches_bits=_per_kind(comparison, "matches_bits"),
                relatives_bits=_per_kind(comparison, "relatives_bits"),
            )
            for comparison in document["comparisons"]
        ),
    )
    return table, np.array(document["patterns"], dtype=np.int64)


def _per_kind(comparison: dict[str, Any], name: str) -> NDArray[np.float64]:
    """Return float64[kinds, cells]; there may be no kinds."""
    return np.array(comparison[name], dtype=np.float64).reshape(-1, len(comparison["bits"]))
