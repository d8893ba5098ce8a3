"""What the registry knows about submissions: accepting, rejecting, ingesting and superseding them.

Every function works in a session of the registry. "Newer" is by snapshot date, then by the moment at which the bundle
was made, then by id: a total order, so the order in which files arrive decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dedup.errors import StoreError
from dedup.store.objects import ObjectDigest
from dedup.store.tables import SubmissionRow, SubmissionState

_DELIVERED = (SubmissionState.ACCEPTED, SubmissionState.INGESTED, SubmissionState.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class LinkDigests:
    """The objects that entries are in: an entry map and its link view, or, before pooling, a map that holds all."""

    link_view: ObjectDigest | None
    entry_map: ObjectDigest


@dataclass(frozen=True, slots=True)
class ViewDigests:
    """The objects that hold one snapshot: its entries, perhaps with those of others, and its attributes."""

    link: LinkDigests
    attributes: ObjectDigest


@dataclass(frozen=True, slots=True)
class Held:
    """Which objects hold a submission's entries; `counts` is off once it is superseded, until they are rewritten."""

    submission_id: str
    epoch_key_id: str
    model_digest: str
    link: LinkDigests
    counts: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """One accepted submission; `views` are None until it is ingested and once it is superseded."""

    id: str
    vendor: str
    provider: str
    snapshot_date: date
    created_at: datetime
    received_at: datetime
    file_sha256: str
    file_bytes: int
    body_sha256: str
    epoch_key_id: str
    model_digest: str
    state: SubmissionState = SubmissionState.ACCEPTED
    reason_code: str | None = None
    settled_at: datetime | None = None
    registrations: int | None = None
    views: ViewDigests | None = None
    statistics: Mapping[str, Any] | None = None

    @property
    def age_order(self) -> tuple[date, datetime, str]:
        """The key by which snapshots of one provider are older or newer."""
        return (self.snapshot_date, self.created_at, self.id)


def find_submission(session: Session, submission_id: str) -> Submission | None:
    """Return a submission, or None when the registry does not know it."""
    row = session.get(SubmissionRow, submission_id)
    return _submission(row) if row else None


def newest_delivered(session: Session, provider: str, epoch_key_id: str) -> Submission | None:
    """Return a provider's newest submission in this epoch that was not rejected."""
    rows = session.scalars(
        select(SubmissionRow).where(
            SubmissionRow.provider == provider,
            SubmissionRow.epoch_key_id == epoch_key_id,
            SubmissionRow.state.in_(_DELIVERED),
        )
    )
    return max(map(_submission, rows), key=lambda submission: submission.age_order, default=None)


def delivered_before(session: Session, submission: Submission) -> Submission | None:
    """Return the snapshot of the same provider, by the same vendor, that counted last before this one, or None."""
    older = (SubmissionRow.snapshot_date < submission.snapshot_date) | (
        (SubmissionRow.snapshot_date == submission.snapshot_date)
        & (
            (SubmissionRow.created_at < submission.created_at)
            | ((SubmissionRow.created_at == submission.created_at) & (SubmissionRow.id < submission.id))
        )
    )
    row = session.scalar(
        select(SubmissionRow)
        .where(
            SubmissionRow.provider == submission.provider,
            SubmissionRow.vendor == submission.vendor,
            SubmissionRow.state.in_((SubmissionState.INGESTED, SubmissionState.SUPERSEDED)),
            older,
        )
        .order_by(SubmissionRow.snapshot_date.desc(), SubmissionRow.created_at.desc(), SubmissionRow.id.desc())
        .limit(1)
    )
    return _submission(row) if row else None


def submissions_of(
    session: Session, vendor: str, *, before: tuple[datetime, str] | None = None, limit: int
) -> list[Submission]:
    """Return a vendor's submissions, the newest acceptance first, from after a moment and an id."""
    query = select(SubmissionRow).where(SubmissionRow.vendor == vendor)
    if before is not None:
        moment, submission_id = before
        query = query.where(
            (SubmissionRow.received_at < moment)
            | ((SubmissionRow.received_at == moment) & (SubmissionRow.id < submission_id))
        )
    ordered = query.order_by(SubmissionRow.received_at.desc(), SubmissionRow.id.desc()).limit(limit)
    return [_submission(row) for row in session.scalars(ordered)]


def submissions_in_state(session: Session, state: SubmissionState) -> list[Submission]:
    """Return all submissions in a state, by provider and then from old to new."""
    rows = session.scalars(select(SubmissionRow).where(SubmissionRow.state == state))
    return sorted(map(_submission, rows), key=lambda submission: (submission.provider, submission.age_order))


def epochs_begun(session: Session) -> dict[str, datetime]:
    """Return when each epoch was first delivered, whatever became of that submission since."""
    rows = session.execute(
        select(SubmissionRow.epoch_key_id, func.min(SubmissionRow.received_at)).group_by(SubmissionRow.epoch_key_id)
    )
    return {row[0]: row[1] for row in rows}


