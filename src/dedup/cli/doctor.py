"""`dedup doctor`: look at an installation, and say what to mend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dedup.cli.console import EXIT_FAULT, ConfigOption, JsonOption, print_json

if TYPE_CHECKING:
    from dedup.doctor import Examination, Finding

_INDENT = " " * 11


def doctor(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Look at settings, keys, store, nights and inbox, and say what to mend; nothing is changed.

    Exit code 1 when something failed. Run it as the server's user.

    Example: dedup doctor --config config
    """
    import os
    from datetime import UTC, datetime

    from dedup.doctor import examine
    from dedup.settings import find_config_dir

    config_dir = find_config_dir(config, os.environ, Path.cwd())
    found = examine(config_dir, environ=os.environ, now=datetime.now(UTC))
    if as_json:
        print_json(_document(found))
    else:
        _print(found)
    if not found.is_well:
        raise typer.Exit(EXIT_FAULT)


def _print(found: Examination) -> None:
    """Print a line per check, and below those that are not well what to do."""
    from dedup.doctor import Outcome

    for group in found.groups:
        typer.echo(group.name)
        for finding in group.findings:
            code = "" if finding.outcome is Outcome.OK else f" [{finding.cause or finding.code}]"
            typer.echo(f"  {finding.outcome.value:<9}{finding.sentence}{code}")
            if finding.remedy:
                typer.echo(f"{_INDENT}{finding.remedy}")
    counts = {outcome: found.counted(outcome) for outcome in Outcome}
    told = ", ".join(f"{outcome.value} {count}" for outcome, count in counts.items() if count)
    typer.echo(f"\n{len(found.findings)} checks: {told}.")


def _document(found: Examination) -> dict[str, object]:
    from dedup.doctor import Outcome

    return {
        "well": found.is_well,
        "counts": {outcome.value: found.counted(outcome) for outcome in Outcome},
        "checks": [{"group": group.name, **_entry(one)} for group in found.groups for one in group.findings],
    }


def _entry(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "outcome": finding.outcome.value,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "cause": finding.cause,
    }
