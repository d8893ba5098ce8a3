"""The clear attributes that go into a bundle beside the encodings, ready as columns."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dedup.encode.blocks import HmacSha256
from dedup.encode.subkeys import Subkeys
from dedup.extract.values import NormalisedTable
from dedup.fields import ATTRIBUTES, AttributeType

ID = "registratie_id"
SHARING = "sharing"


def bundle_attributes(table: NormalisedTable, subkeys: Subkeys) -> dict[str, list[Any]]:
    """Return the columns of `dedup.fields.ATTRIBUTES` for a registrations table, the id alone for any other.

    `sharing`, the clear verdeling_id so far, becomes HMAC(sharing key, verdeling_id) as 64 hex digits; a missing one
    stays empty.
    """
    if table.clear is None:
        return {ID: list(table.ids)}
    return {name: _column(table.clear, name, kind, subkeys) for name, kind in ATTRIBUTES.items()}


def _column(clear: pd.DataFrame, name: str, kind: AttributeType, subkeys: Subkeys) -> list[Any]:
    if name == SHARING:
        return _shared(list(clear[name]), subkeys)
    if kind is AttributeType.TEXT:
        return [str(value) for value in clear[name]]
    return [int(value) for value in clear[name]]


def _shared(verdeling_ids: list[str], subkeys: Subkeys) -> list[str]:
    digests = HmacSha256(subkeys.sharing).digests(value.encode() for value in verdeling_ids)
    return [digest.hex() if value else "" for value, digest in zip(verdeling_ids, digests, strict=True)]
