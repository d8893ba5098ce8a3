"""The nightly run as a Prefect flow: schedule, retries on I/O and counts around `dedup.nightly`, and no logic.

Prefect is handed scalars and counts only. What is done already is known by the registry's own table of stages, so a
flow run that died is simply started again.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from prefect import flow

from dedup.nightly.announcing import announced
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import Stage, run_night
from dedup.nightly.summary import Job
from flows.tasks import as_task, operator_of, settings_of, show_counts, show_ksvs, today_or, utc_now, without_values


@flow(name="nightly", persist_result=False, retries=0, validate_parameters=True)
def nightly(config: str | None = None, day: str | None = None, until: str | None = None) -> dict[str, Any]:
    """Run one night of the installation whose config folder is `config`; `day` (ISO) is today by default.

    Returns what `dedup nightly --json` prints: the run's id, its result digest and counts. A report that fails stops
    nothing; the run then ends as failed (`reports.failed`), with the KSVs named in its state.
    """
    today = today_or(day)
    last = Stage(until) if until else Stage.REPORTS

    def work() -> NightResult:
        with ExitStack() as opened:
            # A task, so that another run in the way, or a database, is waited for here too.
            night = as_task(
                "open",
                lambda: opened.enter_context(open_night(settings_of(config), today=today, clock=utc_now)),
            )
            return run_night(night, until=last, perform=as_task)

    def whole_night() -> NightResult:
        if last is not Stage.REPORTS:
            return work()
        operator = operator_of(settings_of(config))
        return announced(
            work,
            lambda result: result.summary(today),
            job=Job.NIGHTLY,
            period=today.isoformat(),
            operator=operator,
        )

    result = without_values(whole_night)
    stages = [stage.to_json() for stage in result.stages]
    show_counts("nightly-counts", stages, f"Night of {today.isoformat()}: counts per stage.")
    show_ksvs("nightly-ksvs", result.ksvs, f"Night of {today.isoformat()}: findings to act on, and reports.")
    without_values(result.raise_for_reports)
    return result.to_json()
