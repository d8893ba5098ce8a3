"""Access tokens and used assertions as the registry keeps them: digests only, and only while they matter.

Every function works in a session of the registry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from dedup.store.tables import TokenRow, UsedAssertionRow

# For so long a client that comes with an expired token hears that it expired; later, that nobody knows it.
REMEMBERED = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class KnownToken:
    """What was granted: to which vendor, for the signature of which key, which scopes, until when."""

    vendor: str
    key_id: str
    scopes: frozenset[str]
    expires_at: datetime


def use_assertion(session: Session, digest: str, *, until: datetime) -> bool:
    """Note that an assertion is used; returns False when it was used before."""
    if session.get(UsedAssertionRow, digest) is not None:
        return False
    session.add(UsedAssertionRow(digest=digest, until=until))
    return True


def keep_token(session: Session, digest: str, token: KnownToken) -> None:
    """Keep a new token by its digest."""
    session.add(
        TokenRow(
            digest=digest,
            vendor=token.vendor,
            key_id=token.key_id,
            scopes=" ".join(sorted(token.scopes)),
            expires_at=token.expires_at,
        )
    )


def find_token(session: Session, digest: str) -> KnownToken | None:
    """Return what was granted with the token of this digest, expired or not; None when it is not known."""
    row = session.get(TokenRow, digest)
    return KnownToken(row.vendor, row.key_id, frozenset(row.scopes.split()), row.expires_at) if row else None


def live_tokens(session: Session, vendor: str, *, now: datetime) -> int:
    """Count a vendor's tokens that have not expired."""
    live = select(func.count()).where(TokenRow.vendor == vendor, TokenRow.expires_at > now)
    return session.scalar(live) or 0


def forget_expired(session: Session, *, now: datetime) -> None:
    """Remove tokens that expired a while ago, and assertions that would no longer be good."""
    session.execute(delete(TokenRow).where(TokenRow.expires_at < now - REMEMBERED))
    session.execute(delete(UsedAssertionRow).where(UsedAssertionRow.until < now))
