"""Checks every row of an extract: which are accepted, refused or withheld, and which fields count as missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ExtractError
from dedup.extract.cleaners import YES, clean_column
from dedup.extract.coded import CodedColumn, TextColumn, coded, missing_text
from dedup.extract.columns import COLUMNS, FIRST_NAME_COLUMNS, NAME_COLUMNS
from dedup.extract.findings import Findings, Mask, counts_by_code, findings_of
from dedup.extract.header import Header, match_header
from dedup.extract.read import DEFAULT_MAX_BYTES, TextTable, read_tables
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

    columns: Mapping[str, CodedColumn]
    row: NDArray[np.int64]
    report: CheckReport


@dataclass(frozen=True, slots=True)
class CheckedExtracts:
    """The rows of several extracts, one extract after another, checked together: each value was looked at once.

    `columns` holds all rows, accepted or not; `accepted[i]` (int64, positions in the whole, in file order) are those of
    extract i that may be sent.
    """

    columns: Mapping[str, CodedColumn]
    accepted: tuple[NDArray[np.int64], ...]
    reports: tuple[CheckReport, ...]


def read_extracts(paths: Sequence[Path], max_bytes: int = DEFAULT_MAX_BYTES) -> list[TextTable | ExtractError]:
    """Read extracts; each is an `ExtractError` where that cannot be done at all (see `read_tables`, `match_header`)."""
    return read_tables(
        paths,
        separator=SEPARATOR,
        max_bytes=max_bytes,
        check_header=lambda path, names: match_header(path.name, names),
    )


def read_extract(path: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> TextTable:
    """Read an extract; raises `ExtractError` where that cannot be done at all."""
    [outcome] = read_extracts([path], max_bytes)
    if isinstance(outcome, ExtractError):
        raise outcome
    return outcome


def check_extract(
    path: Path,
    *,
    today: date,
    regions: Regions | None,
    max_refused_share: float = DEFAULT_MAX_REFUSED_SHARE,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> CheckedExtract:
    """Read and check an extract; ages, EDDs and dates are judged as on `today`.

    Raises what `read_extract` and `require_few_refused` raise.
    """
    checked = check_table(read_extract(path, max_bytes), path.name, today, regions)
    require_few_refused(checked.report, path.name, max_refused_share)
    return checked


def require_few_refused(report: CheckReport, file_name: str, max_refused_share: float) -> None:
    """Raise `RefusedExtractError` (`extract.too-many-refused`) where more of the rows that take part are refused."""
    taking_part = report.rows - report.withheld
    if taking_part and report.refused / taking_part > max_refused_share:
        raise RefusedExtractError(
            "extract.too-many-refused",
            f"{file_name} is refused as a whole: {report.refused} of {taking_part} rows are refused, and at most "
            f"{max_refused_share:.0%} may be.",
            report,
        )


def require_one_provider(report: CheckReport, file_name: str) -> None:
    """Raise `RefusedExtractError` for what can be no snapshot: `extract.no-rows`, `extract.several-providers`."""
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
    checked = check_tables([table], [file_name], today, regions)
    [accepted], [report] = checked.accepted, checked.reports
    columns = {name: column.at(accepted) for name, column in checked.columns.items()}
    return CheckedExtract(columns, row=accepted + 1, report=report)


def check_tables(
    tables: Sequence[TextTable], file_names: Sequence[str], today: date, regions: Regions | None
) -> CheckedExtracts:
    """Check tables of text as extracts, each for itself; raises `ExtractError` for a header."""
    headers = [match_header(name, list(table.columns)) for name, table in zip(file_names, tables, strict=True)]
    start = np.cumsum([0, *(len(table.line) for table in tables)])
    typed = _typed(tables, headers)
    malformed = np.concatenate([table.malformed for table in tables])
    findings = Findings(int(start[-1]))
    findings.add(malformed, "", "row.fields")
    takes_part = _participation(typed["deelname"], ~malformed, findings)
    considered = takes_part & ~malformed

    clean = _clean_columns(typed, today, considered, findings)
    filled = {name: column.filled() for name, column in clean.items()}
    extract = np.repeat(np.arange(len(tables), dtype=np.int64), np.diff(start))
    _check_ids(clean["registratie_id"], extract, considered, findings)
    _check_across(typed, clean, filled, considered, findings)
    _count_regions(clean["postcode"], considered & ~findings.refused, regions, findings)

    accepted = tuple(
        np.flatnonzero((considered & ~findings.refused)[first:last]) + first for first, last in pairwise(start)
    )
    parts = zip(tables, headers, pairwise(start.tolist()), accepted, strict=True)
    reports = tuple(
        CheckReport(
            rows=last - first,
            accepted=len(rows),
            refused=int(np.count_nonzero(findings.refused[first:last])),
            withheld=int(np.count_nonzero(~takes_part[first:last])),
            counts_by_code=counts_by_code(
                [*findings_of(findings.listed, first, last), *findings_of(findings.noted, first, last)]
            ),
            listed=findings_of(findings.listed, first, last),
            line=table.line,
            ignored=header.ignored,
            providers=int(np.unique(clean["aanbieder_agb"].codes[rows]).size),
            fates=tuple(ColumnFate(c.name, c.fate.value, int(np.count_nonzero(filled[c.name][rows]))) for c in COLUMNS),
        )
        for table, header, (first, last), rows in parts
    )
    return CheckedExtracts(clean, accepted, reports)


def _typed(tables: Sequence[TextTable], headers: Sequence[Header]) -> dict[str, CodedColumn]:
    """Return the columns of the format as they were typed, of all tables one after another."""
    columns: dict[str, list[TextColumn]] = {column.name: [] for column in COLUMNS}
    for table, header in zip(tables, headers, strict=True):
        named = {ours: table.columns[name] for name, ours in header.renamed.items()}
        absent = missing_text(len(table.line))
        for name, parts in columns.items():
            parts.append(named.get(name, absent))
    return {name: coded(parts) for name, parts in columns.items()}


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


def _check_ids(ids: CodedColumn, extract: NDArray[np.int64], considered: Mask, findings: Findings) -> None:
    """Find ids that stand on an earlier row of their extract; `extract` is int64[n], the extract of each row."""
    # Only rows that take part count: a withheld row must not push out one that is sent.
    with_id = np.flatnonzero(considered & ids.filled())
    keys = extract[with_id] * len(ids.values) + ids.codes[with_id]
    repeated = np.zeros(len(considered), dtype=np.bool_)
    repeated[np.delete(with_id, np.unique(keys, return_index=True)[1])] = True
    findings.add(repeated, "registratie_id", "id.duplicate")


def _check_across(
    typed: Mapping[str, CodedColumn],
    clean: Mapping[str, CodedColumn],
    filled: Mapping[str, Mask],
    considered: Mask,
    findings: Findings,
) -> None:
    """Check what depends on several columns."""
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
    pc4 = [value[:4] for value in postcodes.values]
    outside = {area for area in {*pc4} if not regions.ksv_of(area)}
    where = postcodes.spread([area in outside for area in pc4], False, np.bool_)
    findings.add(accepted & where, "postcode", "postcode.no-region")
