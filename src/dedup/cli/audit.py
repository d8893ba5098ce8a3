"""`dedup audit`: check that the audit log is whole, and look things up in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

if TYPE_CHECKING:
    from dedup.settings import Settings
    from dedup.store.audit import AuditHead
    from dedup.store.audit_search import NotedEvent

audit = typer.Typer(
    help="Check that the audit log is whole, and look things up in it.\n\nExample: dedup audit verify",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_DAY = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@audit.command("verify")
def verify(
    head: Annotated[
        str | None, typer.Option("--head", help="A head that was noted elsewhere, NUMBER:HASH; it must be in the log.")
    ] = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="A receipt of this server; the acceptance it quotes must be there.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Walk the whole chain; exit with 1 at the first event that was changed, or when its end was cut off.

    Note the head that is printed somewhere else: with it the next check shows whether anything was cut off.

    Example: dedup audit verify --receipt receipts/41000001.bundle.receipt.json
    """
    from contextlib import closing

    from dedup.store.registry import Registry, registry_url

    settings = settings_from(config)
    noted = _noted_head(head, receipt, settings)
    with closing(Registry(registry_url(settings))) as registry:
        found = registry.verify_audit(noted)
    if as_json:
        print_json({"number": found.number, "hash": found.hash, "noted": noted.number if noted else None})
        return
    checked = f", and event {noted.number} is the one that was noted" if noted else ""
    typer.echo(f"The audit log is whole{checked}: {found.number} events. Head {found.number}:{found.hash}")


@audit.command("list")
def list_(
    since: Annotated[datetime | None, typer.Option("--since", formats=_DAY, help="From this moment on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=_DAY, help="Before this moment (UTC).")] = None,
    event: Annotated[
        str | None, typer.Option("--event", help="This event only; one that ends in a dot, `switch.`, means a kind.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Done by this vendor, person or component.")] = None,
    target: Annotated[str | None, typer.Option("--object", help="Concerning this object.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 100,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show events of the audit log, from old to new.

    Example: dedup audit list --actor acme --since 2026-11-22
    """
    from contextlib import closing

    from dedup.store.audit_search import AuditSearch, search_audit
    from dedup.store.registry import Registry, registry_url

    search = AuditSearch(_utc(since), _utc(until), event, actor, target, limit)
    with closing(Registry(registry_url(settings_from(config)))) as registry, registry.read() as session:
        events = search_audit(session, search)
    if as_json:
        print_json([_document(one) for one in events])
        return
    for one in events:
        who = f"{one.actor.name} ({one.actor.role})"
        typer.echo(f"{one.number:>8}  {one.at:%Y-%m-%d %H:%M:%S}  {one.event:<22} {who:<22} {one.target}  {one.ground}")


def _noted_head(head: str | None, receipt: Path | None, settings: Settings) -> AuditHead | None:
    from dedup.errors import StoreError
    from dedup.store.audit import AuditHead

    if head is not None and receipt is not None:
        raise StoreError("store.audit-head", "Name a head or a receipt, not both.")
    if receipt is not None:
        return _head_of(receipt, settings)
    if head is None:
        return None
    number, _, digest = head.partition(":")
    if not (number.isascii() and number.isdigit() and len(digest) == 64 and set(digest) <= set("0123456789abcdef")):
        raise StoreError("store.audit-head", "A head is written NUMBER:HASH, as `dedup audit verify` prints it.")
    return AuditHead(int(number), digest)


def _head_of(receipt: Path, settings: Settings) -> AuditHead:
    """Return the head that a receipt quotes, after checking that a receipt key of this server signed it."""
    from dedup.bundle.serverkeys import load_published_keys
    from dedup.errors import StoreError
    from dedup.intake.receipts import IntakeError, verified_receipt
    from dedup.store.audit import AuditHead

    try:
        token = _token_in(receipt.read_text("ascii"))
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError("store.audit-receipt", f"{receipt.name} cannot be read as a receipt.") from error
    refused: IntakeError | None = None
    for key in load_published_keys(settings.server_home / "keys").receipts:
        try:
            said = verified_receipt(token, key)
        except IntakeError as error:
            refused = error
        else:
            return AuditHead(said["audit_number"], said["audit_hash"])
    raise refused or IntakeError("intake.receipt-wrong", "This server has no receipt key.")


def _token_in(text: str) -> str:
    """Return the signed token of a receipt file, or of the bare token that `GET .../receipt` answers."""
    import json

    if not text.lstrip().startswith("{"):
        return text.strip()
    token = json.loads(text).get("receipt")
    if not isinstance(token, str):
        raise ValueError("no receipt")
    return token


def _document(one: NotedEvent) -> dict[str, object]:
    return {
        "number": one.number,
        "at": one.at.isoformat(),
        "event": one.event,
        "actor": one.actor.name,
        "role": one.actor.role,
        "organisation": one.actor.organisation,
        "object": one.target,
        "ground": one.ground,
        "hash": one.hash,
    }


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
