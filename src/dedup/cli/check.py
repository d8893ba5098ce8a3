"""`dedup check`: validates an extract at the source, before anything is sent."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import EXIT_FAULT, EXIT_REFUSED_ROWS, ConfigOption, JsonOption, print_error, print_json


def check(
    extract: Annotated[Path, typer.Argument(help="The extract (CSV) to check.", show_default=False)],
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The day that checks count from; else today."),
    ] = None,
    regions: Annotated[
        Path | None, typer.Option("--regions", help="The table of postcodes and KSVs; else the installation's.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check an extract: what is wrong with it, your own doubles, and what would be sent.

    Nothing is sent or written. Rows are named by number (1 is the first row after the header), values are never shown.
    The exit code is 0 when every row can be sent, 3 when some are refused, 1 when the file as a whole is.

    Example: dedup check 41234567.csv --date 2026-11-22
    """
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.cli.console import settings_from
    from dedup.extract.checks import DEFAULT_MAX_REFUSED_SHARE, check_extract, require_one_provider
    from dedup.extract.own_doubles import find_own_doubles
    from dedup.extract.read import DEFAULT_MAX_BYTES
    from dedup.extract.report import RefusedExtractError
    from dedup.extract.summary import summary_json, summary_text
    from dedup.regions import read_regions

    settings = settings_from(config)
    table = regions or (settings.regions_path if settings.regions_path.is_file() else None)
    try:
        checked = check_extract(
            extract,
            today=(day or datetime.now(UTC).astimezone(ZoneInfo("Europe/Amsterdam"))).date(),
            regions=read_regions(table) if table else None,
            max_refused_share=settings.share("extract", "max_refused_share", DEFAULT_MAX_REFUSED_SHARE),
            max_bytes=settings.count("extract", "max_bytes", DEFAULT_MAX_BYTES),
        )
        require_one_provider(checked.report, extract.name)
    except RefusedExtractError as error:
        if as_json:
            print_json(
                {**summary_json(extract.name, error.report, []), "error": error.code, "message": error.message},
            )
        else:
            typer.echo(summary_text(extract.name, error.report, []))
            print_error(error.code, error.message, as_json=False)
        raise typer.Exit(EXIT_FAULT) from error
    doubles = find_own_doubles(checked)
    if as_json:
        print_json(summary_json(extract.name, checked.report, doubles))
    else:
        typer.echo(summary_text(extract.name, checked.report, doubles))
    if checked.report.refused:
        raise typer.Exit(EXIT_REFUSED_ROWS)
