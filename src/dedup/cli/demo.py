"""`dedup demo`: the whole way on made-up data, with an embedded store and no server."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from, this_command

if TYPE_CHECKING:
    from dedup.lab.demo import Demo


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where everything goes; new or empty.")] = Path("demo"),
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The night's date; else today.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Remove what an earlier demo left in DIR.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make up extracts of four vendors, encode, submit, run the night, and write reports per KSV.

    Example: dedup demo ./demo
    """
    import os
    import shutil
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.errors import ConfigError
    from dedup.lab.demo import run_demo

    settings = settings_from(config)
    # Only a demo has the truth beside its keys, so that --force cannot remove a real custodian's folder.
    if force and (folder / "custodian").is_dir() and (folder / "truth.csv").is_file():
        shutil.rmtree(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            "demo.exists", f"{folder} is not an empty folder; name another, or remove an earlier demo with --force."
        )
    made = run_demo(
        folder,
        config=settings.config_dir,
        day=(day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date(),
        clock=lambda: datetime.now(UTC),
        cores=len(os.sched_getaffinity(0)),
        tell=lambda sentence: typer.echo(sentence, err=as_json),
    )
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "bundles": made.bundles,
                "registrations": made.registrations,
                "refused": made.refused,
                "truth": str(made.installation.truth),
                **made.night.to_json(),
            }
        )
    else:
        _print(made)


def _print(made: Demo) -> None:
    folder = made.installation.folder
    counts = {stage.name: stage.counts for stage in made.night.stages}
    found = {name: count for name, count in counts["findings"].items() if name != "findings"}
    typer.echo(f"Sent {made.registrations:,} registrations in {made.bundles} bundles; {made.refused} rows refused.")
    typer.echo("Found " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items()) + ".")
    typer.echo("\nOpen a report in a browser:")
    for report in made.night.reports:
        if report.suffix == ".html":
            typer.echo(f"  {report}")
    typer.echo(f"\nBeside each lie report.pdf, .xlsx, .csv and .json; all findings are in {made.night.findings}.")
    typer.echo(f"What each provider is told, with a form to answer in, is in {folder / 'provider-reports'}.")
    truth = folder / "truth.csv"
    typer.echo(f"How well did it do? {this_command()} evaluate --findings {made.night.findings} --truth {truth}")
