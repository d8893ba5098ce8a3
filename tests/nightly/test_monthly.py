"""The monthly run writes how each KSV's month went and the insurers' aggregates, from the newest night."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
import pytest
from tests.conftest import FirstNight

from dedup.lab.installation import Installation
from dedup.nightly.monthly import MonthlyResult, month_asked, month_that_ended, write_monthly_reports
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import run_night
from dedup.nightly.summary import Outcome
from dedup.reports.night import ReportError

LAST, FIRST = date(2026, 11, 22), date(2026, 12, 1)


def run(installation: Installation, day: date) -> NightResult:
    moment = datetime(day.year, day.month, day.day, 1, 15, tzinfo=UTC)
    with open_night(installation.settings, today=day, clock=lambda: moment) as night:
        return run_night(night)


def month_of(installation: Installation, month: str | None, day: date = FIRST) -> MonthlyResult:
    moment = datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC)
    with open_night(installation.settings, today=day, clock=lambda: moment) as night:
        return write_monthly_reports(night, month)


@pytest.mark.parametrize(
    ("today", "month"),
    [(date(2026, 12, 1), "2026-11"), (date(2026, 12, 31), "2026-11"), (date(2027, 1, 1), "2026-12")],
)
def test_the_month_that_ended_is_the_one_before(today: date, month: str) -> None:
    assert month_that_ended(today) == month


def test_a_month_is_asked_for_as_it_is_written_and_else_the_one_that_ended() -> None:
    assert (month_asked("2026-10", LAST), month_asked(None, FIRST)) == ("2026-10", "2026-11")
    for wrong in ("november", "2026-13", "2026-1"):
        with pytest.raises(ReportError) as fault:
            month_asked(wrong, FIRST)
        assert fault.value.code == "reports.month"


def test_every_ksv_and_insurer_gets_its_month(
    first_night: FirstNight, after_a_night: Installation, in_the_way: Callable[[Path], Path]
) -> None:
    """On the first of December; one KSV's report cannot be written, and the others do not wait for it."""
    installation = after_a_night
    lines = {line.ksv: line for line in first_night.result.ksvs}
    ksvs = sorted(lines)
    run(installation, FIRST)
    broken = in_the_way(installation.folder / "monthly-reports" / ksvs[0] / "2026-11")
    first = month_of(installation, "2026-11")
    broken.unlink()
    made = month_of(installation, "2026-11")

    assert [(one.whose, one.error) for one in first.failed] == [(ksvs[0], "system.refused")]
    assert first.summary().outcome is Outcome.REPORTS_FAILED
    assert (made.failed, made.summary().outcome, made.day) == ((), Outcome.DONE, FIRST)
    assert {path.parents[1].name for path in first.files} == ({*ksvs} - {ksvs[0]}) | set(made.insurers)
    assert made.insurers
    kinds = [*(f"report.{kind}" for kind in ("csv", "html", "json", "pdf", "xlsx"))]
    for ksv in ksvs:
        folder = installation.folder / "monthly-reports" / ksv / "2026-11"
        page = (folder / "report.html").read_text("utf-8")
        assert "Maandoverzicht van november 2026, zoals het stond op" in page
        assert re.search(rf"<strong>{lines[ksv].new}</strong> nieuwe bevinding(en)? in deze maand", page)
        assert sorted(path.name for path in folder.iterdir()) == ["month.csv", *kinds]
        line = lines[ksv]
        counted = f"2026-11-22;{line.new};{line.settled};{line.open}"
        assert (folder / "month.csv").read_text().splitlines() == ["day;new;settled;open", counted]
        history = orjson.loads((folder / "report.json").read_bytes())["history"]
        assert [point["day"] for point in history] == ["2026-11-22", "2026-12-01"]
    assert {line.ksv: (line.new, line.open) for line in made.ksvs} == {
        ksv: (line.new, line.open) for ksv, line in lines.items()
    }
    assert made.summary().counts == {"reports_ksv": len(ksvs), "reports_insurer": len(made.insurers)}


def test_without_a_night_or_for_a_month_that_is_past_there_is_no_report(
    installation: Installation, after_a_night: Installation
) -> None:
    with pytest.raises(ReportError) as never:
        month_of(installation, "2026-11")
    with pytest.raises(ReportError) as past:
        month_of(after_a_night, "2026-09")

    assert (never.value.code, past.value.code) == ("reports.no-night", "reports.month")


def test_without_a_list_of_contracts_ksvs_have_their_reports_all_the_same(after_a_night: Installation) -> None:
    for path in (after_a_night.settings.server_home / "store" / "contracts").iterdir():
        path.unlink()
    made = month_of(after_a_night, "2026-11", LAST)

    assert made.insurers == ()
    assert made.ksvs
    assert made.failed == ()
