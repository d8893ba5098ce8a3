"""The clear attributes that go into a bundle beside the encodings, ready as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dedup.bundle.columns import ID
from dedup.encode.hmacs import HmacSha256, Messages
from dedup.encode.subkeys import Subkeys
from dedup.extract.values import NormalisedTable
from dedup.fields import ATTRIBUTES

SHARING = "sharing"


def bundle_attributes(table: NormalisedTable, subkeys: Subkeys) -> dict[str, list[Any]]:
    """Return the columns of `dedup.fields.ATTRIBUTES` for a registrations table, the id alone for any other."""
    if table.clear is None:
        return {ID: list(table.ids)}
    columns = {name: table.clear[name].tolist() for name in ATTRIBUTES}
    columns[SHARING] = shared(columns[SHARING], subkeys)
    return columns


def shared(verdeling_ids: Sequence[str], subkeys: Subkeys) -> list[str]:
    """Return HMAC(sharing key, verdeling_id) as 64 hex digits for each, the empty text for a missing one."""
    given = sorted(set(verdeling_ids) - {""})
    digests = HmacSha256(subkeys.sharing).digests(Messages.of(map(str.encode, given)))
    known = {"": ""} | {value: digest.tobytes().hex() for value, digest in zip(given, digests, strict=True)}
    return [known[value] for value in verdeling_ids]
