"""`dedup bench findings`: which kind of pair gets which class."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from


def findings(
    registrations: Annotated[int, typer.Option(min=100, help="How many registrations, doubles included.")] = 20_000,
    doubles: Annotated[float, typer.Option(help="Share of registrations that are a second one elsewhere.")] = 0.08,
    seed: Annotated[int, typer.Option(min=0, help="The simulation's; rules were tuned on seeds 1 to 5.")] = 43,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the night; else today.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the installation in this new folder; else it is thrown away.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Score the findings of a made-up first night against its truth, as `dedup evaluate --findings` does.

    Example: dedup bench findings --registrations 20000 --seed 43 --date 2026-11-22
    """
    import os
    import tempfile
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.cli.evaluate import print_scores
    from dedup.lab.bench.findings import bench_findings

    with tempfile.TemporaryDirectory() as scratch:
        result = bench_findings(
            data or Path(scratch) / "installation",
            registrations=registrations,
            doubles=doubles,
            seed=seed,
            day=(day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date(),
            config=settings_from(config).config_dir,
            cores=len(os.sched_getaffinity(0)),
            clock=lambda: datetime.now(UTC),
            tell=lambda sentence: typer.echo(sentence, err=True),
        )
    if as_json:
        print_json(result)
    else:
        print_scores(result)