def record_accepted(session: Session, submission: Submission) -> None:
    """Add a submission as accepted; its file must be durable already."""
    session.add(
        SubmissionRow(
            id=submission.id,
            vendor=submission.vendor,
            provider=submission.provider,
            snapshot_date=submission.snapshot_date,
            created_at=submission.created_at,
            received_at=submission.received_at,
            file_sha256=submission.file_sha256,
            file_bytes=submission.file_bytes,
            body_sha256=submission.body_sha256,
            epoch_key_id=submission.epoch_key_id,
            model_digest=submission.model_digest,
            state=SubmissionState.ACCEPTED,
        )
    )


def mark_rejected(session: Session, submission_id: str, *, reason_code: str, at: datetime) -> None:
    """Settle an accepted submission that turned out to be unusable when it was opened."""
    row = _accepted(session, submission_id)
    row.state = SubmissionState.REJECTED
    row.reason_code = reason_code
    row.settled_at = at


def mark_ingested(
    session: Session,
    submission_id: str,
    *,
    views: ViewDigests,
    registrations: int,
    statistics: Mapping[str, Any],
    at: datetime,
) -> list[Submission]:
    """Let an accepted submission count, and its provider's earlier snapshots of the epoch no longer.

    Returns the superseded submissions as they were, so that the caller can remove their attributes after the commit.
    Their entries are noted as held until they are cut out of the link views (`note_rewritten`).
    """
    row = _accepted(session, submission_id)
    earlier = session.scalars(
        select(SubmissionRow).where(
            SubmissionRow.provider == row.provider,
            SubmissionRow.epoch_key_id == row.epoch_key_id,
            SubmissionRow.state == SubmissionState.INGESTED,
        )
    ).all()
    superseded = _supersede(earlier)
    row.state = SubmissionState.INGESTED
    row.settled_at = at
    row.registrations = registrations
    row.statistics = dict(statistics)
    row.link_view, row.entry_map, row.attributes = views.link.link_view, views.link.entry_map, views.attributes
    return superseded


def retire_epochs(session: Session, accepted: Collection[str]) -> list[Submission]:
    """Let the snapshots of all other epochs count no longer; returns them as they were, as `mark_ingested` does."""
    return _supersede(
        session.scalars(
            select(SubmissionRow).where(
                SubmissionRow.state == SubmissionState.INGESTED, SubmissionRow.epoch_key_id.not_in(accepted)
            )
        ).all()
    )


def retire_older(session: Session, before: date) -> list[Submission]:
    """Let snapshots of days before `before` count no longer; returns them as they were, as `mark_ingested` does."""
    return _supersede(
        session.scalars(
            select(SubmissionRow).where(
                SubmissionRow.state == SubmissionState.INGESTED, SubmissionRow.snapshot_date < before
            )
        ).all()
    )


def _supersede(rows: Sequence[SubmissionRow]) -> list[Submission]:
    superseded = [_submission(row) for row in rows]
    for row in rows:
        row.state = SubmissionState.SUPERSEDED
        row.attributes = None
    return superseded


def held_entries(session: Session) -> list[Held]:
    """Return whose entries which objects hold, by submission id; those of superseded snapshots have yet to go."""
    rows = session.scalars(select(SubmissionRow).where(SubmissionRow.entry_map.is_not(None)).order_by(SubmissionRow.id))
    return [
        Held(row.id, row.epoch_key_id, row.model_digest, link, row.state is SubmissionState.INGESTED)
        for row in rows
        if (link := _link(row)) is not None
    ]


def note_rewritten(session: Session, submission_ids: Collection[str], link: LinkDigests | None) -> None:
    """Note in which objects the entries of these submissions are from now on; None for those that are in none."""
    for submission_id in submission_ids:
        row = session.get_one(SubmissionRow, submission_id)
        row.link_view, row.entry_map = (link.link_view, link.entry_map) if link else (None, None)


def _accepted(session: Session, submission_id: str) -> SubmissionRow:
    row = session.get(SubmissionRow, submission_id)
    if row is None or row.state is not SubmissionState.ACCEPTED:
        message = f"The submission {submission_id} is not waiting to be ingested."
        raise StoreError("store.not-accepted", message)
    return row


def _submission(row: SubmissionRow) -> Submission:
    link = _link(row)
    views = None
    if link is not None and row.attributes is not None:
        views = ViewDigests(link, ObjectDigest(row.attributes))
    return Submission(
        id=row.id,
        vendor=row.vendor,
        provider=row.provider,
        snapshot_date=row.snapshot_date,
        created_at=row.created_at,
        received_at=row.received_at,
        file_sha256=row.file_sha256,
        file_bytes=row.file_bytes,
        body_sha256=row.body_sha256,
        epoch_key_id=row.epoch_key_id,
        model_digest=row.model_digest,
        state=row.state,
        reason_code=row.reason_code,
        settled_at=row.settled_at,
        registrations=row.registrations,
        views=views,
        statistics=row.statistics,
    )


def entry_map_of(link: LinkDigests) -> ObjectDigest:
    """Return the name of the entry map, which every link view has: the order in which they are read."""
    return link.entry_map


def _link(row: SubmissionRow) -> LinkDigests | None:
    if row.entry_map is None:
        return None
    return LinkDigests(ObjectDigest(row.link_view) if row.link_view else None, ObjectDigest(row.entry_map))
