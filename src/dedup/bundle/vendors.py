"""The vendors that the operator registered, and the providers that each may deliver for.

One file a vendor, `<code>.json`: `kind`, `version`, `key_id`, `created`, `vendor`, `providers` (AGB codes), `keys`, the
public JWKs that it signs with, two while it changes keys, `until`, the last day of those keys that have one, by key id,
and `withdrawn`, the ids of keys that it signed with before. `key_id` names the key added last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dedup.bundle.filewrite import replacing
from dedup.bundle.keyfiles import PUBLIC_MODE, VERSION, read_document, timestamp
from dedup.bundle.keys import KeyId, VerifyingKey, public_jwk
from dedup.errors import KeyFileError

KIND = "trusted-vendor"
LIVE_KEYS = 2  # enough to change keys without a gap; a third would be one that nobody looks after
HERE = ZoneInfo("Europe/Amsterdam")  # a key's last day is a day in the Netherlands
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AGB = re.compile(r"[0-9]{8}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class TrustedVendor:
    """One key of a registered vendor: its code, the key, and the AGB codes of the providers it may deliver for.

    `until` is the last day on which the key is good; None for one that is good until it is withdrawn.
    """

    vendor: str
    key: VerifyingKey
    providers: frozenset[str]
    until: date | None = None

    def has_expired(self, now: datetime) -> bool:
        """Tell whether the key's last day is over; `now` is an aware moment."""
        return self.until is not None and now.astimezone(HERE).date() > self.until


TrustedVendors = Mapping[KeyId, TrustedVendor]


@dataclass(frozen=True, slots=True)
class _VendorFile:
    vendor: str
    providers: frozenset[str]
    keys: tuple[VerifyingKey, ...]
    withdrawn: frozenset[KeyId] = frozenset()
    until: Mapping[KeyId, date] = field(default_factory=dict)

    def trusted(self) -> list[TrustedVendor]:
        return [TrustedVendor(self.vendor, key, self.providers, self.until.get(key.key_id)) for key in self.keys]


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


@dataclass(frozen=True, slots=True)
class VendorChange:
    """What is about to change in a vendor's file: keys and providers (AGB codes) that come and go.

    `key` is the one that is registered, None for a withdrawal; `until` its last day, if it has one.
    """

    vendor: str
    key: KeyId | None
    until: date | None
    withdrawn: frozenset[KeyId]
    granted: frozenset[str]
    revoked: frozenset[str]


Note = Callable[[VendorChange], None]


def unnoted(_: object) -> None:
    """Note a change nowhere: what is done to keys that belong to no registry."""


def register_vendor(
    folder: Path,
    *,
    vendor: str,
    key: VerifyingKey,
    providers: Collection[str],
    created: datetime,
    until: date | None = None,
    replace_keys: bool = False,
    note: Note = unnoted,
) -> list[TrustedVendor]:
    """Register a vendor's key and the providers that it may deliver for; returns all of the vendor's keys.

    A vendor that is registered already gets the key beside the one it has (with `replace_keys`, instead of all), and
    exactly these providers. `until` is the key's last day; without it, a key that has one keeps it. `note` hears of the
    change once it was checked, before anything is written; what it raises leaves all as it was.

    Raises `KeyFileError`: `key.vendor-code`, `key.provider-code`, `key.until-past`, `key.vendor-twice`, `key.too-many`
    (it has two other keys already), `key.withdrawn` (the key was taken from this vendor before).
    """
    if not _CODE.fullmatch(vendor):
        raise KeyFileError("key.vendor-code", "A vendor's code is 1 to 64 letters, digits, dots, dashes, underscores.")
    if not providers or not all(map(_AGB.fullmatch, providers)):
        raise KeyFileError("key.provider-code", "Providers are AGB codes of eight digits, at least one of them.")
    if until is not None and until < created.astimezone(HERE).date():
        raise KeyFileError("key.until-past", "This last day is over; to end a key now, withdraw it.")
    other = load_trusted_vendors(folder).get(key.key_id)
    if other is not None and other.vendor != vendor:
        raise KeyFileError("key.vendor-twice", f"This key is registered for the vendor {other.vendor} already.")
    path = folder / f"{vendor}.json"
    known = _read_vendor(path) if path.exists() else _VendorFile(vendor, frozenset(), ())
    if key.key_id in known.withdrawn:
        raise KeyFileError("key.withdrawn", "This key was withdrawn before; the vendor must make a new one.")
    others = tuple(one for one in known.keys if one.key_id != key.key_id)
    if not replace_keys and len(others) >= LIVE_KEYS:
        message = f"{vendor} has {LIVE_KEYS} keys already; withdraw one first, or replace both with --replace."
        raise KeyFileError("key.too-many", message)
    gone = frozenset(one.key_id for one in others) if replace_keys else frozenset()
    kept = () if replace_keys else others
    last_days = dict(known.until) if until is None else {**known.until, key.key_id: until}
    registered = _VendorFile(vendor, frozenset(providers), (*kept, key), known.withdrawn | gone, last_days)
    note(_change(known, registered, key.key_id))
    _write_vendor(folder, registered, key_id=key.key_id, created=created)
    return registered.trusted()


