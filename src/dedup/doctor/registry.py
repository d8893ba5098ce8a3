"""Checks of the registry: there, of this version, with a whole audit log; how the last night went; what is off."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from dedup.doctor.finding import Seen, check, failed, fine, warning
from dedup.settings import Settings
from dedup.store.audit import verify_chain
from dedup.store.looking import look_into, schema_revision
from dedup.store.registry import registry_url
from dedup.store.schema import HEAD
from dedup.store.switches import switches_set
from dedup.store.tables import AuditRow, RunRow, RunState

HERE = ZoneInfo("Europe/Amsterdam")
STALE_AFTER = timedelta(hours=36)  # a night a day, and one that is late
_ENDS = ("run.done", "run.failed")


@check("doctor.registry")
def registry_is_current(settings: Settings) -> Seen:
    """See that the registry answers and has the schema of this version."""
    url = registry_url(settings)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return warning("There is no registry yet; the first night makes it.")
    with look_into(url) as session:
        revision = schema_revision(session)
    if revision is None:
        return warning("The registry has no tables yet; the first night makes them.")
    if revision != HEAD:
        return warning(f"The registry's schema is {revision}; whatever runs next makes {HEAD} of it.")
    return fine(f"The registry answers, and its schema, {revision}, is this version's.")


@check("doctor.audit")
def audit_log_is_whole(session: Session) -> Seen:
    """See that no event of the audit log was changed, removed or put in between."""
    head = verify_chain(session, None)
    return fine(f"The audit log is whole: {head.number} events.")


@check("doctor.night")
def night_is_recent(session: Session, now: datetime) -> Seen:
    """See that the newest night went well, and not too long ago."""
    done = _newest_done(session)
    last = session.execute(
        select(AuditRow.event, AuditRow.at).where(AuditRow.event.in_(_ENDS)).order_by(AuditRow.number.desc()).limit(1)
    ).first()
    if last is not None and last.event == "run.failed":
        return failed(f"The last run of a night or a month failed, on {_here(last.at)}{_since(done)}.")
    running = session.scalar(select(RunRow).where(RunRow.state == RunState.RUNNING).limit(1))
    if running is not None and now - running.started_at > STALE_AFTER:
        return warning(f"A night that began on {_here(running.started_at)} did not end{_since(done)}.")
    if done is None or done.finished_at is None:
        return warning("No night has been done yet.")
    if now - done.finished_at > STALE_AFTER:
        return warning(f"The newest night that was done is that of {done.night}: nights stand still.")
    return fine(f"The night of {done.night} was done on {_here(done.finished_at)}.")


@check("doctor.switches")
def nothing_is_switched_off(session: Session) -> Seen:
    """See whether the operator has turned anything off; why stays in `dedup switch list`."""
    names = [
        f"{one.switch.value}{f' {one.vendor}' if one.vendor else ''} (since {_here(one.set_at)})"
        for one in switches_set(session).all
    ]
    if names:
        return warning(f"Switches are set: {', '.join(names)}.")
    return fine("No switch is set.")


def _newest_done(session: Session) -> RunRow | None:
    """Return the run of the newest night that was done: monthly runs are rows beside it, and end by another event."""
    target = session.scalar(
        select(AuditRow.object).where(AuditRow.event == "run.done").order_by(AuditRow.number.desc()).limit(1)
    )
    return None if target is None else session.get(RunRow, target.partition(":")[0])


def _here(moment: datetime) -> str:
    return moment.astimezone(HERE).strftime("%Y-%m-%d at %H:%M")


def _since(done: RunRow | None) -> str:
    return f"; the newest that was done is that of {done.night}" if done else "; none was ever done"
