"""`dedup keys`: make, seal, open, rotate and register keys. Secrets go from file to file, never onto the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import JsonOption, print_json
from dedup.cli.credentials import credentials, fetch
from dedup.cli.trust import accept_epoch, rotate, trust, withdraw

if TYPE_CHECKING:
    from datetime import datetime

keys = typer.Typer(
    help=(
        "Make, seal, open, rotate and register keys; docs/keys.md says who holds which.\n\n"
        "Example: dedup keys new-epoch --out custodian/epoch.key"
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)

keys.command("credentials")(credentials)
keys.command("fetch")(fetch)


@keys.command("new-epoch")
def new_epoch(
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not exist yet.")],
    as_json: JsonOption = False,
) -> None:
    """Make the linkage key of a new epoch (the key custodian, on a machine without encodings).

    Example: dedup keys new-epoch --out custodian/epoch.key
    """
    from dedup.bundle.keyfiles import LinkageKey, write_key

    key = LinkageKey.generate()
    write_key(out, key, created=_now())
    _say(
        {"key_id": key.key_id, "file": str(out)},
        f"Wrote the linkage key of epoch {key.key_id} to {out}. Seal it to each vendor with `dedup keys seal`.",
        as_json=as_json,
    )


@keys.command("vendor")
def vendor(
    out: Annotated[Path, typer.Option("--out", help="The folder for the four files; made if needed.")],
    as_json: JsonOption = False,
) -> None:
    """Make a vendor's two key pairs: one to sign bundles with, one to receive linkage keys with.

    Example: dedup keys vendor --out vendors/acme/keys
    """
    from dedup.bundle.vendorkeys import make_vendor_keys

    made = make_vendor_keys(out, created=_now())
    _say(
        {"signing_key_id": made.signing_key_id, "sealing_key_id": made.sealing_key_id, "files": _names(made.files)},
        f"Wrote {_listed(made.files)} to {out}. Send signing.pub (key {made.signing_key_id}) to the operator "
        f"and sealing.pub (key {made.sealing_key_id}) to the key custodian.",
        as_json=as_json,
    )


@keys.command("server")
def server(
    out: Annotated[Path, typer.Option("--out", help="The server's key folder; made if needed.")],
    as_json: JsonOption = False,
) -> None:
    """Make all keys of a new server: sealing, receipts, ingest, link view, attributes.

    Example: dedup keys server --out server/keys
    """
    from dedup.bundle.keyfiles import ReceiptVerifyingKey, SealingPublicKey, read_key
    from dedup.bundle.serverkeys import make_server_keys

    files = make_server_keys(out, created=_now())
    sealing = read_key(out / "sealing.pub", SealingPublicKey).key_id
    receipts = read_key(out / "receipts.pub", ReceiptVerifyingKey).key_id
    _say(
        {"sealing_key_id": sealing, "receipts_key_id": receipts, "files": _names(files)},
        f"Wrote {_listed(files)} to {out}. Publish sealing.pub (key {sealing}) and receipts.pub (key {receipts}) "
        "to the vendors.",
        as_json=as_json,
    )


@keys.command("seal")
def seal(
    file: Annotated[Path, typer.Argument(help="The linkage key.")],
    to: Annotated[Path, typer.Option("--to", help="The vendor's sealing.pub.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; safe to send.")],
    as_json: JsonOption = False,
) -> None:
    """Seal a linkage key to one vendor, so that it can travel (the key custodian).

    Example: dedup keys seal custodian/epoch.key --to vendors/acme/keys/sealing.pub --out acme-epoch.sealed
    """
    from dedup.bundle.epochkey import seal_linkage_key
    from dedup.bundle.keyfiles import LinkageKey, VendorSealingPublicKey, read_key

    key, recipient = read_key(file, LinkageKey), read_key(to, VendorSealingPublicKey)
    seal_linkage_key(out, key, recipient, created=_now())
    _say(
        {"key_id": key.key_id, "sealed_to": recipient.key_id, "file": str(out)},
        f"Sealed the linkage key of epoch {key.key_id} to vendor key {recipient.key_id} in {out}.",
        as_json=as_json,
    )


@keys.command("open")
def open_(
    file: Annotated[Path, typer.Argument(help="The sealed linkage key.")],
    opened_with: Annotated[Path, typer.Option("--with", help="The vendor's sealing.key.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not exist yet.")],
    as_json: JsonOption = False,
) -> None:
    """Open a linkage key that was sealed to this vendor.

    Example: dedup keys open acme-epoch.sealed --with vendors/acme/keys/sealing.key --out vendors/acme/keys/epoch.key
    """
    from dedup.bundle.epochkey import open_linkage_key
    from dedup.bundle.keyfiles import VendorSealingPrivateKey, read_key, write_key

    key = open_linkage_key(file, read_key(opened_with, VendorSealingPrivateKey))
    write_key(out, key, created=_now())
    _say(
        {"key_id": key.key_id, "file": str(out)},
        f"Wrote the linkage key of epoch {key.key_id} to {out}.",
        as_json=as_json,
    )


keys.command("rotate")(rotate)
keys.command("withdraw")(withdraw)
keys.command("trust")(trust)
keys.command("accept-epoch")(accept_epoch)


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def _names(files: list[Path]) -> list[str]:
    return [str(path) for path in files]


def _listed(files: list[Path]) -> str:
    return ", ".join(path.name for path in files)


def _say(document: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        typer.echo(sentence)
