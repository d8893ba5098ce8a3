"""The files that keys are kept in: JSON, secret ones readable by their owner only (`docs/keys.md`).

A key file is one JSON object: `kind`, `version`, `key_id`, `created`, and either `secret` (32 bytes, base64url without
padding) or `jwk` (an EC key on P-256, RFC 7517). The id is derived from the key, so a file that was damaged or whose
key was swapped is refused.
"""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from dedup.bundle.canonical import parse_json
from dedup.bundle.filewrite import write_new
from dedup.bundle.keys import (
    AttributeKek,
    EcPrivateKey,
    EcPublicKey,
    IngestKey,
    KeyId,
    LinkageKey,
    LinkViewKek,
    ReceiptSigningKey,
    ReceiptVerifyingKey,
    SealingPrivateKey,
    SealingPublicKey,
    SigningKey,
    SymmetricKey,
    VendorSealingPrivateKey,
    VendorSealingPublicKey,
    VerifyingKey,
)
from dedup.errors import KeyFileError

__all__ = [
    "AttributeKek",
    "IngestKey",
    "KeyId",
    "LinkViewKek",
    "LinkageKey",
    "ReceiptSigningKey",
    "ReceiptVerifyingKey",
    "SealingPrivateKey",
    "SealingPublicKey",
    "SigningKey",
    "VendorSealingPrivateKey",
    "VendorSealingPublicKey",
    "VerifyingKey",
    "read_document",
    "read_key",
    "refuse_linkage_key",
    "write_document",
    "write_key",
]

VERSION = 1
SEALED_LINKAGE_KIND = "sealed-linkage"
SECRET_MODE = 0o600
PUBLIC_MODE = 0o644
_MAX_FILE_BYTES = 16_384
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

K = TypeVar("K", bound=SymmetricKey | EcPublicKey | EcPrivateKey)


def read_key(path: Path, wanted: type[K]) -> K:
    """Read a key file that must hold a key of the `wanted` class.

    Raises `KeyFileError`: `key.missing`, `key.permissions` (a secret that others on the machine may read),
    `key.wrong-kind`, `key.malformed`.
    """
    document = read_document(path, wanted.KIND, secret=wanted.IS_SECRET)
    material = {name: value for name, value in document.items() if name not in {"kind", "version", "key_id", "created"}}
    try:
        key = cast(K, wanted.from_material(material))
    except ValueError as error:
        raise _malformed(path) from error
    if document["key_id"] != key.key_id:
        raise _malformed(path)
    return key


def write_key(path: Path, key: SymmetricKey | EcPublicKey | EcPrivateKey, *, created: datetime) -> None:
    """Write a key to a new file, mode 0600 for secrets and 0644 for public keys.

    Raises `KeyFileError`: `key.exists` (a key file is never overwritten), `key.unwritable`.
    """
    _write(path, key_document(key, created=created), secret=key.IS_SECRET)


def key_document(key: SymmetricKey | EcPublicKey | EcPrivateKey, *, created: datetime) -> bytes:
    """Return the content of a key's file."""
    head = {"kind": key.KIND, "version": VERSION, "key_id": key.key_id, "created": timestamp(created)}
    return _text({**head, **key.material()})


def timestamp(moment: datetime) -> str:
    """Return an aware moment as UTC to the second, `2026-11-22T01:15:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_document(path: Path, kind: str, *, secret: bool) -> dict[str, Any]:
    """Read a JSON key file of this kind, refusing a secret that others may read; raises as `read_key` does."""
    document = _load(path, secret=secret)
    if document["kind"] != kind:
        raise KeyFileError(
            "key.wrong-kind", f"{path.name} holds a key of kind {document['kind']!r}; {kind!r} is needed here."
        )
    return document


def write_document(path: Path, document: dict[str, Any], *, secret: bool) -> None:
    """Write a JSON key file as a new file; raises `KeyFileError` (`key.exists`, `key.unwritable`)."""
    _write(path, _text(document), secret=secret)


def _text(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode("ascii") + b"\n"


def _write(path: Path, text: bytes, *, secret: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, text, mode=SECRET_MODE if secret else PUBLIC_MODE)
    except FileExistsError as error:
        raise KeyFileError("key.exists", f"{path} exists already; keys are never overwritten.") from error
    except OSError as error:
        raise KeyFileError("key.unwritable", f"{path} cannot be written: {error.strerror}.") from error


def refuse_linkage_key(folder: Path) -> None:
    """Raise `KeyFileError` (`key.linkage-key-on-server`) if any file under `folder` is a linkage key, sealed or open.

    The server calls this before it does anything: whoever holds a vendor's key and the server's store reads it all.
    """
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.stat().st_size > _MAX_FILE_BYTES:
            continue
        try:
            document = parse_json(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(document, dict) and document.get("kind") in {LinkageKey.KIND, SEALED_LINKAGE_KIND}:
            raise KeyFileError(
                "key.linkage-key-on-server", f"{path.name} is a linkage key; the server must never hold one: remove it."
            )


def _load(path: Path, *, secret: bool) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeyFileError("key.missing", f"The key file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a NUL in the path, which a file can name
        raise KeyFileError("key.missing", "The key file cannot be read: no file has such a name.") from error
    # Windows keeps rights in access lists, which st_mode does not show.
    if secret and os.name == "posix" and mode & _OTHERS:
        raise KeyFileError("key.permissions", f"Others may read the key file {path}; run: chmod 600 {path}")
    try:
        document = parse_json(data) if len(data) <= _MAX_FILE_BYTES else None
    except ValueError as error:
        raise _malformed(path) from error
    names = {"kind", "version", "key_id", "created"}
    if not isinstance(document, dict) or not names <= set(document) or document["version"] != VERSION:
        raise _malformed(path)
    if not all(isinstance(document[name], str) and len(document[name]) <= 64 for name in ("kind", "key_id", "created")):
        raise _malformed(path)
    return document


def _malformed(path: Path) -> KeyFileError:
    return KeyFileError("key.malformed", f"{path} is not a key file that this version can read, or it was damaged.")
