"""`dedup bench`: measures the commands as their users run them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

bench = typer.Typer(help="Measure commands as their users run them.", no_args_is_help=True, rich_markup_mode=None)


@bench.callback()
def about() -> None:
    """Measure commands as their users run them.

    Example: dedup bench nightly --registrations 100000
    """


@bench.command("nightly")
def nightly(
    registrations: Annotated[int, typer.Option(min=100, help="How many registrations, doubles included.")] = 100_000,
    providers: Annotated[int, typer.Option(min=4, help="How many providers.")] = 200,
    ksvs: Annotated[int, typer.Option(min=1, help="How many KSVs.")] = 50,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the installation in this new folder; else it is thrown away.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure a night, from sealed bundles in the inbox to the reports of all KSVs; encoding is not counted.

    Example: dedup bench nightly --registrations 100000 --providers 200 --json
    """
    import os
    import tempfile
    from datetime import UTC, datetime

    from dedup.lab.bench.nightly import bench_nightly

    with tempfile.TemporaryDirectory() as scratch:
        result = bench_nightly(
            data or Path(scratch) / "installation",
            registrations=registrations,
            providers=providers,
            ksvs=ksvs,
            config=settings_from(config).config_dir,
            cores=len(os.sched_getaffinity(0)),
            now=datetime.now(UTC),
            tell=lambda sentence: typer.echo(sentence, err=True),
        )
    if as_json:
        print_json(result)
        return
    ours = result["ours"]
    typer.echo(
        f"{result['records']:,} registrations of {result['providers']} providers: {ours['seconds']:.1f} s, "
        f"{ours['peak_rss_bytes'] / 2**30:.2f} GiB at its peak, {ours['reports']} report files."
    )
    for stage, seconds in ours["stages"].items():
        typer.echo(f"  {stage:<9} {seconds:6.1f} s")
