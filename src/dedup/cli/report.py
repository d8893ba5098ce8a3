"""`dedup report`: reports that are not made every night."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, operator_of, print_failed, print_json, settings_from

if TYPE_CHECKING:
    from dedup.nightly.monthly import MonthlyResult

report = typer.Typer(no_args_is_help=True, help="Make the reports that are not made every night.")

MonthOption = Annotated[
    str | None, typer.Option("--month", metavar="YYYY-MM", help="The month; else that of the newest night.")
]
DayOption = Annotated[
    datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Nights up to this date count; else today.")
]


@report.command()
def insurer(
    month: MonthOption = None,
    day: DayOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Gets insurer-reports/UZOVI/MONTH/; else the installation.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write each preferred insurer's aggregates under disclosure control, from the newest night.

    Run it at the end of a month, or in the first week of the next. It needs the list of contracts.

    Example: dedup report insurer --month 2026-11
    """
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.nightly.monthly import write_insurer_reports
    from dedup.nightly.night import open_night

    settings = settings_from(config)
    today = (day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date()
    with open_night(settings, today=today, clock=lambda: datetime.now(UTC), out=out) as night:
        made = write_insurer_reports(night, month)
    _print(made, as_json=as_json)


@report.command()
def monthly(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The month; else the one that ended last.")
    ] = None,
    day: DayOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Gets monthly-reports/KSV/MONTH/ and insurer-reports/; else the installation."),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write how each KSV's month went, and each preferred insurer's aggregates if there is a list of contracts.

    Run it in the first week of a month. The channels of [notify] in settings.toml are told how it went. A report that
    fails stops no other; the exit code is then 1.

    Example: dedup report monthly --month 2026-11
    """
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.nightly.announcing import announced
    from dedup.nightly.monthly import month_asked, write_monthly_reports
    from dedup.nightly.night import open_night
    from dedup.nightly.summary import Job

    settings = settings_from(config)
    today = (day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date()
    chosen = month_asked(month, today)

    def work() -> MonthlyResult:
        with open_night(settings, today=today, clock=lambda: datetime.now(UTC), out=out) as night:
            return write_monthly_reports(night, chosen)

    operator = operator_of(settings)
    made = announced(work, lambda result: result.summary(), job=Job.MONTHLY, period=chosen, operator=operator)
    _print(made, as_json=as_json)


def _print(made: MonthlyResult, *, as_json: bool) -> None:
    """Print what was written; raises `FailedReportsError` when something was not."""
    if as_json:
        print_json(made.to_json())
    else:
        audiences = {"KSVs": made.ksvs, "insurers": made.insurers}
        whose = " and ".join(f"{len(those)} {audience}" for audience, those in audiences.items() if those)
        typer.echo(f"Reports of {made.month}, as it stood in the night of {made.day}, for {whose or 'nobody'}:")
        for path in made.files:
            typer.echo(f"  {path}")
        print_failed(made.failed)
    made.raise_for_reports()
