"""`dedup encode`: extracts become bundles, at the source."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import EXIT_FAULT, EXIT_REFUSED_ROWS, ConfigOption, JsonOption, print_error, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dedup.encode.job import Outcome, Work

UNSEALED_WARNING = (
    "Warning: without --seal-to and --sign-with this is an unsealed evaluation bundle; intake refuses it, and whoever "
    "holds the linkage key can read it by trying values. Do not send it."
)


def encode(
    extracts: Annotated[list[Path], typer.Argument(help="Clear extracts (CSV).", show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="The epoch's linkage key.")],
    out: Annotated[
        str, typer.Option("--out", metavar="PATH", help="The bundle; a folder (of several extracts, or ending in /).")
    ],
    model: Annotated[Path | None, typer.Option("--model", help="The linkage model; else the installation's.")] = None,
    regions: Annotated[
        Path | None, typer.Option("--regions", help="The table of postcodes and KSVs; else the installation's.")
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The snapshot's day, from which checks count; else today."),
    ] = None,
    seal_to: Annotated[Path | None, typer.Option("--seal-to", help="The server's public sealing key.")] = None,
    sign_with: Annotated[Path | None, typer.Option("--sign-with", help="The vendor's signing key.")] = None,
    vendor: Annotated[str, typer.Option("--vendor", help="The vendor's code; else the extract's bronsysteem.")] = "",
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="How many cores to use; else all of them.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Encode extracts: one bundle each, without a readable identifier.

    Rows that the check refuses are left out; the exit code is then 3. `dedup check` tells which rows and why. A bundle
    is accepted only under the vendor's code that the operator registered: name it with --vendor, or as bronsysteem.

    Example: dedup encode 41234567.csv --key epoch.key --out 41234567.bundle --seal-to server.pub
    --sign-with signing.key --vendor acme
    """
    if (seal_to is None) != (sign_with is None):
        raise typer.BadParameter("--seal-to and --sign-with belong together: a bundle is both sealed and signed.")
    import os
    from datetime import UTC
    from zoneinfo import ZoneInfo

    from dedup.cli.console import settings_from
    from dedup.encode.job import EncodeOptions
    from dedup.encode.pool import collect_seldom, encode_extracts
    from dedup.extract.checks import DEFAULT_MAX_REFUSED_SHARE
    from dedup.extract.read import DEFAULT_MAX_BYTES

    settings = settings_from(config)
    now = datetime.now(UTC)
    known_regions = regions or (settings.regions_path if settings.regions_path.is_file() else None)
    options = EncodeOptions(
        key=key,
        model=model or settings.model_path,
        regions=known_regions,
        seal_to=seal_to,
        sign_with=sign_with,
        today=(day or now.astimezone(ZoneInfo("Europe/Amsterdam"))).date(),
        created_at=now,
        vendor=vendor,
        max_refused_share=settings.share("extract", "max_refused_share", DEFAULT_MAX_REFUSED_SHARE),
        max_bytes=settings.count("extract", "max_bytes", DEFAULT_MAX_BYTES),
    )
    works = _plan(extracts, out)
    if seal_to is None:
        typer.echo(UNSEALED_WARNING, err=True)
    collect_seldom()
    cores = processes or len(os.sched_getaffinity(0))
    outcomes = _with_progress(works, encode_extracts(works, options, processes=cores))
    _print(outcomes, sealed=seal_to is not None, as_json=as_json)


def _plan(extracts: Sequence[Path], place: str) -> list[Work]:
    """Give each extract its bundle's path: `place` itself for one extract, a file in it for several or for a folder."""
    import os
    import secrets

    from dedup.encode.job import Work
    from dedup.errors import ExtractError

    if len({extract.stem for extract in extracts}) < len(extracts):
        raise ExtractError("encode.same-name", "Two of the extracts have the same name, so would their bundles.")
    out = Path(place)
    if len(extracts) > 1 or out.is_dir() or place.endswith(("/", os.sep)):
        if out.is_file():
            raise ExtractError("encode.out-is-file", f"{out} is a file, where a folder for bundles has to be.")
        targets = [out / f"{extract.stem}.bundle" for extract in extracts]
    else:
        targets = [out]
    if any(target.exists() and not target.is_file() for target in targets):
        raise ExtractError("encode.out-is-no-file", "A bundle cannot take the place of a folder or a device.")
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    pairs = zip(extracts, targets, strict=True)
    return [Work(extract, target, secrets.token_hex(16)) for extract, target in pairs]


def _with_progress(works: Sequence[Work], outcomes: Any) -> list[Outcome]:
    """Collect the outcomes in the order of the extracts, with a bar on a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    disable = not console.is_terminal
    done = list(track(outcomes, "Encoding", total=len(works), console=console, transient=True, disable=disable))
    order = {work.extract: position for position, work in enumerate(works)}
    return sorted(done, key=lambda outcome: order[outcome.work.extract])


def _print(outcomes: Sequence[Outcome], *, sealed: bool, as_json: bool) -> None:
    from dedup.encode.job import Encoded

    written = [outcome for outcome in outcomes if isinstance(outcome, Encoded)]
    failed = [outcome for outcome in outcomes if not isinstance(outcome, Encoded)]
    refused = sum(outcome.report.refused for outcome in written if outcome.report)
    if as_json:
        errors = [{"extract": str(f.work.extract), "error": f.code, "message": f.message} for f in failed]
        bundles = [
            {
                "extract": str(outcome.work.extract),
                "bundle": str(outcome.work.bundle),
                "submission_id": outcome.work.submission_id,
                "vendor": outcome.vendor,
                "provider": outcome.provider,
                "records": outcome.records,
                "body_sha256": outcome.body_sha256,
                "check": outcome.report.to_json() if outcome.report else None,
            }
            for outcome in written
        ]
        records = sum(outcome.records for outcome in written)
        totals = {"records": records, "refused": refused, "sealed": sealed}
        print_json({**totals, "bundles": bundles, "errors": errors})
    else:
        for outcome in written:
            note = f", {outcome.report.refused} rows refused" if outcome.report and outcome.report.refused else ""
            typer.echo(f"{outcome.work.bundle}: {outcome.records:,} records{note}")
    for failure in failed:
        print_error(failure.code, failure.message, as_json=as_json)
    if failed:
        raise typer.Exit(EXIT_FAULT)
    if refused:
        raise typer.Exit(EXIT_REFUSED_ROWS)
