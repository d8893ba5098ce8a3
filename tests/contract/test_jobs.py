"""The jobs besides the night, and a night of which a report failed: exit codes, documents and files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from dedup.cli.app import app
from dedup.lab.installation import Installation
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import run_night
from dedup.nightly.writing import FailedReportsError

DAY = date(2026, 11, 22)


def dedup(installation: Installation, *arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dedup", *arguments, "--config", str(installation.folder / "config")]
    environment = {key: value for key, value in os.environ.items() if key != "HOOK"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert result.returncode == expected, result.stderr
    return result


def document(installation: Installation, *arguments: str, expected: int = 0) -> dict[str, Any]:
    parsed = json.loads(dedup(installation, *arguments, "--json", expected=expected).stdout)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture
def told_of(installation: Installation) -> Installation:
    """An installation whose operator cannot be told: the variable with the webhook's address is not set."""
    settings = installation.folder / "config" / "settings.toml"
    text = settings.read_text("utf-8").replace("[notify]\n", '[notify]\nwebhook_url_env = "HOOK"\n')
    settings.write_text(text, "utf-8")
    return installation


def first_night(installation: Installation) -> NightResult:
    with open_night(installation.settings, today=DAY, clock=lambda: datetime.now(UTC)) as night:
        return run_night(night)


def test_a_nights_report_that_failed_is_in_its_document_and_exit_code(told_of: Installation) -> None:
    """The document is whole: only a report is missing. Who could not be told is named, and changes no exit code."""
    first = first_night(told_of)
    ksv = first.ksvs[0].ksv
    report = told_of.folder / "reports" / ksv / DAY.isoformat()
    report.rename(told_of.folder / "aside")
    report.write_text("a file where a folder must come")
    failed = dedup(told_of, "nightly", "--date", DAY.isoformat(), "--json", expected=1)
    for_people = CliRunner().invoke(
        app, ["nightly", "--date", DAY.isoformat(), "--config", str(told_of.folder / "config")]
    )

    told = json.loads(failed.stdout)
    assert told["failed_reports"] == [{"audience": "ksv", "whose": ksv, "error": "system.refused", "place": ""}]
    assert {"ksv", "new", "open", "settled", "report", "error"} <= set(told["ksvs"][0])
    assert (told["ksvs"][0]["report"], told["result_digest"]) == ("failed", None)
    assert len(told["stages"]) == 5
    warning, fault = failed.stderr.splitlines()
    assert "[notify.secret-missing]" in warning
    assert json.loads(fault)["error"] == "reports.failed"
    assert ksv in json.loads(fault)["message"]
    assert f"the report for ksv {ksv} [system.refused]" in for_people.stdout
    assert isinstance(for_people.exception, FailedReportsError)


def test_report_monthly_and_retention_tell_what_they_did(told_of: Installation) -> None:
    night = first_night(told_of)
    month = document(told_of, "report", "monthly", "--date", "2026-12-01")
    old = told_of.folder / "reports" / night.ksvs[0].ksv / "2020-01-01"
    old.mkdir()
    removal = document(told_of, "retention")

    assert (month["month"], month["day"]) == ("2026-11", DAY.isoformat())
    assert [line["ksv"] for line in month["ksvs"]] == [line.ksv for line in night.ksvs]
    assert month["insurers"]
    names = {path.rsplit("/")[-1] for path in month["reports"]}
    assert {"report.html", "report.pdf", "report.xlsx", "month.csv"} <= names
    assert removal["removed"]["reports"] == 1
    assert not old.exists()
