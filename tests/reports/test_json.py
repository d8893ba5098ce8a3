"""The JSON report holds what its schema says, and nothing that could identify a client."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dedup.reports import json as json_report

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "ksv-report-1.json").read_text("utf-8"))


def faults(document: Any) -> list[str]:
    """What is wrong with a report by the published schema; formats such as dates count too."""
    checker = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(document)]


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_report_is_as_its_schema_says(report):
    rendered = json.loads(json.dumps(json_report.render(report)))
    assert faults(rendered) == []
    assert len(rendered["findings"]) > 10
    assert len(rendered["legitimate"]) > 3
    assert len(rendered["demand"]) > 5


def test_a_months_report_says_which_month_and_what_was_new_in_it(report):
    of_month = json_report.render(replace(report, month="2026-11", month_new=17, month_settled=5))
    assert faults(json.loads(json.dumps(of_month))) == []
    assert of_month["month"] == {"month": "2026-11", "new": 17, "settled": 5}
    assert "month" not in json_report.render(report)


@pytest.mark.parametrize(
    "damage",
    [
        lambda report: report.pop("day"),
        lambda report: report["findings"][0].update(probability=0.997),
        lambda report: report["findings"][0]["agreed"].append("Jansen"),
        lambda report: report["findings"][0].update(days_open="3"),
        lambda report: report["summary"].update(new=-1),
        lambda report: report["findings"][0].update(edd_week="2026-11-22"),
    ],
)
def test_the_schema_check_can_fail(report, damage):
    rendered = json.loads(json.dumps(json_report.render(report)))
    damage(rendered)
    assert len(faults(rendered)) == 1


def test_no_probability_and_no_level_is_given(report):
    written = json.dumps(json_report.render(report))
    assert "probability" not in written
    assert "0.99" not in written
    assert "levels" not in written


def test_the_same_report_renders_the_same(report):
    assert json.dumps(json_report.render(report)) == json.dumps(json_report.render(report))
