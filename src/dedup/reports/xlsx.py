"""Writes a KSV's report as a workbook of four sheets, for coordinators who filter and sort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from dedup.reports import wording
from dedup.reports.data import DemandMonth, FindingLine, KsvReport
from dedup.reports.texts import Texts, texts_in
from dedup.weeks import iso_label

Cell = str | int | float | None
WIDEST, NARROWEST = 60, 10


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, the heads of its columns and its rows; `formats` names a column's number format."""

    name: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    formats: dict[int, str]


def write(report: KsvReport, path: Path, language: str = "nl") -> None:
    """Write the workbook to a file."""
    path.write_bytes(render(report, language))


def render(report: KsvReport, language: str = "nl") -> bytes:
    """Return the workbook; the same report gives the same bytes, and no cell is ever read as a formula or a link."""
    texts = texts_in(language)
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    file = BytesIO()
    with xlsxwriter.Workbook(file, options) as workbook:
        # The clock is left out, so that a rerun of the night gives the same file.
        workbook.set_properties(
            {
                "title": f"{texts('title.report')} - {report.ksv_name}",
                "created": datetime.combine(report.day, time(), UTC),
            }
        )
        for number, sheet in enumerate(_sheets(report, texts), start=1):
            _write_sheet(workbook, sheet, f"table{number}")
    return file.getvalue()


def _write_sheet(workbook: Any, sheet: Sheet, table: str) -> None:
    page = workbook.add_worksheet(sheet.name)
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    formats = {column: workbook.add_format({"num_format": code}) for column, code in sheet.formats.items()}
    page.hide_gridlines(2)
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    for row, cells in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                page.write_string(row, column, cell, wrapped)
            elif cell is not None:
                page.write_number(row, column, cell, formats.get(column))
    for column, head in enumerate(sheet.heads):
        longest = max((len(str(cells[column])) for cells in sheet.rows if cells[column] is not None), default=0)
        page.set_column(column, column, min(max(longest, len(head) + 3, NARROWEST) + 1, WIDEST))
    page.add_table(
        0,
        0,
        max(len(sheet.rows), 1),
        len(sheet.heads) - 1,
        {"name": table, "columns": [{"header": head} for head in sheet.heads], "style": "Table Style Light 1"},
    )


def _sheets(report: KsvReport, texts: Texts) -> tuple[Sheet, ...]:
    return (_overview(report, texts), _findings(report, texts), _demand(report, texts), _quality(report, texts))


def _overview(report: KsvReport, texts: Texts) -> Sheet:
    summary = report.summary
    rows: list[tuple[Cell, ...]] = [
        ("KSV", f"{report.ksv_name} ({report.ksv})"),
        (texts("xlsx.day"), texts.day(report.day)),
        (texts("xlsx.new_first" if report.first_night else "xlsx.new"), summary.new),
        (texts("xlsx.open"), summary.open),
        (texts("xlsx.yours"), summary.ksv_acts),
        (texts("xlsx.providers"), summary.provider_acts),
        (texts("actor.elsewhere"), summary.elsewhere_acts),
        *((texts(f"class.{kind}"), count) for kind, count in summary.by_class.items()),
        (texts("class.legitimate"), summary.legitimate),
        *((texts("xlsx.age", age=_age(line.from_days, line.to_days, texts)), line.findings) for line in report.ageing),
        (texts("coverage.registrations"), summary.registrations),
        (texts("xlsx.fresh"), summary.providers_fresh),
        (texts("xlsx.all_providers"), summary.providers),
        (texts("title.confidential", ksv=report.ksv_name), None),
    ]
    return Sheet(texts("xlsx.overview"), (texts("xlsx.item"), texts("xlsx.value")), rows, {})


def _age(from_days: int, to_days: int | None, texts: Texts) -> str:
    if to_days is None:
        return texts("ageing.over", days=from_days - 1)
    return texts("ageing.upto", **{"from": from_days, "to": to_days})


def _findings(report: KsvReport, texts: Texts) -> Sheet:
    """One row per registration, so that a provider's own can be filtered out and passed on."""
    heads = (
        texts("findings.finding"), texts("xlsx.class"), texts("xlsx.rule"), texts("xlsx.state"),
        texts("xlsx.days_open"), "registratie_id", texts("coverage.agb"), texts("coverage.provider"),
        texts("xlsx.status"), texts("xlsx.registered"), texts("findings.edd"), texts("xlsx.acts_here"),
        texts("findings.agreed"), texts("xlsx.band"), texts("xlsx.elsewhere"), texts("xlsx.acts"), texts("xlsx.step"),
        texts("findings.note"),
    )  # fmt: skip
    rows = [row for line in (*report.findings, *report.legitimate) for row in _finding_rows(line, texts)]
    return Sheet(texts("xlsx.findings"), heads, rows, {4: "0", 14: "0"})


def _finding_rows(line: FindingLine, texts: Texts) -> list[tuple[Cell, ...]]:
    return [
        (
            line.finding,
            texts(f"class.{line.outcome}"),
            f"{line.code} {wording.rule_name(line.code, texts)}".strip(),
            texts(f"state.{line.state}"),
            line.days_open,
            member.registratie_id,
            member.provider,
            member.provider_name,
            texts(f"status.{member.status}"),
            iso_label(member.registered_week),
            iso_label(member.edd_week),
            texts("xlsx.yes") if member.acts else "",
            ", ".join(wording.agreed(line, texts)),
            texts(f"band.{line.band}"),
            line.elsewhere,
            wording.actor(line, texts),
            wording.step(line, texts),
            line.note,
        )
        for member in line.members
    ]


def _demand(report: KsvReport, texts: Texts) -> Sheet:
    heads = tuple(
        texts(f"demand.{name}")
        for name in (
            "month",
            "gross",
            "unique",
            "difference",
            "hours_total",
            "hours_mean",
            "hours_range",
            "hours_known",
        )
    )
    return Sheet(texts("xlsx.demand"), heads, [_demand_row(line, texts) for line in report.demand], {5: "0.0"})


def _demand_row(line: DemandMonth, texts: Texts) -> tuple[Cell, ...]:
    known = line.hours_known > 0
    return (
        line.month or texts("demand.no_edd"),
        line.gross,
        line.unique,
        line.gross - line.unique,
        line.hours_total if known else None,
        line.hours_mean,
        f"{line.hours_lowest}–{line.hours_highest}" if known else "",
        line.hours_known,
    )


def _quality(report: KsvReport, texts: Texts) -> Sheet:
    heads = (
        texts("coverage.provider"), texts("coverage.agb"), texts("coverage.vendor"), texts("coverage.snapshot"),
        texts("coverage.freshness"), texts("coverage.registrations"), texts("coverage.refused"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            line.name,
            line.provider,
            line.vendor,
            line.snapshot.isoformat() if line.snapshot else "",
            texts(f"freshness.{line.freshness}"),
            line.registrations,
            line.refused_share,
        )
        for line in report.providers
    ]
    return Sheet(texts("xlsx.quality"), heads, rows, {6: "0.0%"})
