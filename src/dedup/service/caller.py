"""Who is calling: a vendor that proved who it is, the providers it may deliver for, and what its token allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dedup.store.audit import Actor


class Scope(StrEnum):
    """What a token allows."""

    WRITE = "submissions:write"
    READ = "submissions:read"


@dataclass(frozen=True, slots=True)
class Caller:
    """A vendor by its code, the AGB codes of the providers that it may deliver for now, and its token's scopes."""

    vendor: str
    providers: frozenset[str]
    scopes: frozenset[Scope]


def actor_of(vendor: str) -> Actor:
    """Return a vendor as the audit log names it."""
    return Actor(vendor, "vendor", vendor)
