"""The nightly run as a Prefect flow: schedule, retries on I/O and counts around `dedup.nightly`, and no logic.

Prefect is handed scalars and counts only. What is done already is known by the registry's own table of stages, so a
flow run that died is simply started again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.schedules import Cron
from prefect.tasks import Task

from dedup.errors import DedupError, StoreError, kind_and_place
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import Stage, run_night
from dedup.settings import find_config_dir, load_settings

T = TypeVar("T")

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
RETRIES = 2
RETRY_DELAY_SECONDS = 60


class UnexpectedError(Exception):
    """A bug that a stage met: its kind and place, never its text."""


@flow(name="nightly", persist_result=False, retries=0, validate_parameters=True)
def nightly(config: str | None = None, day: str | None = None, until: str | None = None) -> dict[str, Any]:
    """Run one night of the installation whose config folder is `config`; `day` (ISO) is today by default.

    Returns what `dedup nightly --json` prints: the run's id, its result digest and counts per stage.
    """
    today = date.fromisoformat(day) if day else datetime.now(AMSTERDAM).date()

    def whole_night() -> NightResult:
        settings = load_settings(find_config_dir(Path(config) if config else None, os.environ, Path.cwd()))
        with open_night(settings, today=today, clock=lambda: datetime.now(UTC)) as night:
            return run_night(night, until=Stage(until) if until else Stage.REPORTS, perform=as_task)

    result = without_values(whole_night)
    create_table_artifact(
        key="nightly-counts",
        table=[stage.to_json() for stage in result.stages],
        description=f"Night of {today.isoformat()}: counts per stage.",
    )
    return result.to_json()


def as_task(stage: Stage, work: Callable[[], T]) -> T:
    """Run one stage as a Prefect task that takes no argument, keeps no result and is tried again after an I/O fault."""
    stage_task: Task[[], T] = task(
        name=stage.value,
        persist_result=False,
        cache_policy=NO_CACHE,
        retries=RETRIES,
        retry_delay_seconds=RETRY_DELAY_SECONDS,
        retry_condition_fn=failed_on_io,
    )(lambda: without_values(work))
    return stage_task()


def without_values(work: Callable[[], T]) -> T:
    """Do the work; Prefect keeps the text of an error and of its causes, so only what holds no value gets through.

    Raises `DedupError` and `OSError` as they are but without causes, and `UnexpectedError` in place of any other.
    """
    try:
        return work()
    except (DedupError, OSError, UnexpectedError) as error:
        raise error from None
    except Exception as error:
        raise UnexpectedError(f"This is a bug in dedup: {kind_and_place(error)}.") from None


def failed_on_io(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether a stage failed because a disk or a connection did, which a later try can mend."""
    outcome = state.result(raise_on_failure=False)
    return isinstance(outcome, OSError) or (isinstance(outcome, StoreError) and outcome.code == "store.unavailable")


if __name__ == "__main__":
    nightly.serve(name="nightly", schedule=Cron("15 1 * * *", timezone=AMSTERDAM.key))
