"""`dedup retention`: removes what is past its time, also while no night is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dedup.cli.console import ConfigOption, JsonOption, operator_of, print_json, settings_from

if TYPE_CHECKING:
    from dedup.nightly.retention import Removed


def retention(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Remove what is past its time: snapshots, findings, answers, old reports, refused files.

    Every night does the same at its end; this is for installations whose nights stand still. Terms are in rules.toml
    and settings.toml. The channels of [notify] in settings.toml are told how much went.

    Example: dedup retention --config config
    """
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from dedup.nightly.announcing import announced
    from dedup.nightly.night import open_installation
    from dedup.nightly.retention import apply_retention
    from dedup.nightly.summary import Job

    settings = settings_from(config)
    today = datetime.now(ZoneInfo("Europe/Amsterdam")).date()

    def work() -> Removed:
        with open_installation(settings, today=today, clock=lambda: datetime.now(UTC)) as night:
            return apply_retention(night)

    operator = operator_of(settings)
    period = today.isoformat()
    removed = announced(work, lambda done: done.summary(today), job=Job.RETENTION, period=period, operator=operator)
    if as_json:
        print_json({"day": today.isoformat(), "removed": removed.to_json()})
        return
    typer.echo("Removed: " + ", ".join(f"{name} {count:,}" for name, count in removed.to_json().items()))
