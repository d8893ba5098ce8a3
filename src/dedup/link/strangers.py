"""u, how likely each cell of a comparison is for two strangers: from the linkage model, and from the server's counts.

See docs/decisions/0003-u-probabilities.md.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ModelError
from dedup.link.levels import ENTRY_CLASSES, EXACT_CELL, FIRST_CELL, cell_count, observed_levels
from dedup.link.patterns import Cells, PatternTable
from dedup.model.linkage import Comparison, ComparisonKind, LinkageModel

_LEAST_U = 1e-12


def u_cells(comparison: Comparison) -> NDArray[np.float64]:
    """Return float64[cells] from the model's u table; raises `ModelError` (`link.u-table`) where it does not fit."""
    observed = observed_levels(comparison)
    if len(comparison.u) != ENTRY_CLASSES or any(len(row) != observed for row in comparison.u):
        raise ModelError(
            "link.u-table",
            f"Comparison {comparison.name} needs a u table of {ENTRY_CLASSES} rows of {observed} probabilities; "
            "dedup model fit-u makes one.",
        )
    cells = np.ones(cell_count(comparison), dtype=np.float64)
    cells[FIRST_CELL:] = np.maximum(np.array(comparison.u, dtype=np.float64).reshape(-1), _LEAST_U)
    # With three entries or more the highest level holds hardly any noise: its u is that of the value being equal.
    cells[EXACT_CELL] = cells[-1]
    return cells


def with_equal_pairs(
    comparisons: tuple[Comparison, ...],
    table: PatternTable,
    model_u: Cells,
    together: NDArray[np.float64],
    equal_pairs: Mapping[int, int],
    all_pairs: float,
) -> Cells:
    """Put in u how often strangers share a value on this server; `together` are pairs of one person or of relatives."""
    u = list(model_u)
    for position, pairs in equal_pairs.items():
        equal = _is_equal(comparisons[position], table.cells[:, position])
        strangers = max(pairs - float(together[equal].sum()), 0.5)
        u[position] = _with_equal(comparisons[position], model_u[position], strangers / all_pairs)
    return tuple(u)


def _is_equal(comparison: Comparison, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which patterns have the comparison at its highest level, seen or fixed by the block."""
    observed = observed_levels(comparison)
    highest = (cells >= FIRST_CELL) & ((cells - FIRST_CELL) % observed == observed - 1)
    return np.asarray(highest | (cells == EXACT_CELL), dtype=np.bool_)


def _with_equal(comparison: Comparison, cells: NDArray[np.float64], equal: float) -> NDArray[np.float64]:
    """Raise the share of equal values in u to `equal`, and keep what noise adds to the highest level.

    It is never lowered: a handful of shared values is too few to say that sharing one is rarer than in the population.
    """
    if equal <= cells[EXACT_CELL]:
        return cells
    observed = observed_levels(comparison)
    values = cells.copy()
    values[EXACT_CELL] = equal
    for entry_class in range(ENTRY_CLASSES):
        top = FIRST_CELL + entry_class * observed + observed - 1
        values[top] += equal - cells[EXACT_CELL]
    return values


def exact_comparisons(model: LinkageModel) -> dict[int, int]:
    """Return, for comparisons whose equal values are one pass's whole block, their position and that pass's index."""
    attribute = {field.name: field.attribute for field in model.fields}
    found: dict[int, int] = {}
    for position, comparison in enumerate(model.comparisons):
        if comparison.kind is ComparisonKind.WEEKS:
            continue
        wanted = {attribute[name] for name in comparison.fields}
        for index, linkage_pass in enumerate(model.passes):
            if set(linkage_pass.attributes) == wanted and set(comparison.fields) <= set(linkage_pass.omits):
                found[position] = index
    return found
