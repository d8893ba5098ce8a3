"""Retention as a Prefect flow around `dedup.nightly.retention`: nights do it too, this while they stand still."""

from __future__ import annotations

from prefect import flow

from dedup.nightly.announcing import announced
from dedup.nightly.night import open_installation
from dedup.nightly.retention import Removed, apply_retention
from dedup.nightly.summary import Job
from flows.tasks import as_task, operator_of, settings_of, show_counts, today_or, utc_now, without_values


@flow(name="retention", persist_result=False, retries=0, validate_parameters=True)
def retention(config: str | None = None) -> dict[str, int]:
    """Remove what is past its time in the installation whose config folder is `config`; returns how much went."""
    today = today_or(None)

    def work() -> Removed:
        with open_installation(settings_of(config), today=today, clock=utc_now) as night:
            return apply_retention(night)

    def whole_removal() -> Removed:
        operator = operator_of(settings_of(config))
        return announced(
            lambda: as_task("retention", work),
            lambda removed: removed.summary(today),
            job=Job.RETENTION,
            period=today.isoformat(),
            operator=operator,
        )

    removed = without_values(whole_removal).to_json()
    show_counts("retention-counts", [removed], f"Removed on {today.isoformat()}.")
    return removed
