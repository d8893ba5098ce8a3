"""The vendors that the operator registered, and the providers that each may deliver for.

One file a vendor, `<code>.json`: `kind`, `version`, `key_id`, `created`, `vendor`, `providers` (AGB codes), `keys`, the
public JWKs that it signs with, two while it changes keys, and `withdrawn`, the ids of keys that it signed with before.
`key_id` names the key added last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dedup.bundle.filewrite import replacing
from dedup.bundle.keyfiles import PUBLIC_MODE, VERSION, read_document, timestamp
from dedup.bundle.keys import KeyId, VerifyingKey, public_jwk
from dedup.errors import KeyFileError

KIND = "trusted-vendor"
LIVE_KEYS = 2  # enough to change keys without a gap; a third would be one that nobody looks after
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AGB = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class TrustedVendor:
    """One key of a registered vendor: its code, the key, and the AGB codes of the providers it may deliver for."""

    vendor: str
    key: VerifyingKey
    providers: frozenset[str]


TrustedVendors = Mapping[KeyId, TrustedVendor]


@dataclass(frozen=True, slots=True)
class _VendorFile:
    vendor: str
    providers: frozenset[str]
    keys: tuple[VerifyingKey, ...]
    withdrawn: frozenset[KeyId] = frozenset()

    def trusted(self) -> list[TrustedVendor]:
        return [TrustedVendor(self.vendor, key, self.providers) for key in self.keys]


def load_trusted_vendors(folder: Path) -> dict[KeyId, TrustedVendor]:
    """Return the registered vendors by the ids of their keys; none when the folder is not there.

    Raises `KeyFileError`: `key.malformed`, `key.wrong-kind`, `key.vendor-twice` (one key under two vendors).
    """
    trusted: dict[KeyId, TrustedVendor] = {}
    for path in sorted(folder.glob("*.json")):
        for vendor in _read_vendor(path).trusted():
            if vendor.key.key_id in trusted:
                raise KeyFileError("key.vendor-twice", f"{path.name} registers a key that another vendor already has.")
            trusted[vendor.key.key_id] = vendor
    return trusted


def load_withdrawn_keys(folder: Path) -> frozenset[KeyId]:
    """Return the ids of keys that were trusted once and are no longer; raises as `load_trusted_vendors` does."""
    return frozenset[KeyId]().union(*(_read_vendor(path).withdrawn for path in sorted(folder.glob("*.json"))))


def register_vendor(
    folder: Path,
    *,
    vendor: str,
    key: VerifyingKey,
    providers: Collection[str],
    created: datetime,
    replace_keys: bool = False,
) -> list[TrustedVendor]:
    """Register a vendor's key and the providers that it may deliver for; returns all of the vendor's keys.

    A vendor that is registered already gets the key beside the one it has (with `replace_keys`, instead of all), and
    exactly these providers. Raises `KeyFileError`: `key.vendor-code`, `key.provider-code`, `key.vendor-twice`,
    `key.too-many` (it has two other keys already), `key.withdrawn` (the key was taken from this vendor before).
    """
    if not _CODE.fullmatch(vendor):
        raise KeyFileError("key.vendor-code", "A vendor's code is 1 to 64 letters, digits, dots, dashes, underscores.")
    if not providers or not all(map(_AGB.fullmatch, providers)):
        raise KeyFileError("key.provider-code", "Providers are AGB codes of eight digits, at least one of them.")
    other = load_trusted_vendors(folder).get(key.key_id)
    if other is not None and other.vendor != vendor:
        raise KeyFileError("key.vendor-twice", f"This key is registered for the vendor {other.vendor} already.")
    path = folder / f"{vendor}.json"
    known = _read_vendor(path) if path.exists() else _VendorFile(vendor, frozenset(providers), ())
    if key.key_id in known.withdrawn:
        raise KeyFileError("key.withdrawn", "This key was withdrawn before; the vendor must make a new one.")
    others = tuple(one for one in known.keys if one.key_id != key.key_id)
    if not replace_keys and len(others) >= LIVE_KEYS:
        message = f"{vendor} has {LIVE_KEYS} keys already; withdraw one first, or replace both with --replace."
        raise KeyFileError("key.too-many", message)
    gone = frozenset(one.key_id for one in others) if replace_keys else frozenset()
    kept = () if replace_keys else others
    registered = _VendorFile(vendor, frozenset(providers), (*kept, key), known.withdrawn | gone)
    _write_vendor(folder, registered, key_id=key.key_id, created=created)
    return registered.trusted()


def withdraw_key(folder: Path, *, vendor: str, key_id: KeyId, changed: datetime) -> list[TrustedVendor]:
    """Trust one of a vendor's keys no longer, from this moment on; returns those that it still has, perhaps none.

    Raises `KeyFileError`: `key.vendor-unknown`, `key.not-registered`.
    """
    path = folder / f"{vendor}.json"
    if not _CODE.fullmatch(vendor) or not path.exists():
        raise KeyFileError("key.vendor-unknown", "No vendor is registered under this code.")
    known = _read_vendor(path)
    left = tuple(key for key in known.keys if key.key_id != key_id)
    if len(left) == len(known.keys):
        raise KeyFileError("key.not-registered", f"{vendor} has no key {key_id}.")
    changed_file = _VendorFile(vendor, known.providers, left, known.withdrawn | {key_id})
    _write_vendor(folder, changed_file, key_id=left[-1].key_id if left else KeyId(""), created=changed)
    return changed_file.trusted()


def _write_vendor(folder: Path, file: _VendorFile, *, key_id: KeyId, created: datetime) -> None:
    document = {
        "kind": KIND,
        "version": VERSION,
        "key_id": key_id,
        "created": timestamp(created),
        "vendor": file.vendor,
        "providers": sorted(file.providers),
        "keys": [public_jwk(key.key) for key in file.keys],
        "withdrawn": sorted(file.withdrawn),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{file.vendor}.json", mode=PUBLIC_MODE) as written:
        written.write(json.dumps(document, indent=2).encode("ascii") + b"\n")


def _read_vendor(path: Path) -> _VendorFile:
    document = read_document(path, KIND, secret=False)
    vendor, withdrawn = document.get("vendor"), document.get("withdrawn", [])
    providers, jwks = document.get("providers"), document.get("keys")
    try:
        if vendor != path.stem or not isinstance(providers, list) or not isinstance(jwks, list):
            raise ValueError("members missing")
        if not all(isinstance(provider, str) and _AGB.fullmatch(provider) for provider in providers):
            raise ValueError("not AGB codes")
        if not isinstance(withdrawn, list) or not all(isinstance(key_id, str) for key_id in withdrawn):
            raise ValueError("not key ids")
        keys = tuple(VerifyingKey.from_material({"jwk": jwk}) for jwk in jwks)
    except ValueError as error:
        raise KeyFileError("key.malformed", f"{path.name} is not a file about a vendor, or it was damaged.") from error
    return _VendorFile(vendor, frozenset(providers), keys, frozenset(map(KeyId, withdrawn)))
