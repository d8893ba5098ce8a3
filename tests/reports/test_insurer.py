"""The insurer's report: aggregates only, rounded, and nothing hidden that can be worked out."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from scipy.optimize import linprog

from dedup.nightly.monthly import month_of_report
from dedup.reports import insurer_files
from dedup.reports.contracts import Contracts
from dedup.reports.disclosure import DisclosureRules
from dedup.reports.insurer import CODES, KINDS, MEASURES, build_insurer
from dedup.reports.night import ReportError

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "insurer-report-1.json").read_text("utf-8"))
NAMES = {"KSV01": "KSV Amstelkring", "KSV02": "KSV De Vecht", "KSV03": "KSV Zaanoever"}


def test_it_is_as_its_schema_says(insurer_report):
    checker = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    document = json.loads(json.dumps(insurer_files.as_json(insurer_report)))
    assert [error.message for error in checker.iter_errors(document)] == []
    document["cells"][0]["gross"] = 12
    assert len(list(checker.iter_errors(document))) == 1  # not rounded


def test_a_total_is_what_the_nights_table_counts(insurer_report, night):
    [total] = [cell for cell in insurer_report.cells if (cell.ksv, cell.month) == ("all", "all")]
    asking = pd.concat(night.demand_of_ksv.values())
    assert abs(total.counts["gross"] - len(asking)) <= 2
    assert abs(total.counts["unique"] - int(asking["counts"].sum())) <= 2
    assert total.hours_low <= total.hours_mean <= total.hours_high


def test_counts_are_multiples_of_five_from_ten_on(insurer_report):
    counts = [count for cell in insurer_report.cells for count in cell.counts.values()]
    counts += [count for line in insurer_report.ksvs for count in line.legitimate.values()]
    shown = [count for count in counts if count is not None]
    assert len(shown) > 20
    assert None in counts
    assert all(count >= 10 and count % 5 == 0 for count in shown)


def test_no_hidden_count_of_the_whole_report_is_recovered(insurer_report):
    """As an insurer's analyst would: all that the file shows, and how the measures hang together, against each dot."""
    document = insurer_files.as_json(insurer_report)
    shown: dict[tuple[str, str, str], int | None] = {
        (cell["ksv"], cell["edd_month"], measure): cell[measure] for cell in document["cells"] for measure in MEASURES
    }
    shown |= {(line["ksv"], "all", code): line["legitimate"][code] for line in document["ksvs"] for code in CODES}
    ksvs = sorted({key[0] for key in shown} - {"all"})
    months = sorted({key[1] for key in shown} - {"all"})
    atoms = [(ksv, month, kinds) for ksv in ksvs for month in months for kinds in KINDS]

    def row(key):
        return np.array([key[0] in (a[0], "all") and key[1] in (a[1], "all") and key[2] in a[2] for a in atoms], float)

    known = [key for key, count in shown.items() if count is not None]
    limits = [row(key) for key in known], [(max(shown[key] - 2, 10), shown[key] + 2) for key in known]
    upper = np.vstack([*limits[0], *(-line for line in limits[0])])
    bounds = [high for _, high in limits[1]] + [-low for low, _ in limits[1]]
    hidden = [key for key, count in shown.items() if count is None]
    generator = np.random.default_rng(4)
    for key in [hidden[at] for at in generator.choice(len(hidden), size=min(12, len(hidden)), replace=False)]:
        ends = [
            sign * linprog(sign * row(key), A_ub=upper, b_ub=bounds, bounds=(0, 10_000), method="highs").fun
            for sign in (1, -1)
        ]
        assert ends[1] - ends[0] >= 10 - 1e-6, key


def test_a_ksv_with_two_providers_is_not_shown(night, findings_of_season):
    few = {
        ksv: rows.loc[rows["aanbieder_agb"].isin(sorted(set(rows["aanbieder_agb"]))[:2])]
        for ksv, rows in night.demand_of_ksv.items()
    }
    report = build_insurer(
        replace(night, demand_of_ksv=few), findings_of_season[0], insurer="1", month="2026-11", ksv_names=NAMES
    )
    of_one = [cell for cell in report.cells if cell.ksv == "KSV01"]
    assert all(count is None for cell in of_one for count in cell.counts.values())
    assert all(cell.hours_mean is None for cell in of_one)


def test_it_holds_no_ids(insurer_report, night):
    written = json.dumps(insurer_files.as_json(insurer_report)) + insurer_files.as_csv(insurer_report).decode()
    for value in (*night.registration, *night.finding, *night.provider):
        assert value not in written


def test_csv_and_workbook_hold_what_the_json_holds(insurer_report):
    rows = list(csv.DictReader(io.StringIO(insurer_files.as_csv(insurer_report).decode("utf-8-sig")), delimiter=";"))
    assert [row["gross"] for row in rows] == [
        "" if cell.counts["gross"] is None else str(cell.counts["gross"]) for cell in insurer_report.cells
    ]
    book = openpyxl.load_workbook(io.BytesIO(insurer_files.as_xlsx(insurer_report)))
    assert book.sheetnames == ["Zorgvraag", "KSV's", "Toelichting"]
    assert [row[2] for row in book["Zorgvraag"].iter_rows(min_row=2, values_only=True)] == [
        "." if cell.counts["gross"] is None else cell.counts["gross"] for cell in insurer_report.cells
    ]
    english = openpyxl.load_workbook(io.BytesIO(insurer_files.as_xlsx(insurer_report, "en")))
    assert english.sheetnames == ["Demand", "KSVs", "Notes"]


def test_the_same_report_gives_the_same_bytes(insurer_report):
    assert insurer_files.as_xlsx(insurer_report) == insurer_files.as_xlsx(insurer_report)


def test_a_month_can_be_reported_until_a_week_after_it():
    assert month_of_report(None, date(2026, 11, 22)) == "2026-11"
    assert month_of_report("2026-11", date(2026, 12, 4)) == "2026-11"
    assert month_of_report("2026-12", date(2026, 12, 4)) == "2026-12"
    with pytest.raises(ReportError) as refused:
        month_of_report("2026-11", date(2026, 12, 9))
    assert refused.value.code == "reports.month"


def test_a_ksv_belongs_to_the_insurer_with_most_contracts():
    table = pd.DataFrame(
        [("KSV01", "1", "A"), ("KSV01", "2", "A"), ("KSV01", "3", "B"), ("KSV02", "1", "B")],
        columns=["ksv", "aanbieder_agb", "verzekeraar"],
    ).assign(naam="")
    assert Contracts(table).ksvs_of_insurers() == {"A": ("KSV01",), "B": ("KSV02",)}


def test_the_rules_are_those_that_the_report_states(insurer_report):
    assert insurer_report.rules == DisclosureRules(smallest=10, providers=3, rounding=5)
