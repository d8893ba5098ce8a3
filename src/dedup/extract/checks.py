"""Checks every row of an extract: which are accepted, refused or withheld, and which fields count as missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.extract.cleaners import YES
from dedup.extract.coded import coded_series, codes_and_values, missing_column
from dedup.extract.columns import COLUMNS, FIRST_NAME_COLUMNS, NAME_COLUMNS, Column
from dedup.extract.faults import FAULTS, Severity
from dedup.extract.header import match_header
from dedup.extract.read import DEFAULT_MAX_BYTES, TextTable, read_table
from dedup.extract.report import CheckReport, ColumnFate, RefusedExtractError, counts_by_code
from dedup.fields import Role, Status
from dedup.regions import Regions

SEPARATOR = ";"
OBJECTS = "bezwaar"
DEFAULT_MAX_REFUSED_SHARE = 0.2
ROLES_WITH_RELATION = (Role.HOOFDAANNEMER, Role.ONDERAANNEMER, Role.BEMIDDELAAR)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CheckedExtract:
    """The accepted rows of an extract, in file order.

    `frame` holds all columns of the format as categoricals of text, missing where a warning emptied the field; `row`
    is int64[n], each row's number in the file (from 1).
    """

    frame: pd.DataFrame
    row: NDArray[np.int64]
    report: CheckReport


@dataclass(slots=True)
class _Findings:
    """Collects findings as arrays: which rows, of which column, under which code."""

    rows: int
    refused: Mask = field(init=False)
    parts: list[tuple[NDArray[np.int64], str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.refused = np.zeros(self.rows, dtype=np.bool_)

    def add(self, where: Mask, column: str, code: str) -> None:
        """Record one code for a column in the rows where the mask is set; notes are only counted."""
        if not where.any():
            return
        if FAULTS[code].severity is Severity.NOTE:
            self.notes[code] += int(where.sum())
            return
        if FAULTS[code].severity is Severity.ERROR:
            self.refused |= where
        self.parts.append((np.flatnonzero(where), column, code))

    def frame(self, line: NDArray[np.int64]) -> pd.DataFrame:
        """Return all findings as a frame of row (from 1), line, column and code, in row order."""
        positions = np.concatenate([part[0] for part in self.parts] or [np.zeros(0, dtype=np.int64)])
        sizes = [len(part[0]) for part in self.parts]
        findings = pd.DataFrame(
            {
                "row": positions + 1,
                "line": line[positions],
                "column": np.repeat(np.array([part[1] for part in self.parts], dtype=object), sizes),
                "code": np.repeat(np.array([part[2] for part in self.parts], dtype=object), sizes),
            }
        )
        return findings.sort_values("row", kind="stable", ignore_index=True)


def check_extract(
    path: Path,
    *,
    today: date,
    regions: Regions | None,
    max_refused_share: float = DEFAULT_MAX_REFUSED_SHARE,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> CheckedExtract:
    """Read and check an extract; ages, EDDs and dates are judged as on `today`.

    Raises `ExtractError` where the file cannot be read at all (see `read_table` and `match_header`), and
    `RefusedExtractError` (`extract.too-many-refused`) where more than `max_refused_share` of the rows that take part
    are refused.
    """
    table = read_table(
        path,
        separator=SEPARATOR,
        max_bytes=max_bytes,
        check_header=lambda names: match_header(path.name, names),
    )
    checked = check_table(table, path.name, today, regions)
    report = checked.report
    taking_part = report.rows - report.withheld
    if taking_part and report.refused / taking_part > max_refused_share:
        raise RefusedExtractError(
            "extract.too-many-refused",
            f"{path.name} is refused as a whole: {report.refused} of {taking_part} rows are refused, and at most "
            f"{max_refused_share:.0%} may be.",
            report,
        )
    return checked


def require_one_provider(checked: CheckedExtract, file_name: str) -> None:
    """Raise `RefusedExtractError` for what can be no snapshot: `extract.no-rows`, `extract.several-providers`."""
    report = checked.report
    if not report.accepted:
        raise RefusedExtractError("extract.no-rows", f"{file_name} has no row that may be sent.", report)
    if report.providers > 1:
        raise RefusedExtractError(
            "extract.several-providers",
            f"{file_name} holds rows of {report.providers} providers (aanbieder_agb); an extract is one provider's.",
            report,
        )


def check_table(table: TextTable, file_name: str, today: date, regions: Regions | None) -> CheckedExtract:
    """Check a table of text as an extract, without refusing it as a whole; raises `ExtractError` for its header."""
    header = match_header(file_name, list(table.frame.columns))
    frame = table.frame.rename(columns=header.renamed)
    rows = len(table.line)
    findings = _Findings(rows)
    findings.add(table.malformed, "", "row.fields")
    takes_part = _participation(frame["deelname"], ~table.malformed, findings)
    considered = takes_part & ~table.malformed

    clean = {
        column.name: _clean_column(
            frame[column.name] if column.name in frame else missing_column(rows), column, today, considered, findings
        )
        for column in COLUMNS
    }
    filled = {name: codes_and_values(column)[0] >= 0 for name, column in clean.items()}
    _check_across(frame, clean, filled, considered, findings)
    _count_regions(clean["postcode"], considered & ~findings.refused, regions, findings)

    accepted = considered & ~findings.refused
    listed = findings.frame(table.line)
    counts = {**counts_by_code(listed), **findings.notes}
    report = CheckReport(
        rows=rows,
        accepted=int(accepted.sum()),
        refused=int(findings.refused.sum()),
        withheld=int((~takes_part).sum()),
        counts_by_code={code: counts[code] for code in FAULTS if code in counts},
        findings=listed,
        ignored=header.ignored,
        providers=int(np.unique(codes_and_values(clean["aanbieder_agb"])[0][accepted]).size),
        fates=tuple(ColumnFate(c.name, c.fate.value, int((filled[c.name] & accepted).sum())) for c in COLUMNS),
    )
    kept = pd.DataFrame(clean).loc[accepted].reset_index(drop=True)
    return CheckedExtract(frame=kept, row=np.flatnonzero(accepted) + 1, report=report)


def _participation(deelname: pd.Series, present: Mask, findings: _Findings) -> Mask:
    """Return which rows are not withheld: those that say `ja` or could not be read; the rest is not looked at."""
    codes, values = codes_and_values(deelname)
    lowered = [value.lower() for value in values]
    agrees = np.array([value == YES for value in lowered] + [False])[codes]
    objects = np.array([value == OBJECTS for value in lowered] + [False])[codes]
    findings.add(present & ~agrees & ~objects, "deelname", "participation.unknown")
    return np.asarray(agrees | ~present, dtype=np.bool_)


def _clean_column(text: pd.Series, column: Column, today: date, considered: Mask, findings: _Findings) -> pd.Series:
    """Clean each distinct value once; record what is wrong in the rows that are considered."""
    codes, values = codes_and_values(text)
    cleaned = [column.clean(value, today) for value in values]
    if column.missing:
        findings.add(considered & (codes < 0), column.name, column.missing)
    faults = sorted({fault for _, fault in cleaned if fault})
    number = {fault: position for position, fault in enumerate(faults)}
    fault_of = np.array([number.get(fault, -1) for _, fault in cleaned] + [-1])[codes]
    for position, fault in enumerate(faults):
        findings.add(considered & (fault_of == position), column.name, fault)
    return coded_series(codes, [value for value, _ in cleaned])


def _check_across(
    typed: pd.DataFrame, clean: dict[str, pd.Series], filled: dict[str, Mask], considered: Mask, findings: _Findings
) -> None:
    """Check what depends on several columns or rows."""
    ids = codes_and_values(clean["registratie_id"])[0]
    # Only rows that take part count: a withheld row must not push out one that is sent.
    with_id = np.flatnonzero(considered & (ids >= 0))
    repeated = np.zeros(len(ids), dtype=np.bool_)
    repeated[with_id] = pd.Series(ids[with_id]).duplicated(keep="first").to_numpy()
    findings.add(repeated, "registratie_id", "id.duplicate")

    named = np.logical_or.reduce([filled[name] for name in NAME_COLUMNS])
    findings.add(considered & ~filled["geboortedatum"] & ~named, "geboortedatum", "identity.missing")
    typed_first_name = np.logical_or.reduce(
        [codes_and_values(typed[name])[0] >= 0 for name in FIRST_NAME_COLUMNS if name in typed]
    )
    findings.add(considered & ~typed_first_name, FIRST_NAME_COLUMNS[0], "required.missing")

    for one, other in (("uzovi", "verzekerdennummer"), ("verzekerdennummer", "uzovi")):
        absent = typed[other].isna().to_numpy() if other in typed else np.ones(len(considered), dtype=np.bool_)
        findings.add(considered & filled[one] & absent, other, "insurance.incomplete")

    has_relation = _is_one_of(clean["rol"], ROLES_WITH_RELATION)
    transferred = _is_one_of(clean["status"], (Status.OVERGEDRAGEN,))
    for name, expected in (
        ("relatie_agb", has_relation),
        ("overdracht_datum", transferred),
        ("overdracht_agb", transferred),
    ):
        absent = typed[name].isna().to_numpy() if name in typed else np.ones(len(considered), dtype=np.bool_)
        findings.add(considered & expected & absent, name, "conditional.missing")


def _is_one_of(column: pd.Series, choices: tuple[str, ...]) -> Mask:
    codes, values = codes_and_values(column)
    return np.array([value in choices for value in values] + [False])[codes]


def _count_regions(postcodes: pd.Series, accepted: Mask, regions: Regions | None, findings: _Findings) -> None:
    if regions is None:
        return
    codes, values = codes_and_values(postcodes)
    outside = np.array([not regions.ksv_of(value[:4]) for value in values] + [False])[codes]
    findings.add(accepted & outside, "postcode", "postcode.no-region")
