"""Patterns: what all comparisons say of a pair, one cell each, and how many candidate pairs have the same.

A *cell* is what one comparison says: missing, `exact`, or an observed level together with the number of entries
(1, 2, 3 or more) whose sketches it rests on. A pattern is one cell per comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.link.levels import LevelRules

# One array per comparison, a probability per cell.
Cells = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True)
class PatternTable:
    """The distinct patterns of all candidate pairs, in ascending order of their packed value.

    `cells` is int64[p, c]; `counts` float64[p], pairs with that pattern.
    """

    cells: NDArray[np.int64]
    counts: NDArray[np.float64]


def pattern_table(patterns: NDArray[np.int64], counts: NDArray[np.int64], rules: LevelRules) -> PatternTable:
    """Unpack distinct patterns into cells."""
    cells = np.empty((len(patterns), len(rules.cells)), dtype=np.int64)
    rest = patterns.copy()
    for position in range(len(rules.cells) - 1, -1, -1):
        rest, cells[:, position] = np.divmod(rest, rules.cells[position])
    return PatternTable(cells=cells, counts=counts.astype(np.float64))
