"""The workbook holds the report as plain cells."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace

import openpyxl
import pytest

from dedup.findings.frames import no_findings
from dedup.reports import xlsx
from dedup.reports.ksv import build
from dedup.reports.night import prepare


@pytest.fixture(scope="module")
def workbook(report):
    return openpyxl.load_workbook(io.BytesIO(xlsx.render(report)))


def rows_of(sheet):
    heads, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_it_has_six_sheets_with_fixed_heads(workbook):
    assert workbook.sheetnames == ["Overzicht", "Bevindingen", "Vraag", "Bevallingen", "Kwaliteit", "Software"]
    for sheet in workbook:
        assert sheet.freeze_panes == "B2"
        [table] = sheet.tables.values()
        assert table.ref.startswith("A1:")


def test_every_registration_of_the_report_has_a_row(workbook, report):
    rows = rows_of(workbook["Bevindingen"])
    expected = [
        (line.finding, member.registratie_id, member.provider, line.days_open)
        for line in (*report.findings, *report.legitimate)
        for member in line.members
    ]
    assert expected == [(row["Bevinding"], row["registratie_id"], row["AGB-code"], row["Dagen open"]) for row in rows]
    assert {row["Oordeel"] for row in rows} >= {"Zeker dubbel", "Twijfel", "Terecht"}


def test_demand_and_quality_hold_the_numbers_of_the_report(workbook, report):
    demand = [(row["Inschrijvingen"], row["Cliënten"], row["Verschil"]) for row in rows_of(workbook["Vraag"])]
    assert demand == [(line.gross, line.unique, line.gross - line.unique) for line in report.demand]
    quality = {row["AGB-code"]: row["Geweigerde regels"] for row in rows_of(workbook["Kwaliteit"])}
    assert quality == {line.provider: line.refused_share for line in report.providers}
    software = {row["Software"]: row["Zonder indicatie-uren"] for row in rows_of(workbook["Software"])}
    assert software == {line.vendor: line.hours_missing_share for line in report.vendors}
    assert len(software) > 1


@pytest.mark.parametrize(("first", "expected"), [(True, "Nieuw in deze eerste nacht"), (False, "Nieuw sinds gisteren")])
def test_a_first_night_is_not_compared_with_yesterday(report, first, expected):
    workbook = openpyxl.load_workbook(io.BytesIO(xlsx.render(replace(report, first_night=first))))
    overview = {row["Onderdeel"]: row["Waarde"] for row in rows_of(workbook["Overzicht"])}
    assert overview.get(expected) == report.summary.new


def test_a_name_that_looks_like_a_formula_or_a_link_stays_text(registration_frame, providers, today, tmp_path):
    names = ["=HYPERLINK(1)", "https://example.org", "+31", "@SUM(A1)"]
    providers = providers.assign(naam=[*names, *providers["naam"][4:]])
    frame = registration_frame(*({"aanbieder_agb": agb} for agb in providers["aanbieder_agb"][:4]))
    report = build(prepare(no_findings(), frame, providers, today=today), "KSV01", "=1+1")
    (tmp_path / "report.xlsx").write_bytes(xlsx.render(report))
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["Kwaliteit"]
    cells = {cell.value: (cell.data_type, cell.hyperlink) for cell in sheet["A"][1:]}
    assert cells == dict.fromkeys(names, ("s", None))
    with zipfile.ZipFile(tmp_path / "report.xlsx") as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())


def test_the_same_report_gives_the_same_bytes(report):
    assert xlsx.render(report) == xlsx.render(report)
    with zipfile.ZipFile(io.BytesIO(xlsx.render(report))) as archive:
        assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", archive.read("docProps/core.xml").decode())) == {
            "2026-11-22T00:00:00Z"
        }
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_it_can_be_english(report):
    book = openpyxl.load_workbook(io.BytesIO(xlsx.render(report, "en")))
    assert book.sheetnames == ["Overview", "Findings", "Demand", "Births", "Quality", "Software"]
