"""Since when the server knows a registration, and since when with its present identifiers (rule L9, probing).

A provider can backdate its own dates, so the reflection period counts from what the server saw itself. Both the
registration and its identity stand here as HMACs under the ingest key (`dedup.ingest.identity`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Look:
    """What one snapshot shows: each registration's sighting, today's look included, and what that changes."""

    provider: str
    epoch_key_id: str
    today: date
    sightings: Mapping[RegistrationTag, Sighting]
    fresh: frozenset[RegistrationTag]
    changed: frozenset[RegistrationTag]  # another identity, or back after an absence
    gone: frozenset[RegistrationTag]


def look_at(
    session: Session,
    provider: str,
    epoch_key_id: str,
    identities: Mapping[RegistrationTag, IdentityTag],
    today: date,
) -> Look:
    """Hold a snapshot against what was seen before; changes nothing.

    A registration that is new in this epoch, but known from another one, keeps its dates: in another epoch its
    tokens differ, whoever she is, so that alone is no change of identity.
    """
    known: dict[RegistrationTag, Sighting] = {}
    elsewhere: dict[RegistrationTag, Sighting] = {}
    absent: set[RegistrationTag] = set()
    columns = (
        SeenRow.epoch_key_id,
        SeenRow.registration,
        SeenRow.first_seen,
        SeenRow.identity_since,
        SeenRow.identity_changes,
        SeenRow.identity,
        SeenRow.gone_since,
    )
    rows = session.execute(select(*columns).where(SeenRow.provider == provider).order_by(SeenRow.identity_since))
    for epoch, tag, first_seen, identity_since, identity_changes, identity, gone_since in rows:
        registration = RegistrationTag(tag)
        sighting = Sighting(first_seen, identity_since, identity_changes, IdentityTag(identity))
        if epoch != epoch_key_id:
            elsewhere[registration] = sighting
            continue
        known[registration] = sighting
        if gone_since is not None:
            absent.add(registration)
    sightings = {
        registration: _sighting(identity, known.get(registration), elsewhere.get(registration), today)
        for registration, identity in identities.items()
    }
    changed = {
        registration
        for registration, sighting in sightings.items()
        if registration in known and (sighting != known[registration] or registration in absent)
    }
    return Look(
        provider=provider,
        epoch_key_id=epoch_key_id,
        today=today,
        sightings=sightings,
        fresh=frozenset(sightings.keys() - known.keys()),
        changed=frozenset(changed),
        gone=frozenset(known.keys() - sightings.keys() - absent),
    )


def record_look(session: Session, look: Look) -> None:
    """Keep what `look_at` found; from one night to the next that is little, for most registrations stay as they are."""
    if look.fresh:
        session.execute(insert(SeenRow), [_row(look, registration) for registration in sorted(look.fresh)])
    if look.changed:
        session.execute(update(SeenRow), [_row(look, registration) for registration in sorted(look.changed)])
    if look.gone:
        session.execute(
            update(SeenRow),
            [{**_key(look, registration), "gone_since": look.today} for registration in sorted(look.gone)],
        )


def leave_epochs(session: Session, accepted: Collection[str], today: date) -> None:
    """Note that nothing of any other epoch is delivered any more, so that it is forgotten in its time."""
    session.execute(
        update(SeenRow)
        .where(SeenRow.epoch_key_id.not_in(accepted), SeenRow.gone_since.is_(None))
        .values(gone_since=today)
    )


def forget_unseen(session: Session, before: date) -> int:
    """Forget registrations that left their provider's snapshot before this date; return how many rows that were."""
    gone = session.execute(delete(SeenRow).where(SeenRow.gone_since < before).returning(SeenRow.registration))
    return len(gone.all())


def _sighting(identity: IdentityTag, before: Sighting | None, other: Sighting | None, today: date) -> Sighting:
    if before is None:
        return replace(other, identity=identity) if other else Sighting(today, today, 0, identity)
    if before.identity != identity:
        return Sighting(before.first_seen, today, before.identity_changes + 1, identity)
    return before


def _key(look: Look, registration: RegistrationTag) -> dict[str, Any]:
    return {"provider": look.provider, "epoch_key_id": look.epoch_key_id, "registration": registration}


def _row(look: Look, registration: RegistrationTag) -> dict[str, Any]:
    sighting = look.sightings[registration]
    return {
        **_key(look, registration),
        "identity": sighting.identity,
        "first_seen": sighting.first_seen,
        "identity_since": sighting.identity_since,
        "identity_changes": sighting.identity_changes,
        "gone_since": None,
    }
