"""What a check found: counts, and findings by row and column; never a value from the extract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ExtractError
from dedup.extract.faults import FAULTS, Severity
from dedup.extract.findings import Finding, findings_frame

if TYPE_CHECKING:
    import pandas as pd

FINDING_COLUMNS = ("row", "line", "column", "code")
MAX_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class ColumnFate:
    """What becomes of a column: `fate` names a `Fate` of `columns`, `filled` counts the accepted rows with a value."""

    column: str
    fate: str
    filled: int


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of checking one extract.

    `rows` counts the data rows; each is accepted, refused (an error) or withheld (deelname other than ja). `listed` are
    the findings but for notes, `line` the line of the file of each row (int64[rows]). `ignored` describes columns of
    the file that are not part of the format; `providers` counts the different AGB codes of accepted rows.
    """

    rows: int
    accepted: int
    refused: int
    withheld: int
    counts_by_code: dict[str, int]
    listed: tuple[Finding, ...]
    line: NDArray[np.int64]
    ignored: tuple[str, ...]
    providers: int
    fates: tuple[ColumnFate, ...]

    @property
    def findings(self) -> pd.DataFrame:
        """The listed findings as a frame of row (from 1), line (of the file), column and code, in row order."""
        return findings_frame(self.listed, self.line)

    def count(self, severity: Severity) -> int:
        """Return the number of findings of one severity."""
        return sum(number for code, number in self.counts_by_code.items() if FAULTS[code].severity is severity)

    def to_json(self) -> dict[str, Any]:
        """Return the counts alone, fit to travel with a bundle."""
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "refused": self.refused,
            "withheld": self.withheld,
            "counts_by_code": dict(self.counts_by_code),
        }

    def findings_json(self, limit: int = MAX_LISTED) -> dict[str, Any]:
        """Return the row findings, errors first, each with its severity and hints, and how many were left off."""
        findings = self.findings
        order = findings["code"].map(lambda code: FAULTS[code].severity is not Severity.ERROR)
        listed = findings.assign(_later=order).sort_values(["_later", "row"], kind="stable").head(limit)
        return {
            "findings": [
                {
                    "row": int(row),
                    "line": int(line),
                    "column": column,
                    "code": code,
                    "severity": FAULTS[code].severity.value,
                    "hint_nl": FAULTS[code].dutch,
                    "hint_en": FAULTS[code].english,
                }
                for row, line, column, code in listed[list(FINDING_COLUMNS)].itertuples(index=False)
            ],
            "findings_left_off": max(len(findings) - limit, 0),
        }


class RefusedExtractError(ExtractError):
    """An extract that was read and checked, and is refused as a whole; `report` says what its rows hold."""

    def __init__(self, code: str, message: str, report: CheckReport) -> None:
        super().__init__(code, message)
        self.report = report
