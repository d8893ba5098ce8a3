"""What `dedup check` shows of a checked extract, for people and for machines; row numbers and ids, never values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from dedup.extract.columns import FATES, Fate
from dedup.extract.faults import FAULTS, Severity
from dedup.extract.own_doubles import OwnDouble
from dedup.extract.report import CheckReport

ROWS_SHOWN = 8
DOUBLES_SHOWN = 20
_HEADINGS = {
    Severity.ERROR: "Fouten: deze rijen gaan niet mee / Errors: these rows are refused",
    Severity.WARNING: "Waarschuwingen: de rij gaat mee, het veld telt als leeg / "
    "Warnings: the row is sent, the field counts as missing",
    Severity.NOTE: "Ter informatie / Notes",
}


def summary_text(file_name: str, report: CheckReport, doubles: Sequence[OwnDouble]) -> str:
    """Return the summary as lines of text, Dutch and English."""
    sections = (
        _counts(file_name, report),
        *(_findings(report, severity) for severity in Severity),
        _own_doubles(doubles),
        _sent(report),
    )
    return "\n\n".join("\n".join(section) for lines in sections if (section := list(lines)))


def summary_json(file_name: str, report: CheckReport, doubles: Sequence[OwnDouble]) -> dict[str, Any]:
    """Return the same, and every finding, as one JSON document."""
    return {
        "extract": file_name,
        **report.to_json(),
        "providers": report.providers,
        "ignored_columns": list(report.ignored),
        **report.findings_json(),
        "own_doubles": [
            {
                "rows": list(double.rows),
                "registratie_ids": list(double.ids),
                "strength": double.strength.value,
                "agree": list(double.agree),
                "edd_weeks_apart": double.edd_weeks_apart,
                "other_pregnancy": double.other_pregnancy,
            }
            for double in doubles
        ],
        "sent": [
            {
                "column": fate.column,
                "fate": fate.fate,
                "hint_nl": FATES[Fate(fate.fate)][0],
                "hint_en": FATES[Fate(fate.fate)][1],
                "filled": fate.filled,
            }
            for fate in report.fates
        ],
    }


def _counts(file_name: str, report: CheckReport) -> Iterator[str]:
    yield file_name
    for count, what in (
        (report.rows, "rijen / rows"),
        (report.accepted, "gaan mee / accepted"),
        (report.refused, "geweigerd / refused"),
        (report.withheld, "niet verzonden, deelname is geen ja / withheld, deelname is not ja"),
    ):
        yield f"{count:>9,}  {what}"
    if report.ignored:
        yield f"  Genegeerd / ignored: {', '.join(report.ignored)}"


def _findings(report: CheckReport, severity: Severity) -> Iterator[str]:
    codes = [code for code in report.counts_by_code if FAULTS[code].severity is severity]
    if not codes:
        return
    yield _HEADINGS[severity]
    findings = report.findings
    for code in codes:
        fault = FAULTS[code]
        yield f"{report.counts_by_code[code]:>9,}  {code}"
        yield f"           {fault.dutch}"
        yield f"           {fault.english}"
        found = findings[findings["code"] == code]
        for column in found["column"].unique():
            rows = found.loc[found["column"] == column, "row"]
            shown = ", ".join(str(row) for row in rows.head(ROWS_SHOWN))
            more = f" … (+{len(rows) - ROWS_SHOWN:,})" if len(rows) > ROWS_SHOWN else ""
            yield f"           {column or '-'}: rij / row {shown}{more}"


def _own_doubles(doubles: Sequence[OwnDouble]) -> Iterator[str]:
    yield f"Eigen dubbelen / your own doubles: {len(doubles)}"
    for double in doubles[:DOUBLES_SHOWN]:
        other = ", andere zwangerschap? / other pregnancy?" if double.other_pregnancy else ""
        yield (
            f"  rij / row {double.rows[0]} = {double.rows[1]}  {double.strength.value}{other}"
            f"  ({', '.join(double.agree)})  {double.ids[0]} = {double.ids[1]}"
        )
    if len(doubles) > DOUBLES_SHOWN:
        yield f"  … (+{len(doubles) - DOUBLES_SHOWN}; --json lists all)"


def _sent(report: CheckReport) -> Iterator[str]:
    yield "Wat wordt verzonden / what would be sent (per kolom hoe vaak gevuld / how often filled)"
    for fate, (dutch, english) in FATES.items():
        yield f"  {dutch} / {english}:"
        columns = ", ".join(f"{column.column} {column.filled:,}" for column in report.fates if column.fate == fate)
        yield from textwrap.wrap(columns, width=110, initial_indent="      ", subsequent_indent="      ")
