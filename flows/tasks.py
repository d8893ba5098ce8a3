"""What all flows share: stages and whole jobs as Prefect tasks, and counts as artifacts. Scalars and counts only."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.logging import get_run_logger
from prefect.tasks import Task

from dedup.errors import DedupError, StoreError, kind_and_place
from dedup.nightly.announcing import Operator
from dedup.nightly.summary import KsvLine
from dedup.nightly.writing import FailedReportsError
from dedup.settings import Settings, find_config_dir, load_settings

T = TypeVar("T")

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
RETRY_DELAYS_SECONDS = (60, 600)
_LATER = frozenset({"store.unavailable", "store.locked"})


class UnexpectedError(Exception):
    """A bug that a stage met: its kind and place, never its text."""


def today_or(day: str | None) -> date:
    """Return the day of an ISO date, else today in Amsterdam."""
    return date.fromisoformat(day) if day else datetime.now(AMSTERDAM).date()


def utc_now() -> datetime:
    """Return the moment in UTC."""
    return datetime.now(UTC)


def settings_of(config: str | None) -> Settings:
    """Load the settings of a config folder, found as the command line finds it."""
    return load_settings(find_config_dir(Path(config) if config else None, os.environ, Path.cwd()))


def operator_of(settings: Settings) -> Operator:
    """Return who is told of a run; a channel that cannot be told is a warning in the run's log."""
    logger = get_run_logger()
    return Operator(
        settings,
        os.environ,
        warn=lambda fault: logger.warning("%s [%s]", fault.message, fault.code),
        clock=utc_now,
        sleep=time.sleep,
    )


def as_task(name: str, work: Callable[[], T]) -> T:
    """Do work as a Prefect task that takes no argument, keeps no result and is tried again after an I/O fault."""
    done: Task[[], T] = task(
        name=name,
        persist_result=False,
        cache_policy=NO_CACHE,
        retries=len(RETRY_DELAYS_SECONDS),
        retry_delay_seconds=list(RETRY_DELAYS_SECONDS),
        retry_condition_fn=may_work_later,
    )(lambda: without_values(work))
    return done()


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


def may_work_later(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether a disk, a connection or another run was in the way, which a later try can find gone."""
    fault = state.result(raise_on_failure=False)
    if isinstance(fault, FailedReportsError):
        return fault.on_io
    return isinstance(fault, OSError) or (isinstance(fault, StoreError) and fault.code in _LATER)


def show_counts(key: str, rows: Iterable[dict[str, Any]], description: str) -> None:
    """Keep a table of counts as an artifact of this run."""
    create_table_artifact(key=key, table=list(rows), description=description)


def show_ksvs(key: str, lines: Iterable[KsvLine], description: str) -> None:
    """Keep a row per KSV: its counts, and whether its report was written."""
    show_counts(key, [line.to_json() for line in lines], description)
