"""How many levels a comparison has, and the model's comparisons as flat arrays that the kernels can read.

Levels count from 0 (disagrees) upwards; -1 is missing. A comparison of sketches has one level more than its sketches
can reach, `exact`: every entry that found the pair left the field out because its block already fixes the value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ModelError
from dedup.model.linkage import Comparison, ComparisonKind, LinkageModel

MISSING = -1
# Cells of a comparison (`dedup.link.patterns`): 0 is missing, then `exact`, then the observed levels, once a class.
EXACT_CELL, FIRST_CELL = 1, 2
# Estimated similarity from which a field of one token (an initial) is taken to agree: it is 0 or 1 in truth.
ONE_TOKEN_AGREES = 0.6
# Level probabilities are kept apart for pairs whose sketches of a field come from 1, 2, and 3 or more entries.
ENTRY_CLASSES = 3
ADDRESS_THRESHOLDS = 3
ADDRESS_LEVELS = 6
KIND_CODE = {ComparisonKind.SKETCH: 0, ComparisonKind.ADDRESS: 1, ComparisonKind.WEEKS: 2}
# A pattern packs all cells of a pair into one int64.
_PATTERN_LIMIT = 2**62


def observed_levels(comparison: Comparison) -> int:
    """Return the number of levels that sketches or weeks can reach, `exact` not counted."""
    if comparison.kind is ComparisonKind.ADDRESS:
        return ADDRESS_LEVELS
    return len(comparison.thresholds) + 1 + bool(comparison.split_lowest_by)


def cell_count(comparison: Comparison) -> int:
    """Return the number of cells: missing, exact, and each observed level once per class of entries."""
    return 2 + ENTRY_CLASSES * observed_levels(comparison)


@dataclass(frozen=True, slots=True)
class LevelRules:
    """The comparisons of a model as arrays, one item (or row) per comparison.

    `kind` is int8 (`KIND_CODE`); `first`, `second` and `split` are int64 field indices, -1 for none; `thresholds` is
    float64[c, t], of which the first `threshold_count` of a row count; `observed` is int64, the number of observed
    levels; `cells` is int64, the number of cells, which is the radix of this comparison in a packed pattern.
    """

    names: tuple[str, ...]
    kind: NDArray[np.int8]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    split: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    threshold_count: NDArray[np.int64]
    observed: NDArray[np.int64]
    cells: NDArray[np.int64]


def level_rules(model: LinkageModel) -> LevelRules:
    """Flatten the model's comparisons; raises `ModelError` (`link.comparison`) for one that cannot be computed."""
    index = {field.name: position for position, field in enumerate(model.fields)}
    for comparison in model.comparisons:
        _check(comparison, index)
    comparisons = model.comparisons
    if math.prod(cell_count(c) for c in comparisons) > _PATTERN_LIMIT:
        raise ModelError("link.comparison", f"Model {model.name} has more comparisons and levels than fit one pattern.")
    thresholds = np.full((len(comparisons), max((len(c.thresholds) for c in comparisons), default=1)), np.inf)
    for position, comparison in enumerate(comparisons):
        thresholds[position, : len(comparison.thresholds)] = comparison.thresholds
    fields = [tuple(index[name] for name in c.fields) for c in comparisons]
    return LevelRules(
        names=tuple(c.name for c in comparisons),
        kind=np.array([KIND_CODE[c.kind] for c in comparisons], dtype=np.int8),
        first=np.array([f[0] if f else -1 for f in fields], dtype=np.int64),
        second=np.array([f[1] if len(f) > 1 else -1 for f in fields], dtype=np.int64),
        split=np.array([index.get(c.split_lowest_by, -1) for c in comparisons], dtype=np.int64),
        thresholds=thresholds,
        threshold_count=np.array([len(c.thresholds) for c in comparisons], dtype=np.int64),
        observed=np.array([observed_levels(c) for c in comparisons], dtype=np.int64),
        cells=np.array([cell_count(c) for c in comparisons], dtype=np.int64),
    )


def _check(comparison: Comparison, fields: dict[str, int]) -> None:
    needed = {ComparisonKind.SKETCH: 1, ComparisonKind.ADDRESS: 2, ComparisonKind.WEEKS: 0}[comparison.kind]
    named = (*comparison.fields, comparison.split_lowest_by) if comparison.split_lowest_by else comparison.fields
    fault = ""
    if len(comparison.fields) != needed:
        fault = f"must name {needed} fields"
    elif any(name not in fields for name in named):
        fault = "names a field that the model does not have"
    elif list(comparison.thresholds) != sorted(set(comparison.thresholds)) or not comparison.thresholds:
        fault = "needs thresholds that rise"
    elif comparison.kind is ComparisonKind.ADDRESS and len(comparison.thresholds) != ADDRESS_THRESHOLDS:
        fault = f"needs {ADDRESS_THRESHOLDS} thresholds: weak, near and equal"
    elif comparison.split_lowest_by and comparison.kind is not ComparisonKind.SKETCH:
        fault = "can split its lowest level only where it compares a sketch"
    if fault:
        raise ModelError("link.comparison", f"Comparison {comparison.name} {fault}.")
