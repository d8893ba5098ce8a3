"""The vendors that are registered now, by the keys that they sign with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dedup.bundle.keys import KeyId
from dedup.bundle.vendors import TrustedVendors, load_trusted_vendors, load_withdrawn_keys
from dedup.service.watched import Watched


@dataclass(frozen=True, slots=True)
class Registered:
    """The vendors by the ids of their keys, and the ids of keys that were withdrawn."""

    keys: TrustedVendors
    withdrawn: frozenset[KeyId]


RegisteredVendors = Watched[Registered]


def registered_vendors(folder: Path) -> RegisteredVendors:
    """Return the vendors of this folder, read again when one of their files changes."""
    return Watched(folder, (".json",), _read)


def _read(folder: Path) -> Registered:
    return Registered(load_trusted_vendors(folder), load_withdrawn_keys(folder))
