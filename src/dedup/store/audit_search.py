"""Looking things up in the audit log: who did what to which object, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dedup.store.audit import Actor
from dedup.store.tables import AuditRow


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What is asked for; None asks nothing. `event` may end in a dot, for all events of one kind."""

    since: datetime | None = None
    until: datetime | None = None
    event: str | None = None
    actor: str | None = None
    target: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class NotedEvent:
    """One event as it stands in the log."""

    number: int
    at: datetime
    event: str
    actor: Actor
    target: str
    ground: str
    hash: str


def search_audit(session: Session, search: AuditSearch) -> list[NotedEvent]:
    """Return the newest events that fit, from old to new; whether the chain is whole is `verify_chain`'s to say."""
    query = select(AuditRow)
    if search.since is not None:
        query = query.where(AuditRow.at >= search.since)
    if search.until is not None:
        query = query.where(AuditRow.at < search.until)
    if search.event is not None:
        kind = search.event.endswith(".")
        query = query.where(
            AuditRow.event.startswith(search.event, autoescape=True) if kind else AuditRow.event == search.event
        )
    if search.actor is not None:
        query = query.where(AuditRow.actor == search.actor)
    if search.target is not None:
        query = query.where(AuditRow.object == search.target)
    rows = session.scalars(query.order_by(AuditRow.number.desc()).limit(search.limit)).all()
    return [_noted(row) for row in reversed(rows)]


def _noted(row: AuditRow) -> NotedEvent:
    actor = Actor(row.actor, row.role, row.organisation)
    return NotedEvent(row.number, row.at, row.event, actor, row.object, row.ground, row.hash)
