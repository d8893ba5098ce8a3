"""The server's key folder: its secrets, the sealing keys of the present and of the past, the vendors it trusts.

sealing.key, sealing.pub    the sealing key pair of today; vendors get the .pub
sealing-<id>.key, .pub      pairs of before, which still open what is on its way
receipts.key, receipts.pub  signs receipts
receipts-next.key, .pub     will sign them: published beforehand, so that vendors know it when it does
receipts-<id>.pub           signed them before
ingest.key                  the second key of every encoding
link-view.key               the key-encryption key of the link view
attributes.key              the key-encryption key of the attribute store
vendors/<code>.json         registered vendors
epochs.json                 the epochs whose bundles are accepted (all, while there is no such file)
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dedup.bundle.filewrite import replacing
from dedup.bundle.keyfiles import (
    PUBLIC_MODE,
    SECRET_MODE,
    VERSION,
    key_document,
    read_document,
    read_key,
    refuse_linkage_key,
    timestamp,
    write_key,
)
from dedup.bundle.keys import (
    AttributeKek,
    EcPrivateKey,
    EcPublicKey,
    Entropy,
    IngestKey,
    KeyId,
    LinkViewKek,
    ReceiptSigningKey,
    ReceiptVerifyingKey,
    SealingPrivateKey,
    SealingPublicKey,
    SymmetricKey,
)
from dedup.bundle.vendors import TrustedVendor, load_trusted_vendors, load_withdrawn_keys, unnoted
from dedup.errors import KeyFileError

SEALING = "sealing"
RECEIPTS = "receipts"
INGEST_FILE = "ingest.key"
LINK_VIEW_FILE = "link-view.key"
ATTRIBUTES_FILE = "attributes.key"
VENDORS_FOLDER = "vendors"
EPOCHS_FILE = "epochs.json"
_EPOCHS_KIND = "epochs"
_EPOCH_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """All keys of the server.

    `sealing` holds every key that still opens bundles, `withdrawn` the ids of keys that vendors signed with before;
    `epochs` None accepts any epoch.
    """

    sealing: Mapping[KeyId, SealingPrivateKey]
    receipts: ReceiptSigningKey
    ingest: IngestKey
    link_view: LinkViewKek
    attributes: AttributeKek
    vendors: Mapping[KeyId, TrustedVendor]
    withdrawn: frozenset[KeyId]
    epochs: frozenset[str] | None


def make_server_keys(folder: Path, *, created: datetime, entropy: Entropy = secrets.token_bytes) -> list[Path]:
    """Make a new server's keys in `folder`; returns the files written.

    Raises `KeyFileError` (`key.exists`) before anything is written when the folder holds a key already.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(folder.glob("*.key")):
        raise KeyFileError("key.exists", f"{folder} holds keys already; `dedup keys rotate` adds a new sealing key.")
    sealing, receipts = SealingPrivateKey.generate(), ReceiptSigningKey.generate()
    files: dict[str, SymmetricKey | EcPublicKey | EcPrivateKey] = {
        f"{SEALING}.key": sealing,
        f"{SEALING}.pub": sealing.public(),
        f"{RECEIPTS}.key": receipts,
        f"{RECEIPTS}.pub": receipts.public(),
        INGEST_FILE: IngestKey.generate(entropy),
        LINK_VIEW_FILE: LinkViewKek.generate(entropy),
        ATTRIBUTES_FILE: AttributeKek.generate(entropy),
    }
    for name, key in files.items():
        write_key(folder / name, key, created=created)
    return [folder / name for name in files]


def load_server_keys(folder: Path) -> ServerKeys:
    """Read the server's key folder; raises `KeyFileError`, also when it holds a linkage key."""
    refuse_linkage_key(folder)
    return ServerKeys(
        sealing=load_sealing_keys(folder),
        receipts=read_key(folder / f"{RECEIPTS}.key", ReceiptSigningKey),
        ingest=read_key(folder / INGEST_FILE, IngestKey),
        link_view=read_key(folder / LINK_VIEW_FILE, LinkViewKek),
        attributes=read_key(folder / ATTRIBUTES_FILE, AttributeKek),
        vendors=load_trusted_vendors(folder / VENDORS_FOLDER),
        withdrawn=load_withdrawn_keys(folder / VENDORS_FOLDER),
        epochs=load_epochs(folder),
    )


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """What the web server knows of the server's keys: the public ones, those in use first, and its receipt key."""

    sealing: tuple[SealingPublicKey, ...]
    receipts: tuple[ReceiptVerifyingKey, ...]
    signing: ReceiptSigningKey