def withdraw_key(
    folder: Path, *, vendor: str, key_id: KeyId, changed: datetime, note: Note = unnoted
) -> list[TrustedVendor]:
    """Trust one of a vendor's keys no longer, from this moment on; returns those that it still has, perhaps none.

    `note` is as in `register_vendor`. Raises `KeyFileError`: `key.vendor-unknown`, `key.not-registered`.
    """
    path = folder / f"{vendor}.json"
    if not _CODE.fullmatch(vendor) or not path.exists():
        raise KeyFileError("key.vendor-unknown", "No vendor is registered under this code.")
    known = _read_vendor(path)
    left = tuple(key for key in known.keys if key.key_id != key_id)
    if len(left) == len(known.keys):
        raise KeyFileError("key.not-registered", f"{vendor} has no key {key_id}.")
    changed_file = replace(known, keys=left, withdrawn=known.withdrawn | {key_id})
    note(_change(known, changed_file, None))
    _write_vendor(folder, changed_file, key_id=left[-1].key_id if left else KeyId(""), created=changed)
    return changed_file.trusted()


def _change(before: _VendorFile, after: _VendorFile, key: KeyId | None) -> VendorChange:
    return VendorChange(
        vendor=after.vendor,
        key=key,
        until=after.until.get(key) if key else None,
        withdrawn=after.withdrawn - before.withdrawn,
        granted=after.providers - before.providers,
        revoked=before.providers - after.providers,
    )


def _write_vendor(folder: Path, file: _VendorFile, *, key_id: KeyId, created: datetime) -> None:
    live = {key.key_id for key in file.keys}
    document = {
        "kind": KIND,
        "version": VERSION,
        "key_id": key_id,
        "created": timestamp(created),
        "vendor": file.vendor,
        "providers": sorted(file.providers),
        "keys": [public_jwk(key.key) for key in file.keys],
        "until": {one: day.isoformat() for one, day in sorted(file.until.items()) if one in live},
        "withdrawn": sorted(file.withdrawn),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / f"{file.vendor}.json", mode=PUBLIC_MODE) as written:
        written.write(json.dumps(document, indent=2).encode("ascii") + b"\n")


def _read_vendor(path: Path) -> _VendorFile:
    document = read_document(path, KIND, secret=False)
    vendor, withdrawn = document.get("vendor"), document.get("withdrawn", [])
    providers, jwks, until = document.get("providers"), document.get("keys"), document.get("until", {})
    try:
        if vendor != path.stem or not isinstance(providers, list) or not isinstance(jwks, list):
            raise ValueError("members missing")
        if not all(isinstance(provider, str) and _AGB.fullmatch(provider) for provider in providers):
            raise ValueError("not AGB codes")
        if not isinstance(withdrawn, list) or not all(isinstance(key_id, str) for key_id in withdrawn):
            raise ValueError("not key ids")
        keys = tuple(VerifyingKey.from_material({"jwk": jwk}) for jwk in jwks)
        last_days = {KeyId(key_id): _day(text) for key_id, text in until.items()}
        if not set(last_days) <= {key.key_id for key in keys}:
            raise ValueError("a last day of no key")  # mistyped, it would let an expired key live on
    except (ValueError, AttributeError) as error:
        raise KeyFileError("key.malformed", f"{path.name} is not a file about a vendor, or it was damaged.") from error
    return _VendorFile(vendor, frozenset(providers), keys, frozenset(map(KeyId, withdrawn)), last_days)


def _day(text: object) -> date:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("not a day")
    return date.fromisoformat(text)
