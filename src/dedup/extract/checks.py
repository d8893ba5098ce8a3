"""Checks every row of an extract: which are accepted, refused or withheld, and which fields count as missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.extract.cleaners import YES, clean_column
from dedup.extract.coded import CodedColumn, missing_column
from dedup.extract.columns import COLUMNS, FIRST_NAME_COLUMNS, NAME_COLUMNS
from dedup.extract.faults import FAULTS
from dedup.extract.findings import Findings, Mask
from dedup.extract.header import match_header
from dedup.extract.read import DEFAULT_MAX_BYTES, TextTable, read_table
from dedup.extract.report import CheckReport, ColumnFate, RefusedExtractError
from dedup.fields import Role, Status
from dedup.regions import Regions

SEPARATOR = ";"
OBJECTS = "bezwaar"
DEFAULT_MAX_REFUSED_SHARE = 0.2
ROLES_WITH_RELATION = (Role.HOOFDAANNEMER, Role.ONDERAANNEMER, Role.BEMIDDELAAR)


@dataclass(frozen=True, slots=True)
class CheckedExtract:
    """The accepted rows of an extract, in file order.

    `columns` holds all columns of the format, missing where a warning emptied the field; `row` is int64[n], each row's
    number in the file (from 1).
    """

    columns: dict[str, CodedColumn]
    row: NDArray[np.int64]
    report: CheckReport


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
    header = match_header(file_name, list(table.columns))
    rows = len(table.line)
    absent = missing_column(rows)
    named = {ours: table.columns[name] for name, ours in header.renamed.items()}
    typed = {column.name: named.get(column.name, absent) for column in COLUMNS}
    findings = Findings(rows)
    findings.add(table.malformed, "", "row.fields")
    takes_part = _participation(typed["deelname"], ~table.malformed, findings)
    considered = takes_part & ~table.malformed

    clean = _clean_columns(typed, today, considered, findings)
    filled = {name: column.filled() for name, column in clean.items()}
    _check_across(typed, clean, filled, considered, findings)
    _count_regions(clean["postcode"], considered & ~findings.refused, regions, findings)

    accepted = considered & ~findings.refused
    kept = np.flatnonzero(accepted)
    report = CheckReport(
        rows=rows,
        accepted=len(kept),
        refused=int(findings.refused.sum()),
        withheld=int((~takes_part).sum()),
        counts_by_code={code: findings.counts[code] for code in FAULTS if code in findings.counts},
        listed=tuple(findings.listed),
        line=table.line,
        ignored=header.ignored,
        providers=int(np.unique(clean["aanbieder_agb"].codes[kept]).size),
        fates=tuple(ColumnFate(c.name, c.fate.value, int(np.count_nonzero(filled[c.name][kept]))) for c in COLUMNS),
    )
    whole = len(kept) == rows
    return CheckedExtract(
        columns=clean if whole else {name: column.at(kept) for name, column in clean.items()},
        row=kept + 1,
        report=report,
    )


def _participation(deelname: CodedColumn, present: Mask, findings: Findings) -> Mask:
    """Return which rows are not withheld: those that say `ja` or could not be read; the rest is not looked at."""
    lowered = [value.lower() for value in deelname.values]
    agrees = deelname.spread([value == YES for value in lowered], False, np.bool_)
    objects = deelname.spread([value == OBJECTS for value in lowered], False, np.bool_)
    findings.add(present & ~agrees & ~objects, "deelname", "participation.unknown")
    return np.asarray(agrees | ~present, dtype=np.bool_)


def _clean_columns(
    typed: Mapping[str, CodedColumn], today: date, considered: Mask, findings: Findings
) -> dict[str, CodedColumn]:
    """Clean each distinct value once; record what is wrong in the rows that are considered."""
    clean = {}
    for column in COLUMNS:
        text = typed[column.name]
        if column.missing:
            findings.add(considered & ~text.filled(), column.name, column.missing)
        clean[column.name], fault_of_value = clean_column(text, column.clean, today)
        for fault in sorted({*fault_of_value} - {""}):
            where = text.spread([found == fault for found in fault_of_value], False, np.bool_)
            findings.add(considered & where, column.name, fault)
    return clean


def _check_across(
    typed: Mapping[str, CodedColumn],
    clean: Mapping[str, CodedColumn],
    filled: Mapping[str, Mask],
    considered: Mask,
    findings: Findings,
) -> None:
    """Check what depends on several columns or rows."""
    # Only rows that take part count: a withheld row must not push out one that is sent.
    with_id = np.flatnonzero(considered & filled["registratie_id"])
    first_with_id = np.unique(clean["registratie_id"].codes[with_id], return_index=True)[1]
    repeated = np.zeros(len(considered), dtype=np.bool_)
    repeated[np.delete(with_id, first_with_id)] = True
    findings.add(repeated, "registratie_id", "id.duplicate")

    named = np.logical_or.reduce([filled[name] for name in NAME_COLUMNS])
    findings.add(considered & ~filled["geboortedatum"] & ~named, "geboortedatum", "identity.missing")
    typed_first_name = np.logical_or.reduce([typed[name].filled() for name in FIRST_NAME_COLUMNS])
    findings.add(considered & ~typed_first_name, FIRST_NAME_COLUMNS[0], "required.missing")

    for one, other in (("uzovi", "verzekerdennummer"), ("verzekerdennummer", "uzovi")):
        findings.add(considered & filled[one] & ~typed[other].filled(), other, "insurance.incomplete")

    has_relation = _is_one_of(clean["rol"], ROLES_WITH_RELATION)
    transferred = _is_one_of(clean["status"], (Status.OVERGEDRAGEN,))
    for name, expected in (
        ("relatie_agb", has_relation),
        ("overdracht_datum", transferred),
        ("overdracht_agb", transferred),
    ):
        findings.add(considered & expected & ~typed[name].filled(), name, "conditional.missing")


def _is_one_of(column: CodedColumn, choices: tuple[str, ...]) -> Mask:
    return column.spread([value in choices for value in column.values], False, np.bool_)


def _count_regions(postcodes: CodedColumn, accepted: Mask, regions: Regions | None, findings: Findings) -> None:
    if regions is None:
        return
    outside = [not regions.ksv_of(value[:4]) for value in postcodes.values]
    findings.add(accepted & postcodes.spread(outside, False, np.bool_), "postcode", "postcode.no-region")
