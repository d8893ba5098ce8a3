"""What every command shares: its common options, exit codes, and printing for people or for machines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dedup.nightly.announcing import Operator
    from dedup.nightly.writing import FailedReport
    from dedup.settings import Settings

EXIT_DONE = 0
EXIT_FAULT = 1
EXIT_USAGE = 2
EXIT_REFUSED_ROWS = 3
EXIT_BUG = 70

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="The config folder; else $DEDUP_CONFIG, ./config, or the installed one."),
]


def settings_from(config: Path | None) -> Settings:
    """Load the settings that the `--config` option and the environment point at."""
    from dedup.settings import find_config_dir, load_settings

    return load_settings(find_config_dir(config, os.environ, Path.cwd()))


def operator_of(settings: Settings) -> Operator:
    """Return who is told of a job, with warnings to standard error: standard output is the job's own."""
    import time
    from datetime import UTC, datetime

    from dedup.nightly.announcing import Operator

    return Operator(
        settings,
        os.environ,
        warn=lambda fault: print_error(fault.code, fault.message, as_json=False),
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
    )


def this_command() -> str:
    """Return how this program was called, so that what is printed can be typed again."""
    called = Path(sys.argv[0])
    if called.name != "dedup":
        return "dedup"
    return str(called.relative_to(Path.cwd())) if called.is_relative_to(Path.cwd()) else str(called)


def print_failed(failed: Iterable[FailedReport]) -> None:
    """Print a line for every report that was not written: for whom, its stable code, and where a bug is."""
    for report in failed:
        where = f", {report.place}" if report.place else ""
        typer.echo(f"Not written: the report for {report.audience} {report.whose} [{report.error}{where}]")


def print_json(document: Any) -> None:
    """Print one JSON document to standard output."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_error(code: str, message: str, *, as_json: bool) -> None:
    """Print a fault to standard error: one sentence, or a JSON document with its code."""
    if as_json:
        print(json.dumps({"error": code, "message": message}, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"{message} [{code}]", file=sys.stderr)
