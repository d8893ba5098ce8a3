"""Tags by which the registry recognises a registration, and notices that its identifiers changed, without holding them.

    registration = HMAC(K("registration"), provider || registratie_id)
    identity     = HMAC(K("identity"), for each entry by pass and token: p || token)

with K(purpose) = HMAC(ingest key, "dedup/v1/ingest/" + purpose). Neither tag says anything without the ingest key.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import numpy as np

from dedup.bundle.keys import IngestKey
from dedup.model.records import TOKEN_BYTES, EncodedRecords
from dedup.store.seen import IdentityTag, RegistrationTag


def registration_tags(ids: Sequence[str], provider: str, key: IngestKey) -> list[RegistrationTag]:
    """Return the tag of each registration of one provider; the AGB code's fixed length keeps the two parts apart."""
    subkey, prefix = _subkey(key, "registration"), provider.encode("ascii")
    return [RegistrationTag(hmac.digest(subkey, prefix + one.encode("utf-8"), "sha256")) for one in ids]


def identity_tags(records: EncodedRecords, key: IngestKey) -> list[IdentityTag]:
    """Return a tag over each record's block tokens, as the vendor sent them: sorted by token within each pass."""
    rows = np.concatenate([entries.row for entries in records.passes])
    marked = np.concatenate(
        [np.insert(entries.token, 0, np.uint8(entries.number), axis=1) for entries in records.passes]
    )
    joined = marked[np.argsort(rows, kind="stable")].tobytes()
    ends = np.cumsum(np.bincount(rows, minlength=len(records))) * (TOKEN_BYTES + 1)
    subkey, start, tags = _subkey(key, "identity"), 0, []
    for end in ends.tolist():
        tags.append(IdentityTag(hmac.digest(subkey, joined[start:end], "sha256")))
        start = end
    return tags


def _subkey(key: IngestKey, purpose: str) -> bytes:
    return hmac.digest(key.secret, f"dedup/v1/ingest/{purpose}".encode("ascii"), "sha256")
