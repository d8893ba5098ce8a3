"""The monthly reports of KSVs: the report as it stood when the month ended, and what each of its nights counted."""

from __future__ import annotations

import calendar
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from dedup.nightly.reporting import render_ksv
from dedup.nightly.standing import Standing
from dedup.nightly.summary import KsvLine
from dedup.nightly.writing import Audience, Wanted
from dedup.regions import read_regions
from dedup.reports.ksv import build

MONTHLY_REPORTS_FOLDER = "monthly-reports"


@dataclass(frozen=True, slots=True)
class NightCounts:
    """Findings to act on of one KSV in one night; None where an earlier version did not count them."""

    day: date
    new: int | None
    settled: int | None
    open: int


@dataclass(frozen=True, slots=True)
class MonthOfKsv:
    """The nights of one KSV's month, from old to new."""

    ksv: str
    nights: tuple[NightCounts, ...]

    @property
    def new(self) -> int:
        """How many findings were new in the month, reopened ones too."""
        return sum(night.new or 0 for night in self.nights)

    @property
    def settled(self) -> int:
        """How many findings were settled in the month."""
        return sum(night.settled or 0 for night in self.nights)

    def line(self, error: str) -> KsvLine:
        """Return what the operator is told of it: what was new and settled in the month, and open at its end."""
        last = self.nights[-1].open if self.nights else None
        return KsvLine(self.ksv, new=self.new, open=last, settled=self.settled, error=error)

    def as_csv(self) -> bytes:
        """Return a line per night: `day;new;settled;open`, counts of findings to act on."""
        text = io.StringIO()
        rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
        rows.writerow(["day", "new", "settled", "open"])
        for night in self.nights:
            rows.writerow([night.day.isoformat(), night.new, night.settled, night.open])
        return text.getvalue().encode("utf-8")


def months_of_ksvs(standing: Standing) -> tuple[MonthOfKsv, ...]:
    """Return what the nights of the month counted in every KSV that any of them reported on."""
    nights = [(day, written) for day, written in standing.nights if f"{day:%Y-%m}" == standing.month]
    ksvs = sorted({ksv for _, written in nights for ksv in written.open_findings})
    return tuple(
        MonthOfKsv(
            ksv,
            tuple(
                NightCounts(
                    day,
                    new=written.changes.get(ksv, {}).get("new"),
                    settled=written.changes.get(ksv, {}).get("settled"),
                    open=written.open_findings[ksv],
                )
                for day, written in nights
                if ksv in written.open_findings
            ),
        )
        for ksv in ksvs
    )


def ksv_reports(standing: Standing, months: Sequence[MonthOfKsv]) -> list[Wanted]:
    """Return the reports of all KSVs that the month's nights reported on, each with the month's own terms."""
    names = read_regions(standing.night.settings.regions_path).names
    days = calendar.monthrange(*map(int, standing.month.split("-")))[1]
    terms = replace(standing.prepared.terms, nights_shown=days, weeks_shown=-(-days // 7))
    of_month = replace(standing.prepared, terms=terms)
    counted = {month.ksv: month for month in months}

    def render(ksv: str) -> Mapping[str, bytes]:
        built, month = build(of_month, ksv, names.get(ksv, ksv)), counted[ksv]
        report = replace(built, month=standing.month, month_new=month.new, month_settled=month.settled)
        return {**render_ksv(report), "month.csv": month.as_csv()}

    return [Wanted(Audience.KSV, ksv, f"{MONTHLY_REPORTS_FOLDER}/{ksv}/{standing.month}", render) for ksv in counted]
