"""The linkage key on its way from the custodian to a vendor: sealed to the vendor's public sealing key with HPKE."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dedup.bundle.keyfiles import SEALED_LINKAGE_KIND, VERSION, read_document, timestamp, write_document
from dedup.bundle.keys import KeyId, LinkageKey, VendorSealingPrivateKey, VendorSealingPublicKey, b64url, unb64url
from dedup.bundle.sealing import SUITE_NAME, open_secret, seal_secret
from dedup.errors import KeyFileError


def seal_linkage_key(path: Path, key: LinkageKey, to: VendorSealingPublicKey, *, created: datetime) -> None:
    """Write the linkage key, sealed to a vendor, to a new file; raises `KeyFileError` (`key.exists`)."""
    document = {
        "kind": SEALED_LINKAGE_KIND,
        "version": VERSION,
        "key_id": key.key_id,
        "created": timestamp(created),
        "sealed_to": to.key_id,
        "suite": SUITE_NAME,
        "sealed": b64url(seal_secret(key.secret, to.key, _info(to.key_id, key.key_id))),
    }
    write_document(path, document, secret=False)


def open_linkage_key(path: Path, opened_with: VendorSealingPrivateKey) -> LinkageKey:
    """Open a linkage key that was sealed to this vendor.

    Raises `KeyFileError`: `key.wrong-recipient` (sealed to another vendor), `key.cannot-open`, and as `read_key`.
    """
    document = read_document(path, SEALED_LINKAGE_KIND, secret=False)
    if document.get("sealed_to") != opened_with.key_id:
        raise KeyFileError("key.wrong-recipient", f"{path.name} is sealed to another key than the one given.")
    try:
        sealed = unb64url(str(document.get("sealed")))
        key = LinkageKey.of(open_secret(sealed, opened_with.key, _info(opened_with.key_id, document["key_id"])))
        if key.key_id != document["key_id"]:
            raise ValueError("another key")
    except ValueError as error:
        raise KeyFileError("key.cannot-open", f"{path.name} cannot be opened: it was damaged or altered.") from error
    return key


def _info(recipient: KeyId, key_id: KeyId) -> bytes:
    return "\n".join(["dedup/v1/linkage-key", recipient, key_id]).encode("utf-8")
