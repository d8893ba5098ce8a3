"""Collects what a check finds as arrays: which rows, of which column, under which code; never a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dedup.extract.faults import FAULTS, Severity

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Finding:
    """One code for one column ("" for whole rows) in the rows at `positions` (int64, ascending, from 0)."""

    positions: NDArray[np.int64]
    column: str
    code: str


@dataclass(slots=True)
class Findings:
    """Grows while n rows are checked; `refused` is bool[n], set by errors. Notes are counted and not listed."""

    rows: int
    refused: Mask = field(init=False)
    listed: list[Finding] = field(default_factory=list)
    noted: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.refused = np.zeros(self.rows, dtype=np.bool_)

    def add(self, where: Mask, column: str, code: str) -> None:
        """Record one code for a column in the rows where the mask is set."""
        positions = np.flatnonzero(where)
        if not len(positions):
            return
        severity = FAULTS[code].severity
        (self.noted if severity is Severity.NOTE else self.listed).append(Finding(positions, column, code))
        if severity is Severity.ERROR:
            self.refused |= where


def findings_of(findings: Sequence[Finding], first: int, last: int) -> tuple[Finding, ...]:
    """Return what was found in the rows from `first` to before `last`, positions counting from `first`."""
    cut = []
    for finding in findings:
        start, end = np.searchsorted(finding.positions, (first, last))
        if start < end:
            cut.append(Finding(finding.positions[start:end] - first, finding.column, finding.code))
    return tuple(cut)


def counts_by_code(findings: Iterable[Finding]) -> dict[str, int]:
    """Count the findings of each code, in the order of the table of faults."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.code] += len(finding.positions)
    return {code: counts[code] for code in FAULTS if code in counts}


def findings_frame(listed: Sequence[Finding], line: NDArray[np.int64]) -> pd.DataFrame:
    """Return findings as a frame of row (from 1), line, column and code, in row order; `line` is int64[rows]."""
    import pandas as pd  # only who lists findings waits for it

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
