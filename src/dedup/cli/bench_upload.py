"""`dedup bench upload`: many vendors upload at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from


def upload(
    vendors: Annotated[int, typer.Option(min=1, help="How many vendors upload at the same time.")] = 50,
    uploads: Annotated[int, typer.Option(min=1, help="How many bundles each, one after another.")] = 20,
    mebibytes: Annotated[int, typer.Option(min=1, help="How large each bundle is.")] = 50,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep stored bundles until the end; else each goes once its receipt came.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="A new folder on the disk to measure; else a temporary one.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure the upload service on loopback: throughput, memory, answers, and how far it is from disk and digests.

    Example: dedup bench upload --vendors 50 --uploads 20 --mebibytes 50 --json
    """
    import tempfile
    from datetime import UTC, datetime

    from dedup.lab.bench.upload import Load, bench_upload

    with tempfile.TemporaryDirectory() as scratch:
        folder = data or Path(scratch) / "served"
        folder.mkdir(parents=True)
        result = bench_upload(
            folder,
            Load(vendors, uploads, mebibytes << 20),
            config=settings_from(config).config_dir,
            now=datetime.now(UTC),
            keep=keep,
            tell=lambda sentence: typer.echo(sentence, err=True),
        )
    if as_json:
        print_json(result)
        return
    ours = result["ours"]
    speed = ours["bytes_per_second"] / 2**20
    typer.echo(
        f"{result['records']:,} uploads of {mebibytes} MiB in {ours['seconds']:.1f} s: {speed:.0f} MiB/s, "
        f"{ours['share_of_limit']:.0%} of what disk and digests allow on one core; the service took "
        f"{ours['cpu_seconds']:.1f} s of processor time and {ours['peak_rss_bytes'] / 2**20:.0f} MiB; "
        f"{ours['answers_5xx']} answers were 5xx."
    )
