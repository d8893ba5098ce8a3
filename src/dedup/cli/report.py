"""`dedup report`: reports that are not made every night."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

report = typer.Typer(no_args_is_help=True, help="Make the reports that are not made every night.")


@report.callback()
def reports() -> None:
    """Keep `insurer` a command of its own: Typer would make a lone command the group itself."""


@report.command()
def insurer(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The month; else that of the newest night.")
    ] = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Nights up to this date count; else today.")
    ] = None,
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
    if as_json:
        print_json(
            {
                "month": made.month,
                "day": made.day.isoformat(),
                "insurers": list(made.insurers),
                "reports": [str(path) for path in made.files],
            }
        )
        return
    typer.echo(f"Reports of {made.month}, as it stood in the night of {made.day}, for {len(made.insurers)} insurers:")
    for path in made.files:
        typer.echo(f"  {path}")
