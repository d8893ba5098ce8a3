"""The vendors that the operator registered, and the providers that each may deliver for.

One file a vendor, `<code>.json`: `kind`, `version`, `key_id`, `created`, `vendor`, `providers` (AGB codes) and `keys`,
the public JWKs that it signs with: more than one while it changes keys. `key_id` names the key added last.
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
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AGB = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class TrustedVendor:
    """One key of a registered vendor: its code, the key, and the AGB codes of the providers it may deliver for."""

    vendor: str
    key: VerifyingKey
    providers: frozenset[str]


TrustedVendors = Mapping[KeyId, TrustedVendor]


def load_trusted_vendors(folder: Path) -> dict[KeyId, TrustedVendor]:
    """Return the registered vendors by the ids of their keys; none when the folder is not there.

    Raises `KeyFileError`: `key.malformed`, `key.wrong-kind`, `key.vendor-twice` (one key under two vendors).
    """
    trusted: dict[KeyId, TrustedVendor] = {}
    for path in sorted(folder.glob("*.json")):
        for vendor in _read_vendor(path):
            if vendor.key.key_id in trusted:
                raise KeyFileError("key.vendor-twice", f"{path.name} registers a key that another vendor already has.")
            trusted[vendor.key.key_id] = vendor
    return trusted


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

    A vendor that is registered already gets the key beside those it has (or, with `replace_keys`, instead of them), and
    exactly these providers. Raises `KeyFileError`: `key.vendor-code`, `key.provider-code`, `key.vendor-twice`.
    """
    if not _CODE.fullmatch(vendor):
        raise KeyFileError("key.vendor-code", "A vendor's code is 1 to 64 letters, digits, dots, dashes, underscores.")
    if not providers or not all(map(_AGB.fullmatch, providers)):
        raise KeyFileError("key.provider-code", "Providers are AGB codes of eight digits, at least one of them.")
    other = load_trusted_vendors(folder).get(key.key_id)
    if other is not None and other.vendor != vendor:
        raise KeyFileError("key.vendor-twice", f"This key is registered for the vendor {other.vendor} already.")
    path = folder / f"{vendor}.json"
    keys = [] if replace_keys or not path.exists() else [known.key for known in _read_vendor(path)]
    keys = [known for known in keys if known.key_id != key.key_id] + [key]
    document = {
        "kind": KIND,
        "version": VERSION,
        "key_id": key.key_id,
        "created": timestamp(created),
        "vendor": vendor,
        "providers": sorted(providers),
        "keys": [public_jwk(known.key) for known in keys],
    }
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path, mode=PUBLIC_MODE) as file:
        file.write(json.dumps(document, indent=2).encode("ascii") + b"\n")
    return [TrustedVendor(vendor, known, frozenset(providers)) for known in keys]


def _read_vendor(path: Path) -> list[TrustedVendor]:
    document = read_document(path, KIND, secret=False)
    vendor, providers, jwks = (document.get(name) for name in ("vendor", "providers", "keys"))
    try:
        if vendor != path.stem or not isinstance(providers, list) or not isinstance(jwks, list):
            raise ValueError("members missing")
        if not all(isinstance(provider, str) and _AGB.fullmatch(provider) for provider in providers):
            raise ValueError("not AGB codes")
        keys = [VerifyingKey.from_material({"jwk": jwk}) for jwk in jwks]
    except ValueError as error:
        raise KeyFileError("key.malformed", f"{path.name} is not a file about a vendor, or it was damaged.") from error
    return [TrustedVendor(vendor, key, frozenset(providers)) for key in keys]
