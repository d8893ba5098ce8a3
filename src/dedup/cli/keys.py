"""`dedup keys`: make, seal, open, rotate and register keys. Secrets go from file to file, never onto the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from
from dedup.cli.credentials import credentials, fetch

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

ServerOption = Annotated[
    Path | None, typer.Option("--server", help="The server's key folder; else `keys` in the server's home folder.")
]


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


@keys.command("rotate")
def rotate(
    server: ServerOption = None,
    receipts: Annotated[
        bool,
        typer.Option("--receipts", help="The receipt key instead: once to announce the next one, again to use it."),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give the server a new sealing key; the ones of before go on opening what is on its way.

    Example: dedup keys rotate --server server/keys
    """
    from dedup.bundle.serverkeys import rotate_sealing_key

    folder = _server_folder(server, config)
    if receipts:
        _rotate_receipts(folder, as_json=as_json)
        return
    done = rotate_sealing_key(folder, created=_now())
    _say(
        {"key_id": done.current.key_id, "still_opening": list(done.still_opening)},
        f"New sealing key {done.current.key_id}: publish {folder / 'sealing.pub'} to the vendors. "
        f"Still opening bundles: {', '.join(done.still_opening)}. Remove sealing-<id>.key and .pub of a former key "
        "once no vendor uses it any more.",
        as_json=as_json,
    )


def _rotate_receipts(folder: Path, *, as_json: bool) -> None:
    from dedup.bundle.receiptrotation import rotate_receipt_key

    done = rotate_receipt_key(folder, created=_now())
    if done.next is not None:
        sentence = (
            f"Receipt key {done.next.key_id} is announced; {done.current.key_id} goes on signing. Run this again when "
            "every vendor has sent something since (14 days are plenty), to put it to use."
        )
    else:
        sentence = f"Receipt key {done.current.key_id} signs from now on; former keys stay published for old receipts."
    _say({"key_id": done.current.key_id, "next": done.next.key_id if done.next else None}, sentence, as_json=as_json)


@keys.command("withdraw")
def withdraw(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `trust` printed it.")],
    vendor: Annotated[str, typer.Option("--vendor", help="The vendor's code.")],
    server: ServerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trust one of a vendor's signing keys no longer; its tokens end at once (the operator).

    Example: dedup keys withdraw yHkIXR-tm3-cXs9z3w6EMeUZUgICu9dK5tDpcyq4vvA --vendor acme --server server/keys
    """
    from dedup.bundle.keys import KeyId
    from dedup.bundle.serverkeys import VENDORS_FOLDER
    from dedup.bundle.vendors import withdraw_key

    left = withdraw_key(
        _server_folder(server, config) / VENDORS_FOLDER, vendor=vendor, key_id=KeyId(key_id), changed=_now()
    )
    _say(
        {"vendor": vendor, "withdrawn": key_id, "key_ids": [one.key.key_id for one in left]},
        f"Withdrew key {key_id} of vendor {vendor}; signing keys of this vendor that are trusted: {len(left)}.",
        as_json=as_json,
    )


@keys.command("trust")
def trust(
    file: Annotated[Path, typer.Argument(help="The vendor's signing.pub.")],
    vendor: Annotated[str, typer.Option("--vendor", help="The vendor's code.")],
    providers: Annotated[str, typer.Option("--providers", help="AGB codes it delivers for, separated by commas.")],
    server: ServerOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Distrust the keys that it had before.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a vendor's signing key, and the providers that it may deliver for (the operator).

    Example: dedup keys trust acme/signing.pub --vendor acme --providers 41000001,41000002 --server server/keys
    """
    from dedup.bundle.keyfiles import VerifyingKey, read_key
    from dedup.bundle.serverkeys import VENDORS_FOLDER
    from dedup.bundle.vendors import register_vendor

    key = read_key(file, VerifyingKey)
    known = register_vendor(
        _server_folder(server, config) / VENDORS_FOLDER,
        vendor=vendor,
        key=key,
        providers={code.strip() for code in providers.split(",")},
        created=_now(),
        replace_keys=replace,
    )
    allowed = sorted(known[0].providers)
    _say(
        {"vendor": vendor, "key_ids": [one.key.key_id for one in known], "providers": allowed},
        f"Registered key {key.key_id} of vendor {vendor}, which may deliver for {', '.join(allowed)}; "
        f"signing keys of this vendor that are trusted: {len(known)}.",
        as_json=as_json,
    )


@keys.command("accept-epoch")
def accept_epoch(
    key_ids: Annotated[list[str], typer.Argument(help="The key ids of all epochs to accept from now on.")],
    server: ServerOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept bundles of exactly these epochs; during a rotation name the old one and the new one (the operator).

    Example: dedup keys accept-epoch 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --server server/keys
    """
    from dedup.bundle.serverkeys import set_epochs
    from dedup.errors import KeyFileError

    epochs = sorted(set(key_ids))
    if not all(len(epoch) == 32 and set(epoch) <= set("0123456789abcdef") for epoch in epochs):
        # A mistyped id would shut out every vendor, silently, until the next night.
        raise KeyFileError("key.epoch-id", "An epoch is named by its linkage key's id, 32 hexadecimal digits.")
    set_epochs(_server_folder(server, config), frozenset(epochs), created=_now())
    _say(
        {"epochs": epochs},
        f"From now on bundles of exactly these epochs are accepted: {', '.join(epochs)}.",
        as_json=as_json,
    )


def _server_folder(option: Path | None, config: Path | None) -> Path:
    from dedup.errors import KeyFileError

    folder = option if option is not None else settings_from(config).server_home / "keys"
    if not (folder / "sealing.key").is_file():
        raise KeyFileError("key.no-server", f"{folder} is no server's key folder; `dedup keys server` makes one.")
    return folder


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
