"""The credentials file: where a vendor uploads, under which code, with which key, and whose receipts it believes.

It holds a path and public keys, never a secret. `receipt_keys` are the operator's keys that were given when the vendor
was registered, and whatever a statement signed by one of them named since (docs/spec/upload-v1.md, section 1);
`keys_issued_at` is when the newest such statement was signed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dedup.bundle.filewrite import replacing
from dedup.bundle.keyfiles import PUBLIC_MODE, VERSION, read_document, read_key, timestamp, write_document
from dedup.bundle.keys import KeyId, ReceiptVerifyingKey, SigningKey, public_jwk
from dedup.errors import KeyFileError
from dedup.send.errors import SendError
from dedup.send.statement import ServerStatement

KIND = "upload-credentials"
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """A credentials file as read: the server's public URL, the vendor's code, its key, the receipt keys by id.

    `keys_issued_at` is when the newest statement was signed that was believed; None before the first.
    """

    path: Path
    url: str
    vendor: str
    signing_key: SigningKey
    receipt_keys: Mapping[KeyId, ReceiptVerifyingKey]
    keys_issued_at: datetime | None = None


def write_credentials(
    path: Path,
    *,
    url: str,
    vendor: str,
    signing_key: Path,
    receipt_keys: Sequence[ReceiptVerifyingKey],
    created: datetime,
) -> KeyId:
    """Write a new credentials file that names `signing_key` relative to itself; returns that key's id.

    Raises `KeyFileError` (also `key.exists`) and `SendError` (`send.url`).
    """
    key = read_key(signing_key, SigningKey)
    folder, named = path.resolve().parent, signing_key.resolve()
    document = {
        "kind": KIND,
        "version": VERSION,
        "key_id": key.key_id,
        "created": timestamp(created),
        "url": checked_url(url),
        "vendor": vendor,
        "signing_key": (named.relative_to(folder) if named.is_relative_to(folder) else named).as_posix(),
        "receipt_keys": [public_jwk(receipt_key.key) for receipt_key in receipt_keys],
    }
    write_document(path, document, secret=False)
    return key.key_id


def read_credentials(path: Path, *, url: str | None = None) -> Credentials:
    """Read a credentials file and the signing key that it names; `url` takes the place of the file's.

    Raises `KeyFileError` as `read_key`, and `SendError` (`send.url`).
    """
    document = read_document(path, KIND, secret=False)
    try:
        vendor, keys = _text(document, "vendor"), document["receipt_keys"]
        receipts = [ReceiptVerifyingKey.from_material({"jwk": jwk}) for jwk in keys]
        signing, known_url = path.parent / _text(document, "signing_key"), _text(document, "url")
        issued_at = datetime.fromisoformat(document["keys_issued_at"]) if "keys_issued_at" in document else None
        if issued_at is not None and issued_at.tzinfo is None:
            raise ValueError("no time zone")
        if not receipts:
            raise ValueError("no receipt key")
    except (ValueError, TypeError, KeyError) as error:
        raise KeyFileError("key.malformed", f"{path} is no credentials file, or it was damaged.") from error
    key = read_key(signing, SigningKey)
    if key.key_id != document["key_id"]:
        raise KeyFileError(
            "key.other-signing-key", f"{signing} is not the key that {path.name} was made for; make new credentials."
        )
    by_id = {receipt_key.key_id: receipt_key for receipt_key in receipts}
    return Credentials(path, checked_url(url or known_url), vendor, key, by_id, issued_at)


def remember_statement(credentials: Credentials, statement: ServerStatement) -> None:
    """Put the receipt keys of a statement that is believed, and its moment, in the place of those in the file.

    Raises `OSError` when new receipt keys cannot be written. A file that may only be read keeps its moment: then the
    statement's own life is what a replay is held against.
    """
    document = read_document(credentials.path, KIND, secret=False)
    newest = max(statement.issued_at, credentials.keys_issued_at or statement.issued_at)
    told: dict[str, Any] = {"keys_issued_at": timestamp(newest)}
    are_new = list(statement.receipts) != list(credentials.receipt_keys)
    if are_new:
        told["receipt_keys"] = [public_jwk(key.key) for key in statement.receipts.values()]
    try:
        with replacing(credentials.path, mode=PUBLIC_MODE) as file:
            file.write(json.dumps(document | told, indent=2).encode("ascii") + b"\n")
    except OSError:
        if are_new:
            raise


def checked_url(url: str) -> str:
    """Return a server's URL without a slash at its end; raises `SendError` (`send.url`) unless it is safe to use."""
    if not _is_safe(url):
        raise SendError(
            "send.url", "The server's URL starts with https:// (http:// for this machine only), then its name."
        )
    return url.rstrip("/")


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # no such host or port can be
        return False
    is_private = parts.scheme == "https" or (parts.scheme == "http" and host in _HERE)
    return is_private and bool(host) and "@" not in parts.netloc and not (parts.query or parts.fragment)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value
