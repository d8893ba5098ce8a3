"""The audit log: append-only events, each sealed to the one before it by its hash (NEN 7513's fields).

The hash of an event is SHA-256 over the canonical JSON of its fields and the previous event's hash. Changing, removing
or inserting an event breaks the chain behind it; cutting off the end shows when a head that was noted elsewhere
(in a receipt, in a report) is no longer in the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dedup.errors import StoreError
from dedup.store.tables import AuditRow

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person's or a component's name, in which role, for which organisation."""

    name: str
    role: str
    organisation: str = ""


NIGHTLY = Actor("nightly", "system")
INTAKE = Actor("intake", "system")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What is about to be written: `event` is a stable code, `target` the id of the object that it concerns.

    None of the fields may hold an identifier's value; `ground` is the reason or the policy that allows the event.
    """

    event: str
    at: datetime
    actor: Actor
    target: str
    ground: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last event's number (0: there is none) and hash: what signs for the whole log before it."""

    number: int
    hash: str


def append_events(session: Session, events: Sequence[AuditEvent]) -> AuditHead:
    """Append events to the chain, in their order, in the caller's transaction."""
    head = audit_head(session)
    for event in events:
        row = AuditRow(
            number=head.number + 1,
            at=event.at.astimezone(UTC),
            event=event.event,
            actor=event.actor.name,
            role=event.actor.role,
            organisation=event.actor.organisation,
            object=event.target,
            ground=event.ground,
            previous_hash=head.hash,
        )
        row.hash = _hash_of(row)
        session.add(row)
        head = AuditHead(row.number, row.hash)
    session.flush()
    return head


def audit_head(session: Session) -> AuditHead:
    """Return the chain's head."""
    last = session.execute(select(AuditRow.number, AuditRow.hash).order_by(AuditRow.number.desc()).limit(1)).first()
    return AuditHead(last.number, last.hash) if last else AuditHead(0, GENESIS)


def verify_chain(session: Session, noted: AuditHead | None) -> AuditHead:
    """Walk the whole chain and return its head.

    Raises `StoreError`: `store.audit-broken` at the first event that does not fit, `store.audit-cut` when the head
    that was `noted` elsewhere is not in the chain.
    """
    head = AuditHead(0, GENESIS)
    noted_found = noted is None or noted == head
    for row in session.scalars(select(AuditRow).order_by(AuditRow.number).execution_options(yield_per=1000)):
        if (row.number, row.previous_hash, row.hash) != (head.number + 1, head.hash, _hash_of(row)):
            message = f"The audit log was changed: its chain breaks at event {row.number}."
            raise StoreError("store.audit-broken", message)
        head = AuditHead(row.number, row.hash)
        noted_found = noted_found or noted == head
    if not noted_found:
        message = "The audit log was cut off: the head that was noted earlier is not in its chain."
        raise StoreError("store.audit-cut", message)
    return head


def _hash_of(row: AuditRow) -> str:
    fields = {
        "number": row.number,
        "at": row.at.isoformat(timespec="microseconds"),
        "event": row.event,
        "actor": row.actor,
        "role": row.role,
        "organisation": row.organisation,
        "object": row.object,
        "ground": row.ground,
        "previous_hash": row.previous_hash,
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
