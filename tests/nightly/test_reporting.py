"""The reports stage: one report that fails is named, and all others are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.errors import ConfigError
from dedup.findings.config import Merger
from dedup.lab.installation import Installation
from dedup.nightly import reporting
from dedup.nightly.contracts import keep_contracts
from dedup.nightly.finding import FINDINGS, findings_from_json
from dedup.nightly.memory import content_of
from dedup.nightly.night import open_night
from dedup.nightly.run import Stage, run_night
from dedup.nightly.snapshots import current_snapshots
from dedup.reports.coverage import provider_lines
from dedup.reports.data import ReportTerms
from dedup.reports.ksv_settings import EVERY_KSV, KsvSettings
from dedup.reports.night import ReportError
from dedup.settings import load_settings
from dedup.store.runs import outputs_before

NIGHT, NOW = date(2026, 11, 22), datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def test_a_report_that_fails_is_named_and_stops_no_other(installation: Installation) -> None:
    with open_night(installation.settings, today=NIGHT, clock=clock) as night:
        run_night(night, until=Stage.FINDINGS)
    with open_night(installation.settings, today=NIGHT, clock=clock) as night:
        with night.store.registry.read() as session:
            found = outputs_before(session, FINDINGS, date(2026, 11, 23))[-1][1]
        findings = findings_from_json(content_of(night, found))
        prepared = reporting.prepare_night(night, current_snapshots(night), findings)
        broken = prepared.ksvs[0]
        registration = {
            name: {**row, "status": "no such status"} if row["ksv"] == broken else row
            for name, row in prepared.registration.items()
        }
        settings = {EVERY_KSV: KsvSettings()}
        with pytest.raises(ReportError) as fault:
            reporting.write_all(night, replace(prepared, registration=registration), findings, settings)

    assert fault.value.code == "reports.failed"
    assert f"{broken} (KeyError at " in fault.value.message
    assert "no such status" not in fault.value.message
    written = {path.parents[1].name for path in (installation.folder / "reports").glob("*/*/report.html")}
    assert written == set(prepared.ksvs) - {broken}
    assert list((installation.folder / "provider-reports").glob("*/*/feedback.csv"))


def test_a_provider_that_goes_on_under_another_code_is_reported_under_that_code_alone(
    installation: Installation,
) -> None:
    with open_night(installation.settings, today=NIGHT, clock=clock) as night:
        run_night(night, until=Stage.INGEST)
        old, new = sorted(submission.provider for submission in current_snapshots(night).submissions)[:2]
        merged = replace(night, rules=replace(night.rules, mergers=(Merger(old, new, NIGHT),)))
        keep_contracts(
            night.settings,
            night.keys,
            f"ksv;aanbieder_agb;naam;verzekeraar;van;tot\nKSV01;{old};;0001;;\nKSV01;{new};;0001;;\n".encode(),
        )
        result = run_night(merged)
        with night.store.registry.read() as session:
            found = outputs_before(session, FINDINGS, date(2026, 11, 23))[-1][1]
        findings = findings_from_json(content_of(night, found))
        prepared = reporting.prepare_night(merged, current_snapshots(night), findings)

    assert new in set(findings.members["aanbieder_agb"])
    named = {member["registratie_id"]: member["aanbieder_agb"] for member in findings.members.to_dict("records")}
    assert named == {name: row["aanbieder_agb"] for name, row in prepared.registration.items()}
    assert prepared.contracted == {"KSV01": {new}}
    listed = {line.provider for ksv in prepared.ksvs for line in provider_lines(prepared, ksv)}
    assert new in listed
    assert old not in listed
    folders = {path.name for path in (installation.folder / "provider-reports").iterdir()}
    assert new in folders
    assert old not in folders
    assert not any(old in path.read_text("utf-8") for path in result.reports if path.suffix in (".json", ".csv"))


@pytest.mark.parametrize("spread", [[[0, 0.5]], [[0, 1.5], [1, -0.5]], [0, 1], "even", []])
def test_shares_of_births_that_are_not_one_together_are_refused(installation: Installation, spread: object) -> None:
    settings = installation.settings
    assert sum(share for _, share in reporting.report_terms(settings).birth_spread) == pytest.approx(1)
    wrong = replace(settings, raw={**settings.raw, "reports": {"birth_spread": spread}})
    with pytest.raises(ConfigError) as fault:
        reporting.report_terms(wrong)
    assert fault.value.code == "config.setting"


def test_the_shares_of_births_that_ship_are_those_of_the_code(installation: Installation) -> None:
    shipped = Path(__file__).parents[2] / "config"
    assert reporting.report_terms(load_settings(shipped)) == ReportTerms()
    other = replace(installation.settings, raw={"reports": {"birth_spread": [[0, 1]]}})
    assert reporting.report_terms(other).birth_spread == ((0, 1.0),)
