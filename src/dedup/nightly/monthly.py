"""The monthly run: how each KSV's month went, and for each preferred insurer the aggregates of its KSVs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from dedup.nightly.contracts import kept_contracts
from dedup.nightly.finding import FINDINGS, findings_from_json
from dedup.nightly.memory import content_of
from dedup.nightly.monthly_insurers import insurer_reports
from dedup.nightly.monthly_ksvs import MonthOfKsv, ksv_reports, months_of_ksvs
from dedup.nightly.night import Night
from dedup.nightly.result import counts_of_failed, errors_of_ksvs
from dedup.nightly.standing import Standing, standing_of
from dedup.nightly.summary import Job, KsvLine, Summary
from dedup.nightly.writing import Audience, FailedReport, FailedReportsError, Wanted, write_each
from dedup.reports.night import ReportError
from dedup.store.runs import finish_run, outputs_before

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
GRACE_DAYS = 7  # how long into the next month a month can still be reported on


@dataclass(frozen=True, slots=True)
class MonthlyResult:
    """What a monthly run wrote, as it stood in the night of `day`, and the reports that failed."""

    month: str
    day: date
    insurers: tuple[str, ...]
    files: tuple[Path, ...]
    ksvs: tuple[KsvLine, ...]
    failed: tuple[FailedReport, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result as the JSON document that `dedup report ... --json` prints."""
        return {
            "month": self.month,
            "day": self.day.isoformat(),
            "insurers": list(self.insurers),
            "reports": [str(path) for path in self.files],
            "ksvs": [line.to_json() for line in self.ksvs],
            "failed_reports": [one.to_json() for one in self.failed],
        }

    def raise_for_reports(self) -> None:
        """Raise `FailedReportsError` when a report failed: for callers who are done with everything else."""
        if self.failed:
            raise FailedReportsError(self.failed)

    def summary(self) -> Summary:
        """Return what the operator is told of this run."""
        failed = counts_of_failed(self.failed)
        return Summary(
            job=Job.MONTHLY,
            period=self.month,
            counts={
                "reports_ksv": sum(not line.error for line in self.ksvs),
                "reports_insurer": len(self.insurers) - failed.get(str(Audience.INSURER), 0),
            },
            failed=failed,
            ksvs=self.ksvs,
        )


def month_of_report(month: str | None, newest: date) -> str:
    """Return the month to report on: that which is asked for, else the newest night's.

    A report is of the registrations as they are now, so only the month of the newest night can be made, and in the
    first days of a month the one before. Raises `ReportError` (`reports.month`).
    """
    possible = {f"{newest:%Y-%m}", f"{newest - timedelta(days=GRACE_DAYS):%Y-%m}"}
    if month is None:
        return f"{newest:%Y-%m}"
    if month not in possible:
        raise ReportError(
            "reports.month", f"The newest night is of {newest}; it can report on {' or '.join(sorted(possible))} only."
        )
    return month


def month_asked(month: str | None, today: date) -> str:
    """Return the month that is asked for, as `2026-11`, else the one that ended last; raises `ReportError`."""
    if not month:
        return month_that_ended(today)
    if not _MONTH.fullmatch(month):
        raise ReportError("reports.month", f"A month is written like {month_that_ended(today)}.")
    return month


def month_that_ended(today: date) -> str:
    """Return the month before today's, as `2026-11`."""
    return f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"


def write_insurer_reports(night: Night, month: str | None = None) -> MonthlyResult:
    """Write `insurer-reports/UZOVI/MONTH/report.{html,xlsx,csv,json}` from the newest night's findings.

    A report that fails stops no other; the result names it. Raises `ReportError`: `reports.no-night` before the first
    night, `reports.no-contracts` while no list of contracts is kept (it says which insurer may hear of which KSV),
    `reports.month` for a month that is past.
    """
    standing = _standing(night, month)
    return _write(standing, insurer_reports(standing), code="reports.insurers")


def write_monthly_reports(night: Night, month: str | None = None) -> MonthlyResult:
    """Write those and `monthly-reports/KSV/MONTH/`: the report as the month ended, and `month.csv`, its nights.

    Without a list of contracts there are none for insurers. Raises `ReportError`: `reports.no-night`, `reports.month`.
    """
    standing = _standing(night, month)
    months = months_of_ksvs(standing)
    of_insurers = insurer_reports(standing) if kept_contracts(night.settings, night.keys) is not None else []
    return _write(standing, [*ksv_reports(standing, months), *of_insurers], code="reports.monthly", months=months)


def _standing(night: Night, month: str | None) -> Standing:
    with night.store.registry.read() as session:
        nights = outputs_before(session, FINDINGS, night.today + timedelta(days=1))
    if not nights:
        raise ReportError("reports.no-night", "There is no night yet to report on; run `dedup nightly` first.")
    newest, found = nights[-1]
    chosen = month_of_report(month, newest)
    return standing_of(replace(night, today=newest), chosen, findings_from_json(content_of(night, found)))


def _write(
    standing: Standing, wanted: Sequence[Wanted], *, code: str, months: Sequence[MonthOfKsv] = ()
) -> MonthlyResult:
    """Write the reports and note the run: done when all of them are written, else failed."""
    night, chosen = standing.night, standing.month
    made = write_each(wanted, night.out)
    digests = {name: digest for files in made.files.values() for name, digest in files.items()}
    result = None if made.failed else hashlib.sha256("\n".join(digests.values()).encode()).hexdigest()
    ended = night.event(code, f"{chosen}:{result}") if result else night.event("run.failed", night.run_id)
    missing = [night.event("report.failed", f"{one.audience}:{one.whose}:{one.error}") for one in made.failed]
    with night.store.registry.write(ended, *missing) as session:
        finish_run(session, night.run_id, at=night.clock(), result_digest=result)
    errors = errors_of_ksvs(made.failed)
    return MonthlyResult(
        month=chosen,
        day=night.today,
        insurers=tuple(one.whose for one in wanted if one.audience is Audience.INSURER),
        files=tuple(night.out / name for name in digests),
        ksvs=tuple(month.line(errors.get(month.ksv, "")) for month in months),
        failed=made.failed,
    )
