"""The confidential list of contracts as the server keeps it: one object, encrypted under the attributes' key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pandas as pd

from dedup.bundle.serverkeys import ServerKeys
from dedup.errors import StoreError
from dedup.reports.contracts import Contracts, match_contracts, read_contracts
from dedup.settings import Settings
from dedup.store.objects import ObjectStore
from dedup.store.wrapping import LocalKey

FOLDER = "contracts"


def keep_contracts(settings: Settings, keys: ServerKeys, content: bytes) -> pd.DataFrame:
    """Check a list and keep it in place of the earlier one; returns its lines. Raises what `read_contracts` raises."""
    listed = read_contracts(content)
    objects = _objects(settings, keys)
    objects.recover([objects.put(content)])
    return listed


def kept_contracts(settings: Settings, keys: ServerKeys) -> bytes | None:
    """Return the list that is kept, None when there is none; raises `StoreError` (`store.contracts`) for two."""
    objects = _objects(settings, keys)
    names = objects.names()
    if len(names) > 1:
        raise StoreError("store.contracts", "Two lists of contracts are kept; import the right one again.")
    return bytes(objects.get(names.pop())) if names else None


def contracts_of(
    content: bytes | None, names: dict[str, str], today: date, *, new_codes: Mapping[str, str]
) -> Contracts | None:
    """Return the contracts that hold on a day, None when no list is kept; a merged provider's are its successor's."""
    if content is None:
        return None
    matched = match_contracts(read_contracts(content), names, today)
    codes = matched.table["aanbieder_agb"].replace(dict(new_codes))
    table = matched.table.assign(aanbieder_agb=codes).drop_duplicates(["ksv", "aanbieder_agb"], ignore_index=True)
    return replace(matched, table=table)


def digest_of_contracts(content: bytes | None) -> str:
    """Return what a stage remembers of the list: its SHA-256, "" when there is none."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _objects(settings: Settings, keys: ServerKeys) -> ObjectStore:
    wrapper = LocalKey(keys.attributes.key_id, keys.attributes.secret)
    return ObjectStore(settings.server_home / "store" / FOLDER, wrapper)
