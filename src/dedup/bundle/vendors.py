"""The vendors that the operator registered, and the providers that each may deliver for.

One file a vendor, `<code>.json`: `kind`, `version`, `key_id`, `created`, `vendor`, `providers` (AGB codes) and `keys`,
the public JWKs that it signs with: more than one while it changes keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dedup.bundle.keys import KeyId, VerifyingKey


@dataclass(frozen=True, slots=True)
class TrustedVendor:
    """One key of a registered vendor: its code, the key, and the AGB codes of the providers it may deliver for."""

    vendor: str
    key: VerifyingKey
    providers: frozenset[str]


TrustedVendors = Mapping[KeyId, TrustedVendor]
