"""How things stood in the newest night, which is what a month is reported on from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from dedup.findings.frames import Findings
from dedup.nightly.memory import content_of
from dedup.nightly.night import Night
from dedup.nightly.reporting import REPORTS, WrittenReports, history_of, prepare_night, reports_from
from dedup.nightly.snapshots import current_snapshots
from dedup.reports.night import Night as ReportNight
from dedup.store.runs import outputs_before


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest night, and the month to report on; `night.today` is that night's day.

    `nights` are what the reports of each night counted, up to and including the newest one, from old to new; all
    reports are cut from `prepared`.
    """

    night: Night
    month: str
    findings: Findings
    nights: tuple[tuple[date, WrittenReports], ...]
    prepared: ReportNight


def standing_of(night: Night, month: str, findings: Findings) -> Standing:
    """Return how things stand after the findings of `night`."""
    with night.store.registry.read() as session:
        outputs = outputs_before(session, REPORTS, night.today + timedelta(days=1))
    nights = tuple((day, reports_from(content_of(night, output))) for day, output in outputs)
    history = history_of((day, written) for day, written in nights if day < night.today)
    prepared = prepare_night(night, current_snapshots(night), findings, history=history)
    return Standing(night, month, findings, nights, prepared)
