"""`dedup keys trust`, `withdraw`, `rotate` and `accept-epoch`: whom and what the server believes from now on."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

if TYPE_CHECKING:
    from dedup.store.key_log import KeyLog

ServerOption = Annotated[
    Path | None, typer.Option("--server", help="The server's key folder; else `keys` in the server's home folder.")
]


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

    with _server_keys(server, config) as keys:
        if receipts:
            _rotate_receipts(keys, as_json=as_json)
            return
        done = rotate_sealing_key(keys.folder, created=keys.now, note=keys.log.sealing_key_changes)
    keys.say(
        {"key_id": done.current.key_id, "still_opening": list(done.still_opening)},
        f"New sealing key {done.current.key_id}: publish {keys.folder / 'sealing.pub'} to the vendors. "
        f"Still opening bundles: {', '.join(done.still_opening)}. Remove sealing-<id>.key and .pub of a former key "
        "once no vendor uses it any more.",
        as_json=as_json,
    )


def _rotate_receipts(keys: _ServerKeys, *, as_json: bool) -> None:
    from dedup.bundle.receiptrotation import rotate_receipt_key

    done = rotate_receipt_key(keys.folder, created=keys.now, note=keys.log.receipt_key_changes)
    if done.next is not None:
        sentence = (
            f"Receipt key {done.next.key_id} is announced; {done.current.key_id} goes on signing. Run this again when "
            "every vendor has sent something since (14 days are plenty), to put it to use."
        )
    else:
        sentence = f"Receipt key {done.current.key_id} signs from now on; former keys stay published for old receipts."
    keys.say(
        {"key_id": done.current.key_id, "next": done.next.key_id if done.next else None}, sentence, as_json=as_json
    )


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
    from dedup.bundle.vendors import withdraw_key

    with _server_keys(server, config) as keys:
        left = withdraw_key(
            keys.vendors, vendor=vendor, key_id=KeyId(key_id), changed=keys.now, note=keys.log.vendor_changes
        )
    keys.say(
        {"vendor": vendor, "withdrawn": key_id, "key_ids": [one.key.key_id for one in left]},
        f"Withdrew key {key_id} of vendor {vendor}; signing keys of this vendor that are trusted: {len(left)}.",
        as_json=as_json,
    )


def trust(
    file: Annotated[Path, typer.Argument(help="The vendor's signing.pub.")],
    vendor: Annotated[str, typer.Option("--vendor", help="The vendor's code.")],
    providers: Annotated[str, typer.Option("--providers", help="AGB codes it delivers for, separated by commas.")],
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="The last day on which the key is good."),
    ] = None,
    server: ServerOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Distrust the keys that it had before.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a vendor's signing key, and the providers that it may deliver for (the operator).

    Without --until the key is good until it is withdrawn; a key that has a last day keeps it.

    Example: dedup keys trust acme/signing.pub --vendor acme --providers 41000001,41000002 --until 2027-11-22
    """
    from dedup.bundle.keyfiles import VerifyingKey, read_key
    from dedup.bundle.vendors import register_vendor

    key = read_key(file, VerifyingKey)
    with _server_keys(server, config) as keys:
        known = register_vendor(
            keys.vendors,
            vendor=vendor,
            key=key,
            providers={code.strip() for code in providers.split(",")},
            created=keys.now,
            until=until.date() if until else None,
            replace_keys=replace,
            note=keys.log.vendor_changes,
        )
    allowed = sorted(known[0].providers)
    last_days = {one.key.key_id: one.until.isoformat() if one.until else None for one in known}
    ends = f" until {last_days[key.key_id]}" if last_days[key.key_id] else ""
    keys.say(
        {"vendor": vendor, "key_ids": list(last_days), "until": last_days, "providers": allowed},
        f"Registered key {key.key_id} of vendor {vendor}{ends}, which may deliver for {', '.join(allowed)}; "
        f"signing keys of this vendor that are trusted: {len(known)}.",
        as_json=as_json,
    )


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
    with _server_keys(server, config) as keys:
        set_epochs(keys.folder, frozenset(epochs), created=keys.now, note=keys.log.epochs_change)
    keys.say(
        {"epochs": epochs},
        f"From now on bundles of exactly these epochs are accepted: {', '.join(epochs)}.",
        as_json=as_json,
    )


@dataclass(frozen=True, slots=True)
class _ServerKeys:
    """A server's key folder at one moment, and the log in which its changes are noted."""

    folder: Path
    now: datetime
    log: KeyLog

    @property
    def vendors(self) -> Path:
        from dedup.bundle.serverkeys import VENDORS_FOLDER

        return self.folder / VENDORS_FOLDER

    def say(self, document: dict[str, Any], sentence: str, *, as_json: bool) -> None:
        """Tell what was done, and on standard error if the audit log does not know of it."""
        if as_json:
            print_json({**document, "noted": self.log.is_kept})
            return
        typer.echo(sentence)
        if not self.log.is_kept:
            typer.echo("No registry belongs to this key folder yet, so no audit log has noted it.", err=True)


@contextmanager
def _server_keys(server: Path | None, config: Path | None) -> Iterator[_ServerKeys]:
    from dedup.errors import KeyFileError
    from dedup.store.audit import Actor
    from dedup.store.key_log import KeyLog, registry_of

    settings = settings_from(config)
    folder = server if server is not None else settings.server_home / "keys"
    if not (folder / "sealing.key").is_file():
        raise KeyFileError("key.no-server", f"{folder} is no server's key folder; `dedup keys server` makes one.")
    registry, now = registry_of(folder, settings), datetime.now(UTC)
    try:
        yield _ServerKeys(folder, now, KeyLog(registry, Actor(getpass.getuser(), "operator"), now))
    finally:
        if registry is not None:
            registry.close()
