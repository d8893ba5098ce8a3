"""CSV as spreadsheets in the Netherlands open it: UTF-8 with a byte order mark, semicolons, lines ended by CR LF."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from dedup.reports.data import FindingLine, KsvReport, MemberLine
from dedup.weeks import iso_label

KSV_COLUMNS = (
    "finding", "class", "rule", "state", "opened", "days_open", "registratie_id", "aanbieder_agb", "aanbieder",
    "status", "registered_week", "edd_week", "act_here", "agreed", "band", "elsewhere", "turn", "turn_agb",
    "escalation", "escalated", "next_escalation", "kept", "answers",
)  # fmt: skip
# What a spreadsheet would take for a formula when it opens the file (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def separated(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows under their column names; a text that looks like a formula gets an apostrophe in front."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + file.getvalue().encode("utf-8")


def ksv_csv(report: KsvReport) -> bytes:
    """Return a KSV's findings, in codes: the same lines as the sheet of findings.

    A line per own registration; one without a registration where all of them are missing by a faulty delivery.
    """
    return separated(
        KSV_COLUMNS,
        (
            (
                line.finding, line.outcome, line.code, line.state, line.opened.isoformat(), line.days_open,
                *_of_member(member, line), " ".join(line.agreed), line.band, line.elsewhere, line.acts,
                line.acts_provider, line.escalation, line.escalated or "", line.next_escalation or "", line.kept,
                " ".join(line.answers),
            )
            for line in (*report.findings, *report.legitimate)
            for member in line.members or (None,)
        ),
    )  # fmt: skip


def _of_member(member: MemberLine | None, line: FindingLine) -> tuple[object, ...]:
    """Return the fields of one registration; without one, only those that the finding itself knows."""
    if member is None:
        return "", "", "", "", "", iso_label(line.edd_week), 0
    return (
        member.registratie_id, member.provider, member.provider_name, member.status,
        iso_label(member.registered_week), iso_label(member.edd_week), int(member.acts),
    )  # fmt: skip


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
