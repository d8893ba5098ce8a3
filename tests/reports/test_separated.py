"""CSV files open in a spreadsheet as the texts that they are."""

from __future__ import annotations

import csv
import io

from dedup.reports.separated import KSV_COLUMNS, ksv_csv, separated


def test_a_text_is_never_a_formula():
    written = separated(("a", "b"), [("=1+1", 3), ("@SUM(A1)", -3), ("gewoon", None)]).decode("utf-8-sig")
    assert written == "a;b\r\n'=1+1;3\r\n'@SUM(A1);-3\r\ngewoon;\r\n"


def test_every_own_registration_in_a_finding_has_a_line(report):
    rows = list(csv.DictReader(io.StringIO(ksv_csv(report).decode("utf-8-sig")), delimiter=";"))
    assert tuple(rows[0]) == KSV_COLUMNS
    expected = [
        (line.finding, member.registratie_id)
        for line in (*report.findings, *report.legitimate)
        for member in line.members
    ]
    assert [(row["finding"], row["registratie_id"]) for row in rows] == expected
