"""`dedup send`: sealed bundles go to the server, signed receipts come back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import EXIT_FAULT, EXIT_REFUSED_ROWS, JsonOption, print_error, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dedup.send.bundlefile import BundleFile
    from dedup.send.delivery import Outcome
    from dedup.send.patience import Patience

DEFAULT_PATIENCE_MINUTES = 15.0
SHOWN_AFTER_SECONDS = 2.0


def send(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="Sealed bundles, or folders of *.bundle.")],
    credentials: Annotated[Path, typer.Option("--credentials", help="Made by `dedup keys credentials`.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="The server; else the credentials' own.")
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option("--receipts", metavar="DIR", help="Where receipts go; else beside each bundle.")
    ] = None,
    patience: Annotated[
        float, typer.Option("--patience", metavar="MINUTES", min=0, help="How long to try while nothing gets through.")
    ] = DEFAULT_PATIENCE_MINUTES,
    await_report: Annotated[
        float | None,
        typer.Option(
            "--await-report", metavar="SECONDS", min=0, help="Also tell what was in each; wait so long for it."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Upload bundles, verify the receipts, and keep them as BUNDLE.receipt.json.

    Run it again after whatever happened: it goes on where it was, and a bundle that has its receipt is not sent again.
    The exit code is 0 when each bundle has its receipt, 3 when the server refused some, 1 when some got no answer.

    Example: dedup send outbox --to https://dedup.example.nl --credentials credentials.json
    """
    import random
    import secrets
    import time
    from datetime import UTC, datetime

    import httpx

    from dedup.send.credentials import read_credentials
    from dedup.send.delivery import deliver
    from dedup.send.patience import Patience
    from dedup.send.server import TIMEOUT, UploadServer

    known = read_credentials(credentials, url=to)
    patient = Patience(
        seconds=60 * patience, monotonic=time.monotonic, sleep=time.sleep, draw=random.SystemRandom().random
    )
    with httpx.Client(timeout=TIMEOUT, headers={"User-Agent": "dedup-send"}) as http:
        server = UploadServer(http, known, patient, lambda: datetime.now(UTC), secrets.token_bytes)

        def deliveries(told: Callable[[BundleFile, int], None]) -> Iterator[Outcome]:
            return deliver(_files(bundles), known, server, receipts=receipts, await_report=await_report, told=told)

        _tell(_with_progress(deliveries, patient), as_json=as_json)


def _files(named: list[Path]) -> list[Path]:
    """Return the files that were named, and of folders the bundles in them: Windows expands no `*`."""
    from dedup.send.errors import SendError

    files = [file for path in named for file in (sorted(path.glob("*.bundle")) if path.is_dir() else [path])]
    if len({file.name for file in files}) < len(files):
        raise SendError("send.same-name", "Two of the bundles have the same name, so would their receipts.")
    return files


def _with_progress(
    deliveries: Callable[[Callable[[BundleFile, int], None]], Iterator[Outcome]], patience: Patience
) -> Iterator[Outcome]:
    """Yield outcomes as they come, under a bar on a terminal for what takes over two seconds."""
    import time

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    patience.told = lambda sentence: console.print(sentence, markup=False, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        started = time.monotonic()
        task = bar.add_task("", visible=False)

        def told(bundle: BundleFile, there: int) -> None:
            bar.update(
                task,
                description=bundle.path.name,
                total=bundle.size,
                completed=there,
                visible=time.monotonic() - started > SHOWN_AFTER_SECONDS,
            )

        for outcome in deliveries(told):
            started = time.monotonic()
            bar.update(task, visible=False)
            yield outcome


def _tell(outcomes: Iterator[Outcome], *, as_json: bool) -> None:
    from dedup.errors import DedupError

    done: list[Outcome] = []
    failure: DedupError | None = None
    try:
        for outcome in outcomes:
            done.append(outcome)
            if not as_json:
                _print(outcome)
    except DedupError as error:  # the server: what was done before is told all the same
        failure = error
    if as_json:
        error_of = {"error": failure.code, "message": failure.message} if failure else {}
        print_json({"bundles": [_json(outcome) for outcome in done], **error_of})
    if failure is not None:
        print_error(failure.code, failure.message, as_json=as_json)
    states = {outcome.state.value for outcome in done}
    if failure is not None or "failed" in states:
        raise typer.Exit(EXIT_FAULT)
    if "refused" in states:
        raise typer.Exit(EXIT_REFUSED_ROWS)


def _print(outcome: Outcome) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    for fault in outcome.faults:
        print_error(fault.code, f"{outcome.path.name}: {outcome.state.value}. {fault.detail}", as_json=False)
    if outcome.receipt is None:
        return
    received = datetime.fromisoformat(outcome.receipt.says["received_at"]).astimezone(ZoneInfo("Europe/Amsterdam"))
    note = " before" if outcome.receipt.duplicate else ""
    typer.echo(f"{outcome.path.name}: accepted{note} on {received:%Y-%m-%d %H:%M:%S}, receipt in {outcome.kept_in}")
    if outcome.report is not None:
        counts = outcome.report.counts
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items()) if counts else "not opened yet"
        typer.echo(f"{outcome.path.name}: {told}")


def _json(outcome: Outcome) -> dict[str, Any]:
    receipt = outcome.receipt
    return {
        "bundle": str(outcome.path),
        "state": outcome.state.value,
        "bytes": outcome.bytes_,
        "submission_id": receipt.says["submission_id"] if receipt else None,
        "received_at": receipt.says["received_at"] if receipt else None,
        "duplicate": receipt.duplicate if receipt else None,
        "receipt": str(outcome.kept_in) if outcome.kept_in else None,
        "report": outcome.report.document if outcome.report else None,
        "errors": [{"code": fault.code, "detail": fault.detail} for fault in outcome.faults],
    }
