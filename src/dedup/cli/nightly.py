"""`dedup nightly`: the night's work without any Prefect server."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import ConfigOption, JsonOption, operator_of, print_failed, print_json, settings_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from dedup.nightly.result import NightResult


class Until(StrEnum):
    """The stages of a night, named here too so that `--help` need not import them."""

    RECEIVE = "receive"
    INGEST = "ingest"
    LINK = "link"
    FINDINGS = "findings"
    REPORTS = "reports"


def nightly(
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The night's date; else today.")
    ] = None,
    inbox: Annotated[Path | None, typer.Option("--inbox", help="Where bundles lie; else the server's inbox.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Gets reports/KSV/DATE/ and findings.parquet; else the installation.")
    ] = None,
    until: Annotated[Until, typer.Option("--until", help="The last stage to do.")] = Until.REPORTS,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Receive, ingest, link, find and report; a run that was stopped or killed goes on where it was.

    The channels of [notify] in settings.toml are told how a whole night went. A report that fails stops no other; the
    exit code is then 1, and the next run of the night writes its reports anew.

    Example: dedup nightly --config demo/config --date 2026-11-22
    """
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.nightly.announcing import announced
    from dedup.nightly.night import open_night
    from dedup.nightly.run import Stage, run_night
    from dedup.nightly.summary import Job

    settings = settings_from(config)
    today = (day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date()

    def work() -> NightResult:
        with open_night(settings, today=today, clock=lambda: datetime.now(UTC), inbox=inbox, out=out) as night:
            return run_night(night, until=Stage(until.value), perform=_with_status)

    if until is Until.REPORTS:
        operator = operator_of(settings)
        period = today.isoformat()
        result = announced(work, lambda night: night.summary(today), job=Job.NIGHTLY, period=period, operator=operator)
    else:
        result = work()
    if as_json:
        print_json(result.to_json())
    else:
        _print(result, inbox=inbox or settings.server_home / "inbox")
    result.raise_for_reports()


def _with_status(stage: Any, work: Callable[[], Any]) -> Any:
    """Do a stage's work under a spinner that names it; nothing is shown where standard error is no terminal."""
    from rich.console import Console

    with Console(stderr=True).status(f"{stage.value} ..."):
        return work()


def _print(result: NightResult, *, inbox: Path) -> None:
    for stage in result.stages:
        counts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in stage.counts.items())
        typer.echo(f"{stage.name:<9} {counts}")
    if sum(stage.counts.get("refused", 0) for stage in result.stages):
        typer.echo(f"Refused bundles lie in {inbox / 'rejected'}, each with a problem file that says why.")
    if result.findings is None:
        return
    pages = [report for report in result.reports if report.suffix == ".html"]
    digest = result.result_digest[:16] if result.result_digest else "none"
    typer.echo(f"Result {digest}; findings in {result.findings}; reports of {len(pages)} KSVs.")
    for page in pages:
        typer.echo(f"  {page}")
    print_failed(result.failed)
