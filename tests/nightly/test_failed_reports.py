"""A report that cannot be written is named by its code and a stable error code, and stops nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select
from tests.conftest import FirstNight

from dedup.lab.installation import Installation
from dedup.nightly.night import open_installation, open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import run_night
from dedup.nightly.summary import Outcome
from dedup.nightly.writing import FailedReportsError
from dedup.store.runs import last_run
from dedup.store.tables import AuditRow, RunState

NIGHT = date(2026, 11, 22)
InTheWay = Callable[[Path], Path]


def run(installation: Installation, day: date = NIGHT) -> NightResult:
    moment = datetime(day.year, day.month, day.day, 1, 15, tzinfo=UTC)
    with open_night(installation.settings, today=day, clock=lambda: moment) as night:
        return run_night(night)


@dataclass(frozen=True)
class Undisturbed:
    """A night in which nothing failed."""

    digest: str
    ksvs: list[str]
    providers: list[str]


@pytest.fixture
def undisturbed(first_night: FirstNight) -> Undisturbed:
    result = first_night.result
    assert result.result_digest
    assert result.summary(NIGHT).outcome is Outcome.DONE
    providers = sorted(path.name for path in (first_night.installation.folder / "provider-reports").iterdir())
    return Undisturbed(result.result_digest, [line.ksv for line in result.ksvs], providers)


def test_a_report_that_cannot_be_written_is_named_and_all_else_is_done(
    installation: Installation, undisturbed: Undisturbed, in_the_way: InTheWay
) -> None:
    ksv, provider = undisturbed.ksvs[1], undisturbed.providers[0]
    folder = installation.folder
    obstacles = [
        in_the_way(folder / kind / whose / NIGHT.isoformat())
        for kind, whose in (("reports", ksv), ("provider-reports", provider))
    ]
    result = run(installation)

    assert [(one.audience, one.whose, one.error) for one in result.failed] == [
        ("ksv", ksv, "system.refused"),
        ("provider", provider, "system.refused"),
    ]
    assert {line.ksv: line.error for line in result.ksvs if line.error} == {ksv: "system.refused"}
    written = {path.parents[1].name for path in folder.glob("reports/*/*/report.html")}
    assert written == set(undisturbed.ksvs) - {ksv}
    told = {path.parents[1].name for path in folder.glob("provider-reports/*/*/feedback.csv")}
    assert told == set(undisturbed.providers) - {provider}
    assert result.findings is not None
    assert result.findings.is_file()
    # It counts as a failed one, and says where people look for it which report is missing.
    assert result.result_digest is None
    with pytest.raises(FailedReportsError) as fault:
        result.raise_for_reports()
    assert fault.value.code == "reports.failed"
    assert f"{ksv} (system.refused), for providers 1" in fault.value.message
    assert provider not in fault.value.message
    summary = result.summary(NIGHT)
    assert (summary.outcome, dict(summary.failed)) == (Outcome.REPORTS_FAILED, {"provider": 1})
    with (
        open_installation(installation.settings, today=NIGHT, clock=lambda: datetime.now(UTC)) as night,
        night.store.registry.read() as session,
    ):
        events = list(session.execute(select(AuditRow.event, AuditRow.object).order_by(AuditRow.number)))
        ended = last_run(session)
    assert ("run.failed", result.run) in events
    assert ("report.failed", f"ksv:{ksv}:system.refused") in events
    assert ended is not None
    assert (ended.id, ended.state) == (result.run, RunState.FAILED)

    for obstacle in obstacles:
        obstacle.unlink()
    assert run(installation).result_digest == undisturbed.digest


def test_the_next_night_looks_back_on_what_the_others_counted(
    installation: Installation, undisturbed: Undisturbed, in_the_way: InTheWay
) -> None:
    ksv, other = undisturbed.ksvs[0], undisturbed.ksvs[1]
    in_the_way(installation.folder / "reports" / ksv / NIGHT.isoformat())
    run(installation)
    tomorrow = NIGHT + timedelta(days=1)
    run(installation, tomorrow)

    report = installation.folder / "reports" / other / tomorrow.isoformat() / "report.json"
    days = [point["day"] for point in orjson.loads(report.read_bytes())["history"]]
    assert days == [NIGHT.isoformat(), tomorrow.isoformat()]
