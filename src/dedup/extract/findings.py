"""Collects what a check finds as arrays: which rows, of which column, under which code; never a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.extract.faults import FAULTS, Severity

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Finding:
    """One code for one column ("" for whole rows) in the rows at `positions` (int64, ascending, from 0)."""

    positions: NDArray[np.int64]
    column: str
    code: str


@dataclass(slots=True)
class Findings:
    """Grows while the n rows of an extract are checked; `refused` is bool[n], set by errors."""

    rows: int
    refused: Mask = field(init=False)
    listed: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.refused = np.zeros(self.rows, dtype=np.bool_)

    def add(self, where: Mask, column: str, code: str) -> None:
        """Record one code for a column in the rows where the mask is set; notes are only counted."""
        positions = np.flatnonzero(where)
        if not len(positions):
            return
        self.counts[code] += len(positions)
        if FAULTS[code].severity is Severity.NOTE:
            return
        if FAULTS[code].severity is Severity.ERROR:
            self.refused |= where
        self.listed.append(Finding(positions, column, code))


def findings_frame(listed: Sequence[Finding], line: NDArray[np.int64]) -> pd.DataFrame:
    """Return findings as a frame of row (from 1), line, column and code, in row order; `line` is int64[rows]."""
    positions = np.concatenate([np.zeros(0, dtype=np.int64), *(finding.positions for finding in listed)])
    sizes = [len(finding.positions) for finding in listed]
    findings = pd.DataFrame(
        {
            "row": positions + 1,
            "line": line[positions],
            "column": np.repeat(np.array([finding.column for finding in listed], dtype=object), sizes),
            "code": np.repeat(np.array([finding.code for finding in listed], dtype=object), sizes),
        }
    )
    return findings.sort_values("row", kind="stable", ignore_index=True)
