"""The jobs besides the night, and a night of which a report failed: exit codes, documents and files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from dedup.lab.installation import Installation

DAY = "2026-11-22"


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


def test_a_nights_report_that_failed_is_in_its_document_and_exit_code(told_of: Installation) -> None:
    """The document is whole: only a report is missing. Who could not be told is named, and changes no exit code."""
    said = dedup(told_of, "nightly", "--date", DAY, "--json")
    first = json.loads(said.stdout)
    ksv = first["ksvs"][0]["ksv"]
    report = told_of.folder / "reports" / ksv / DAY
    report.rename(told_of.folder / "aside")
    report.write_text("a file where a folder must come")
    failed = dedup(told_of, "nightly", "--date", DAY, "--json", expected=1)
    for_people = dedup(told_of, "nightly", "--date", DAY, expected=1)

    assert "[notify.secret-missing]" in said.stderr
    assert {"ksv", "new", "open", "settled", "report", "error"} <= set(first["ksvs"][0])
    told = json.loads(failed.stdout)
    assert told["failed_reports"] == [{"audience": "ksv", "whose": ksv, "error": "system.refused", "place": ""}]
    assert (told["ksvs"][0]["report"], told["result_digest"]) == ("failed", None)
    assert len(told["stages"]) == 5
    assert json.loads(failed.stderr.splitlines()[-1])["error"] == "reports.failed"
    assert f"the report for ksv {ksv} [system.refused]" in for_people.stdout
    assert ksv in for_people.stderr


def test_report_monthly_and_retention_tell_what_they_did(told_of: Installation) -> None:
    night = document(told_of, "nightly", "--date", DAY)
    month = document(told_of, "report", "monthly", "--date", "2026-12-01")
    old = told_of.folder / "reports" / night["ksvs"][0]["ksv"] / "2020-01-01"
    old.mkdir()
    removal = document(told_of, "retention")

    assert (month["month"], month["day"]) == ("2026-11", DAY)
    assert [line["ksv"] for line in month["ksvs"]] == [line["ksv"] for line in night["ksvs"]]
    assert month["insurers"]
    names = {path.rsplit("/")[-1] for path in month["reports"]}
    assert {"report.html", "report.pdf", "report.xlsx", "month.csv"} <= names
    assert removal["removed"]["reports"] == 1
    assert not old.exists()
