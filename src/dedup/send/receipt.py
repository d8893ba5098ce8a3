"""A receipt as its holder reads it: verified against the server's receipt keys and the file, then kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dedup.bundle.canonical import parse_json
from dedup.bundle.filewrite import replacing
from dedup.bundle.keys import KeyId, ReceiptVerifyingKey
from dedup.bundle.signing import RECEIPT_KIND, take_apart, verify
from dedup.errors import BundleError
from dedup.send.bundlefile import BundleFile
from dedup.send.errors import SendError

SUFFIX = ".receipt.json"
_SHOWN = ("submission_id", "provider", "snapshot_date", "received_at")
_MAX_FILE = 64 << 10


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """A receipt that was verified: what it says, the signed token, and whether the server knew the bundle before."""

    says: Mapping[str, Any]
    token: str
    duplicate: bool


def verified_receipt(
    token: object, bundle: BundleFile, keys: Mapping[KeyId, ReceiptVerifyingKey], *, duplicate: bool = False
) -> HeldReceipt:
    """Return a receipt for exactly this file, signed by one of the server's receipt keys.

    Raises `SendError`: `send.receipt-wrong` (not signed by a known key), `send.receipt-other` (of another bundle).
    """
    try:
        if not isinstance(token, str):
            raise ValueError("no receipt")
        statement = take_apart(token.encode("ascii"), kind=RECEIPT_KIND)
        verify(statement, keys[statement.key_id])
        says = parse_json(statement.payload)
    except (BundleError, ValueError, KeyError) as error:
        raise SendError(
            "send.receipt-wrong",
            "The receipt is not signed with the server's receipt key: do not rely on it, ask the operator.",
        ) from error
    manifest = bundle.manifest
    wanted = {
        "submission_id": manifest.submission_id,
        "vendor": manifest.vendor,
        "provider": manifest.provider,
        "snapshot_date": manifest.snapshot_date.isoformat(),
        "body_sha256": manifest.body_sha256,
        "file_sha256": bundle.sha256,
        "file_bytes": bundle.size,
    }
    if not isinstance(says, dict) or any(says.get(name) != value for name, value in wanted.items()):
        raise SendError(
            "send.receipt-other", "The receipt is for another bundle than the one that was sent; ask the operator."
        )
    return HeldReceipt(says, token, duplicate)


def receipt_path(bundle: Path, folder: Path | None) -> Path:
    """Return where a bundle's receipt is kept: beside it, or in `folder`."""
    return (folder or bundle.parent) / f"{bundle.name}{SUFFIX}"


def keep_receipt(receipt: HeldReceipt, path: Path) -> None:
    """Write a receipt durably, in the shape of the inbox's receipts; what was there is replaced in one step."""
    document = {name: receipt.says.get(name) for name in _SHOWN}
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        text = json.dumps({**document, "duplicate": receipt.duplicate, "receipt": receipt.token}, indent=2)
        file.write(text.encode("ascii") + b"\n")


def kept_receipt(path: Path, bundle: BundleFile, keys: Mapping[KeyId, ReceiptVerifyingKey]) -> HeldReceipt | None:
    """Return the receipt of an earlier upload of this very file, or None when there is none that holds."""
    try:
        with path.open("rb") as file:
            document = parse_json(file.read(_MAX_FILE))
        return verified_receipt(document["receipt"], bundle, keys, duplicate=True)
    except (OSError, ValueError, KeyError, TypeError, SendError):
        return None
