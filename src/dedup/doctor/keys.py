"""Checks of the server's key folder: all there, private, in pairs, of vendors that can be read, no linkage key."""

from __future__ import annotations

import stat
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from dedup.bundle.keyfiles import (
    ReceiptSigningKey,
    ReceiptVerifyingKey,
    SealingPrivateKey,
    SealingPublicKey,
    read_key,
    refuse_linkage_key,
)
from dedup.bundle.keys import EcPrivateKey, EcPublicKey
from dedup.bundle.serverkeys import RECEIPTS, SEALING, VENDORS_FOLDER, load_epochs, load_server_keys
from dedup.bundle.vendors import HERE, load_trusted_vendors
from dedup.doctor.files import OTHERS
from dedup.doctor.finding import Seen, check, failed, fine, warning

WARN_BEFORE = timedelta(days=30)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@check("doctor.linkage-key")
def no_linkage_key(folder: Path) -> Seen:
    """See that no vendors' linkage key lies in the folder."""
    refuse_linkage_key(folder)
    return fine("There is no linkage key among the server's keys.")


@check("doctor.keys")
def keys_are_there(folder: Path) -> Seen:
    """See that every key of the server is there, whole, and of its kind."""
    if not folder.is_dir():
        return failed(f"There is no key folder {folder}; in a new installation make it with `dedup keys server`.")
    keys = load_server_keys(folder)
    return fine(f"All keys of the server can be read; sealing keys that open bundles: {len(keys.sealing)}.")


@check("doctor.key-modes")
def keys_are_private(folder: Path) -> Seen:
    """See that nobody but the server's user can enter the folder, read a secret, or change what is public."""
    faults = ["the folder itself"] if folder.stat().st_mode & OTHERS else []
    for path in sorted(folder.rglob("*")):
        forbidden = OTHERS if path.suffix == ".key" else _OTHERS_WRITE
        if path.stat().st_mode & forbidden:
            faults.append(path.name)
    if faults:
        return failed(f"Others on this machine can get at keys: {', '.join(faults)}.")
    return fine("Nobody but the server's user can get at its keys.")


@check("doctor.sealing-keys")
def sealing_keys_fit(folder: Path) -> Seen:
    """See that each published sealing key has the private key that opens what is sealed to it."""
    stems = [SEALING, *sorted(path.stem for path in folder.glob(f"{SEALING}-*.pub"))]
    for stem in stems:
        if not _is_pair(folder, stem, SealingPrivateKey, SealingPublicKey):
            return failed(f"{stem}.pub does not belong to {stem}.key: what is sealed to it cannot be opened.")
    return fine("The sealing key that vendors get is the one that opens their bundles.")


@check("doctor.receipt-keys")
def receipt_keys_fit(folder: Path) -> Seen:
    """See that receipts are signed with the key that is published, also while it is being changed."""
    if not _is_pair(folder, RECEIPTS, ReceiptSigningKey, ReceiptVerifyingKey):
        return failed(f"{RECEIPTS}.pub does not belong to {RECEIPTS}.key: vendors cannot verify receipts.")
    coming = f"{RECEIPTS}-next"
    if not (folder / f"{coming}.key").exists():
        return fine("Receipts are signed with the key that is published.")
    if not _is_pair(folder, coming, ReceiptSigningKey, ReceiptVerifyingKey):
        return failed(f"{coming}.pub does not belong to {coming}.key.")
    return fine("Receipts are signed with the key that is published; the next one is published too.")


@check("doctor.vendors")
def vendors_can_be_read(folder: Path) -> Seen:
    """See that each vendor's file can be read, and that each vendor has a key to sign with."""
    files = {path.stem for path in (folder / VENDORS_FOLDER).glob("*.json")}
    keys_of = Counter(one.vendor for one in load_trusted_vendors(folder / VENDORS_FOLDER).values())
    if not files:
        return warning("No vendor is registered: every bundle is refused.")
    without = sorted(files - set(keys_of))
    if without:
        return warning(f"Vendors that have no key, so that their bundles are refused: {', '.join(without)}.")
    changing = sorted(vendor for vendor, keys in keys_of.items() if keys > 1)
    also = f"; two keys, while they change them, have {', '.join(changing)}" if changing else ""
    return fine(f"Registered: {_counted(len(files), 'vendor')}, {_counted(keys_of.total(), 'live key')}{also}.")


@check("doctor.vendor-keys")
def vendor_keys_last(folder: Path, now: datetime) -> Seen:
    """See that no vendor's key has expired, or will within 30 days; `now` is an aware moment."""
    soon = now.astimezone(HERE).date() + WARN_BEFORE
    keys = load_trusted_vendors(folder / VENDORS_FOLDER).values()
    ending = [one for one in keys if one.until is not None and one.until <= soon]
    if not ending:
        return fine(f"No vendor's key expires within {WARN_BEFORE.days} days.")
    told = [f"{one.vendor} ({'since' if one.has_expired(now) else 'after'} {one.until})" for one in ending]
    return warning(f"Vendors whose key has expired or will soon: {', '.join(sorted(told))}.")


@check("doctor.epochs")
def epochs_can_be_read(folder: Path) -> Seen:
    """See which epochs' bundles are accepted."""
    epochs = load_epochs(folder)
    if epochs is None:
        return fine("Bundles of any epoch are accepted: no epochs.json names those that are.")
    also = "; snapshots of the former go once one alone is accepted" if len(epochs) > 1 else ""
    return fine(f"Bundles of {_counted(len(epochs), 'epoch')} are accepted{also}.")


def _is_pair(folder: Path, stem: str, private: type[EcPrivateKey], public: type[EcPublicKey]) -> bool:
    """Tell whether a published key is the one that belongs to the private key of that name."""
    return read_key(folder / f"{stem}.key", private).key_id == read_key(folder / f"{stem}.pub", public).key_id


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
