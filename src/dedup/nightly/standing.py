"""How things stood in the newest night, which is what a month is reported on from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from dedup.findings.frames import Findings
from dedup.nightly.memory import content_of
from dedup.nightly.night import Night
from dedup.nightly.reporting import REPORTS, WrittenReports, reports_from
from dedup.store.runs import outputs_before


@dataclass(frozen=True, slots=True)
class Standing:
    """The findings of the newest night, and the month to report on; `night.today` is that night's day."""

    night: Night
    month: str
    findings: Findings

    def nights(self) -> list[tuple[date, WrittenReports]]:
        """Return what the reports of each night counted, up to and including the newest one, from old to new."""
        with self.night.store.registry.read() as session:
            outputs = outputs_before(session, REPORTS, self.night.today + timedelta(days=1))
        return [(day, reports_from(content_of(self.night, output))) for day, output in outputs]