def load_published_keys(folder: Path) -> PublishedKeys:
    """Read the public keys of the server's key folder, and the key that signs receipts; no other file of it.

    Raises `KeyFileError`.
    """
    signing = read_key(folder / f"{RECEIPTS}.key", ReceiptSigningKey)
    sealing = [read_key(path, SealingPublicKey) for path in _public_files(folder, SEALING)]
    receipts = [read_key(path, ReceiptVerifyingKey) for path in _public_files(folder, RECEIPTS)]
    # By id, so that a key that stands in two files, as in the middle of a rotation, is published once.
    return PublishedKeys(
        sealing=tuple({key.key_id: key for key in sealing}.values()),
        receipts=tuple({key.key_id: key for key in (signing.public(), *receipts)}.values()),
        signing=signing,
    )


def _public_files(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}.pub", *sorted(folder.glob(f"{name}-*.pub"))]


def load_sealing_keys(folder: Path) -> dict[KeyId, SealingPrivateKey]:
    """Return every sealing key that opens bundles, by id; raises `KeyFileError` (`key.missing`) when there is none."""
    current = read_key(folder / f"{SEALING}.key", SealingPrivateKey)
    retired = (read_key(path, SealingPrivateKey) for path in sorted(folder.glob(f"{SEALING}-*.key")))
    return {key.key_id: key for key in (current, *retired)}


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the key that is published from now on, and those that still open bundles."""

    current: SealingPublicKey
    still_opening: tuple[KeyId, ...]


def rotate_sealing_key(folder: Path, *, created: datetime, note: Callable[[KeyId], None] = unnoted) -> Rotation:
    """Give the server a new sealing key pair; the pair of before goes on opening what vendors seal to it.

    `note` hears the new key's id before anything is written. A crash at any point leaves every key that was ever
    published in the folder. Raises `KeyFileError`.
    """
    old = read_key(folder / f"{SEALING}.key", SealingPrivateKey)
    new = SealingPrivateKey.generate()
    note(new.key_id)
    for suffix in ("key", "pub"):
        kept = folder / f"{SEALING}-{old.key_id}.{suffix}"
        if not kept.exists():
            kept.hardlink_to(folder / f"{SEALING}.{suffix}")
    # The private key first: what is published can then always be opened.
    for suffix, mode, key in (("key", SECRET_MODE, new), ("pub", PUBLIC_MODE, new.public())):
        with replacing(folder / f"{SEALING}.{suffix}", mode=mode) as file:
            file.write(key_document(key, created=created))
    still_opening = tuple(key_id for key_id in load_sealing_keys(folder) if key_id != new.key_id)
    return Rotation(new.public(), still_opening)


def load_epochs(folder: Path) -> frozenset[str] | None:
    """Return the ids of the linkage keys whose bundles are accepted, or None while the operator named none."""
    path = folder / EPOCHS_FILE
    if not path.exists():
        return None
    epochs = read_document(path, _EPOCHS_KIND, secret=False).get("epochs")
    if not isinstance(epochs, list) or not all(isinstance(epoch, str) for epoch in epochs):
        raise KeyFileError("key.malformed", f"{path} is not a list of epochs, or it was damaged.")
    return frozenset(epochs)


@dataclass(frozen=True, slots=True)
class EpochChange:
    """The epochs that are about to be accepted, all of them, and those that no longer will be."""

    accepted: frozenset[str]
    dropped: frozenset[str]


def set_epochs(
    folder: Path, epochs: frozenset[str], *, created: datetime, note: Callable[[EpochChange], None] = unnoted
) -> None:
    """Accept bundles of exactly these epochs from now on; raises `KeyFileError` (`key.epoch-id`).

    `note` hears of the change before it is written.
    """
    if not epochs or not all(map(_EPOCH_ID.fullmatch, epochs)):
        raise KeyFileError("key.epoch-id", "An epoch is named by its linkage key's id, up to 64 letters and digits.")
    note(EpochChange(epochs, (load_epochs(folder) or frozenset()) - epochs))
    document = {
        "kind": _EPOCHS_KIND,
        "version": VERSION,
        "key_id": "",
        "created": timestamp(created),
        "epochs": sorted(epochs),
    }
    with replacing(folder / EPOCHS_FILE, mode=PUBLIC_MODE) as file:
        file.write(json.dumps(document, indent=2).encode("ascii") + b"\n")
