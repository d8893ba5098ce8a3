"""One linkage key becomes five subkeys, one for each purpose of the scheme."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, fields

from dedup.model.digest import SCHEME

KEY_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Subkeys:
    """The 32-byte keys derived from a linkage key; the attribute's name is the purpose in its derivation.

    `block` keys block values, `token` block tokens, `field` the tokens of fields, `sketch` is the AES-256 key of the
    sketches' hash functions, `sharing` keys verdeling_id.
    """

    block: bytes
    token: bytes
    field: bytes
    sketch: bytes
    sharing: bytes


def derive_subkeys(linkage_secret: bytes) -> Subkeys:
    """Return HMAC-SHA-256(linkage key, "dedup/v1/" + purpose) for each purpose (docs/spec/encoding-v1.md, section 2).

    Raises `ValueError` when the linkage key is not 32 bytes: key files are checked where they are read.
    """
    if len(linkage_secret) != KEY_BYTES:
        raise ValueError(f"a linkage key has {KEY_BYTES} bytes")
    purposes = [field.name for field in fields(Subkeys)]
    derived = {p: hmac.digest(linkage_secret, f"{SCHEME}/{p}".encode("ascii"), "sha256") for p in purposes}
    return Subkeys(**derived)
