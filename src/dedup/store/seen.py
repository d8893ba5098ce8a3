"""Since when the server knows a registration, and since when with its present identifiers (rule L9, probing).

A provider can backdate its own dates, so the reflection period counts from what the server saw itself. Both the
registration and its identity stand here as HMACs under the ingest key (`dedup.ingest.identity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NewType

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from dedup.store.tables import SeenRow

RegistrationTag = NewType("RegistrationTag", bytes)
IdentityTag = NewType("IdentityTag", bytes)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Since when a registration is known, since when as it is now, and how often its identity changed."""

    first_seen: date
    identity_since: date
    identity_changes: int
    identity: IdentityTag


def sightings(
    session: Session,
    provider: str,
    epoch_key_id: str,
    identities: Mapping[RegistrationTag, IdentityTag],
    today: date,
) -> dict[RegistrationTag, Sighting]:
    """Return what is known of each registration of a snapshot, today's look included; changes nothing.

    A registration that is new in this epoch, but known from another one, keeps its dates: in another epoch its
    tokens differ, whoever she is, so that alone is no change of identity.
    """
    known: dict[RegistrationTag, Sighting] = {}
    elsewhere: dict[RegistrationTag, Sighting] = {}
    rows = session.scalars(select(SeenRow).where(SeenRow.provider == provider).order_by(SeenRow.last_seen))
    for row in rows:
        there = known if row.epoch_key_id == epoch_key_id else elsewhere
        there[RegistrationTag(row.registration)] = Sighting(
            row.first_seen, row.identity_since, row.identity_changes, IdentityTag(row.identity)
        )
    result = {}
    for registration, identity in identities.items():
        before = known.get(registration)
        other = elsewhere.get(registration)
        if before is None and other is None:
            result[registration] = Sighting(today, today, 0, identity)
        elif before is None and other is not None:
            result[registration] = Sighting(other.first_seen, other.identity_since, other.identity_changes, identity)
        elif before is not None and before.identity != identity:
            result[registration] = Sighting(before.first_seen, today, before.identity_changes + 1, identity)
        elif before is not None:
            result[registration] = before
    return result


def record_sightings(
    session: Session, provider: str, epoch_key_id: str, seen: Mapping[RegistrationTag, Sighting], today: date
) -> None:
    """Keep what `sightings` returned; registrations that are no longer delivered keep their last date."""
    known = set(
        session.scalars(
            select(SeenRow.registration).where(SeenRow.provider == provider, SeenRow.epoch_key_id == epoch_key_id)
        )
    )
    fresh, again = _split(seen, known, provider, epoch_key_id, today)
    if fresh:
        session.execute(insert(SeenRow), fresh)
    if again:
        session.execute(update(SeenRow), again)


def forget_unseen(session: Session, before: date) -> int:
    """Forget registrations that were last delivered before this date; return how many rows that were."""
    gone = session.execute(delete(SeenRow).where(SeenRow.last_seen < before).returning(SeenRow.registration))
    return len(gone.all())


def _split(
    seen: Mapping[RegistrationTag, Sighting], known: set[bytes], provider: str, epoch_key_id: str, today: date
) -> tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]]:
    fresh: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for registration, sighting in seen.items():
        row = {
            "provider": provider,
            "epoch_key_id": epoch_key_id,
            "registration": registration,
            "identity": sighting.identity,
            "first_seen": sighting.first_seen,
            "identity_since": sighting.identity_since,
            "identity_changes": sighting.identity_changes,
            "last_seen": today,
        }
        (again if registration in known else fresh).append(row)
    return fresh, again
