"""`dedup feedback`: what providers answered about findings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import EXIT_REFUSED_ROWS, ConfigOption, JsonOption, print_json, settings_from

feedback = typer.Typer(no_args_is_help=True, help="Take in what providers answered about findings.")


@feedback.command("import")
def import_answers(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A filled-in feedback.csv, or a provider's report.xlsx.", exists=True, dir_okay=False
        ),
    ],
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the answers; else today.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Take in answers; the next night hears them. Importing a file twice changes nothing.

    FILE has the columns finding;registratie_id;aanbieder_agb;code, or is the workbook that the provider got, with its
    column of answers filled in. Codes: ons, ander, terecht:L4 (or another rule), geen_dubbel, onbekend. Rows without a
    code are skipped; a bad row is refused by itself, in one sentence without values, and the exit code is then 3.

    Example: dedup feedback import answers.csv --config demo/config
    """
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.nightly.answer_file import LARGEST_FILE
    from dedup.nightly.feedback import import_feedback
    from dedup.nightly.night import open_installation

    settings = settings_from(config)
    today = (day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date()
    with file.open("rb") as opened:
        content = opened.read(LARGEST_FILE + 1)  # one more than is taken, so that a larger one is refused as such
    with open_installation(settings, today=today, clock=lambda: datetime.now(UTC)) as night:
        outcome = import_feedback(night, content)
    if as_json:
        print_json(
            {
                "accepted": outcome.accepted,
                "known_already": outcome.known_already,
                "labels": outcome.labels,
                "refused": [{"line": row.line, "code": row.code, "message": row.message} for row in outcome.refused],
            }
        )
    else:
        typer.echo(
            f"{outcome.accepted} answers taken in, {outcome.known_already} were known already, "
            f"{len(outcome.refused)} refused; {outcome.labels} labels are kept."
        )
        for row in outcome.refused:
            typer.echo(f"{row.message} [{row.code}]")
    if outcome.refused:
        raise typer.Exit(EXIT_REFUSED_ROWS)
