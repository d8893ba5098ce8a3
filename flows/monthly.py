"""The monthly reports as a Prefect flow around `dedup.nightly.monthly`, in the first nights of the next month."""

from __future__ import annotations

from typing import Any

from prefect import flow

from dedup.nightly.announcing import announced
from dedup.nightly.monthly import MonthlyResult, month_asked, write_monthly_reports
from dedup.nightly.night import open_night
from dedup.nightly.summary import Job
from flows.tasks import as_task, operator_of, settings_of, show_counts, show_ksvs, today_or, utc_now, without_values


@flow(name="monthly", persist_result=False, retries=0, validate_parameters=True)
def monthly(config: str | None = None, month: str | None = None, day: str | None = None) -> dict[str, Any]:
    """Write the reports of a month (`2026-11`; by default the one before `day`, which is today) from the newest night.

    Returns what `dedup report monthly --json` prints. A report that fails stops no other; the run then ends as failed
    (`reports.failed`), with the KSVs named in its state.
    """
    today = today_or(day)
    chosen = without_values(lambda: month_asked(month, today))

    def work() -> MonthlyResult:
        with open_night(settings_of(config), today=today, clock=utc_now) as night:
            return write_monthly_reports(night, chosen)

    def whole_month() -> MonthlyResult:
        operator = operator_of(settings_of(config))
        return announced(
            lambda: as_task("reports", work),
            lambda result: result.summary(),
            job=Job.MONTHLY,
            period=chosen,
            operator=operator,
        )

    result = without_values(whole_month)
    show_counts("monthly-counts", [dict(result.summary().counts)], f"Reports of {chosen}.")
    show_ksvs("monthly-ksvs", result.ksvs, f"Findings to act on in {chosen}, and reports.")
    without_values(result.raise_for_reports)
    return result.to_json()
