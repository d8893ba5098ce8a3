"""`dedup conformance`: what is right and wrong with a bundle, or with a server that speaks the upload protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import EXIT_FAULT, ConfigOption, JsonOption, print_json, settings_from

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dedup.lab.conformance.finding import Finding


def conformance(
    subject: Annotated[str, typer.Argument(metavar="URL|BUNDLE", help="A server's public URL, or a bundle.")],
    credentials: Annotated[
        Path | None, typer.Option("--credentials", help="The vendor's; needed for a server.")
    ] = None,
    opened_with: Annotated[
        Path | None, typer.Option("--open-with", help="The sealing.key of a key pair of your own, to judge content.")
    ] = None,
    provider: Annotated[
        str, typer.Option("--provider", help="For a server: an AGB code that the vendor may name.")
    ] = "",
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="For a server: a bundle that may be accepted, and then counts.")
    ] = None,
    other: Annotated[
        Path | None, typer.Option("--other-credentials", help="For a server: a second vendor's, as a stranger.")
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="The linkage model; else the installation's.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Judge a bundle or a server, check by check; the exit code is 1 when anything failed.

    A bundle is held against every rule of the reader, and against what vendors usually get wrong. A server is walked
    through as a client and as a wrong client; nothing is accepted unless --bundle is given.

    Example: dedup conformance 41234567.bundle --credentials credentials.json
    """
    from dedup.lab.conformance.finding import Outcome, has_failed

    if "://" in subject:
        if credentials is None:
            raise typer.BadParameter("A server is judged with --credentials.")
        if not provider and bundle is None:
            raise typer.BadParameter("A server is judged for a --provider, or with a --bundle.")
        findings = _judge_server(subject, credentials, provider, bundle, other)
    else:
        findings = _judge_bundle(Path(subject), credentials, opened_with, model, config)
    done: list[Finding] = []
    for finding in findings:
        done.append(finding)
        if not as_json:
            typer.echo(f"{finding.outcome.value:<8} {finding.code:<24} {finding.sentence}")
    counts = {outcome.value: sum(one.outcome is outcome for one in done) for outcome in Outcome}
    if as_json:
        print_json({"subject": subject, **counts, "checks": [finding.to_json() for finding in done]})
    else:
        typer.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    if has_failed(done):
        raise typer.Exit(EXIT_FAULT)


def _judge_bundle(
    path: Path, credentials: Path | None, opened_with: Path | None, model: Path | None, config: Path | None
) -> Iterator[Finding]:
    from datetime import UTC, datetime

    from dedup.bundle.keyfiles import SealingPrivateKey, read_key
    from dedup.lab.conformance.bundle import Against, judge_bundle
    from dedup.model.load import load_model
    from dedup.send.credentials import read_credentials

    against = Against(
        model=load_model(model or settings_from(config).model_path),
        now=datetime.now(UTC),
        credentials=read_credentials(credentials) if credentials else None,
        opened_with=read_key(opened_with, SealingPrivateKey) if opened_with else None,
    )
    return judge_bundle(path, against)


def _judge_server(
    url: str, credentials: Path, provider: str, bundle: Path | None, other: Path | None
) -> Iterator[Finding]:
    import secrets
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    import httpx

    from dedup.lab.conformance.calls import Caller
    from dedup.lab.conformance.server import judge_server
    from dedup.lab.conformance.walk import Walk
    from dedup.send.bundlefile import look_at
    from dedup.send.credentials import read_credentials
    from dedup.send.server import TIMEOUT

    now = datetime.now(UTC)
    mine = read_credentials(credentials, url=url)
    sent = look_at(bundle, mine) if bundle else None
    with httpx.Client(timeout=TIMEOUT, headers={"User-Agent": "dedup-conformance"}) as http:
        walk = Walk(
            caller=Caller(http, mine, now, secrets.token_bytes),
            provider=provider or (sent.manifest.provider if sent else ""),
            today=now.astimezone(ZoneInfo("Europe/Amsterdam")).date(),
            other=Caller(http, read_credentials(other, url=url), now, secrets.token_bytes) if other else None,
            bundle=sent,
        )
        yield from judge_server(walk)
