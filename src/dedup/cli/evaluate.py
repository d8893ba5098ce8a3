"""`dedup evaluate`: scores pairs and findings against the truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from dedup.cli.console import JsonOption, print_json


class Unit(StrEnum):
    """What counts as the same."""

    VROUW = "vrouw"
    ZWANGERSCHAP = "zwangerschap"


def evaluate(
    truth: Annotated[Path, typer.Option("--truth", help="CSV with registratie_id, vrouw, and what is known besides.")],
    pairs: Annotated[Path | None, typer.Option("--pairs", help="Pairs as dedup link writes them.")] = None,
    findings: Annotated[Path | None, typer.Option("--findings", help="findings.parquet of a night.")] = None,
    extracts: Annotated[
        Path | None,
        typer.Option("--extracts", help="With --findings: count only what these extracts send, objections left out."),
    ] = None,
    unit: Annotated[Unit, typer.Option("--unit", help="The same woman, or the same pregnancy.")] = Unit.VROUW,
    as_json: JsonOption = False,
) -> None:
    """Score pairs by precision, recall, F1 and calibration, and findings by kind and class.

    Example: dedup evaluate --pairs pairs.parquet --truth truth.csv --unit vrouw --json
    or: dedup evaluate --findings demo/findings.parquet --truth demo/truth.csv --extracts demo
    """
    from dedup.lab.evaluate import evaluate as score

    result = score(truth, pairs_path=pairs, findings_path=findings, unit=unit.value, extracts=extracts)
    if as_json:
        print_json(result)
        return
    print_scores(result)


def print_scores(result: dict[str, Any]) -> None:
    """Print scores for people: the confusion as a table, all else as lines."""
    for key, value in result.items():
        if key == "confusion":
            _print_confusion(value)
        else:
            _print(key, value)


def _print_confusion(table: dict[str, dict[str, int]]) -> None:
    """Print pairs by kind (down) and class (across)."""
    from rich.console import Console
    from rich.table import Table

    classes = sorted({name for counts in table.values() for name in counts})
    shown = Table("pairs of kind", *classes, box=None, pad_edge=False)
    for kind, counts in table.items():
        shown.add_row(kind, *(str(counts.get(name, "")) for name in classes))
    Console(width=40 + sum(len(name) + 2 for name in classes), highlight=False).print(shown)


def _print(key: str, value: Any) -> None:
    if isinstance(value, dict):
        typer.echo(f"{key}:")
        for name, inner in value.items():
            typer.echo(f"  {name}: {_shown(inner)}")
    elif not isinstance(value, list):
        typer.echo(f"{key}: {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return f"{value:.5f}" if isinstance(value, float) else str(value)
