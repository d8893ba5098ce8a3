"""What the registry knows about uploads: who declared what, how many bytes are on disk, and what became of it.

Every function works in a session of the registry. An upload is known by its vendor and submission id; `part` tells one
attempt from the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from dedup.errors import StoreError
from dedup.store.tables import SubmissionRow, UploadDayRow, UploadRow, UploadState


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a vendor says of a bundle before it sends it; `bytes` and `sha256` are those of the file."""

    submission_id: str
    provider: str
    snapshot_date: date
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an upload was rejected: a stable code, and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload; of its file, `offset` bytes are on disk for good, under the name of its `part`."""

    vendor: str
    declared: Declaration
    part: str
    idempotency_key: str
    created_at: datetime
    touched_at: datetime
    offset: int = 0
    state: UploadState = UploadState.OPEN
    faults: tuple[Fault, ...] = ()


def find_upload(session: Session, vendor: str, submission_id: str) -> Upload | None:
    """Return a vendor's upload of a submission, or None."""
    row = session.get(UploadRow, (vendor, submission_id))
    return _upload(row) if row else None


def upload_of_key(session: Session, vendor: str, idempotency_key: str) -> Upload | None:
    """Return the upload that a vendor created under this Idempotency-Key, or None."""
    row = session.scalar(
        select(UploadRow).where(UploadRow.vendor == vendor, UploadRow.idempotency_key == idempotency_key)
    )
    return _upload(row) if row else None


def begin_upload(session: Session, upload: Upload) -> None:
    """Add an upload, in place of an earlier attempt at the same submission."""
    declared = upload.declared
    session.merge(
        UploadRow(
            vendor=upload.vendor,
            submission_id=declared.submission_id,
            part=upload.part,
            idempotency_key=upload.idempotency_key,
            provider=declared.provider,
            snapshot_date=declared.snapshot_date,
            bytes=declared.bytes,
            sha256=declared.sha256,
            offset=upload.offset,
            state=upload.state,
            created_at=upload.created_at,
            touched_at=upload.touched_at,
            faults=None,
        )
    )


def note_appended(session: Session, upload: Upload, offset: int, *, at: datetime) -> None:
    """Note that the file is on disk up to `offset`, and count what was added among the vendor's bytes of the day.

    Raises `StoreError` (`store.upload-changed`) when `upload` is no longer what the registry knows.
    """
    row = _same(session, upload)
    added = offset - row.offset
    row.offset = offset
    row.touched_at = at
    day = session.get(UploadDayRow, (upload.vendor, at.date()))
    if day is None:
        session.add(UploadDayRow(vendor=upload.vendor, day=at.date(), bytes=added))
    else:
        day.bytes += added


def settle_upload(
    session: Session, upload: Upload, state: UploadState, *, at: datetime, faults: Sequence[Fault] = ()
) -> None:
    """End an open upload; raises `StoreError` (`store.upload-changed`) as `note_appended` does."""
    row = _same(session, upload)
    row.state = state
    row.touched_at = at
    row.faults = [{"code": fault.code, "detail": fault.detail} for fault in faults] or None


def is_unchanged(session: Session, upload: Upload) -> bool:
    """Tell whether the registry still knows this upload as it is here."""
    return find_upload(session, upload.vendor, upload.declared.submission_id) == upload


@dataclass(frozen=True, slots=True)
class Load:
    """What is under way: a vendor's open uploads, its bytes of the day, and what all vendors have yet to send."""

    open_uploads: int
    bytes_of_day: int
    outstanding_bytes: int


def load_of(session: Session, vendor: str, day: date) -> Load:
    """Return how much a vendor, and all of them together, have under way."""
    still_open = UploadRow.state == UploadState.OPEN
    own = select(func.count()).select_from(UploadRow).where(UploadRow.vendor == vendor, still_open)
    outstanding = select(func.coalesce(func.sum(UploadRow.bytes - UploadRow.offset), 0)).where(still_open)
    return Load(session.scalar(own) or 0, bytes_of_day(session, vendor, day), int(session.scalar(outstanding) or 0))


def bytes_of_day(session: Session, vendor: str, day: date) -> int:
    """Return how many bytes a vendor sent on a day (UTC), whatever became of them."""
    sent = session.get(UploadDayRow, (vendor, day))
    return sent.bytes if sent else 0


def untouched_uploads(session: Session, before: datetime) -> list[Upload]:
    """Return the open uploads that nothing happened to since `before`."""
    rows = session.scalars(select(UploadRow).where(UploadRow.state == UploadState.OPEN, UploadRow.touched_at < before))
    return [_upload(row) for row in rows]


def open_parts(session: Session) -> set[str]:
    """Return the names of the parts of all open uploads."""
    return set(session.scalars(select(UploadRow.part).where(UploadRow.state == UploadState.OPEN)))


def count_settled(session: Session, before: datetime) -> int:
    """Return how many uploads were settled before this moment."""
    return session.scalar(select(func.count()).select_from(UploadRow).where(*_settled(before))) or 0


def forget_settled(session: Session, before: datetime) -> None:
    """Forget uploads that were settled before this moment, and how much was sent on the days before it."""
    session.execute(delete(UploadRow).where(*_settled(before)))
    session.execute(delete(UploadDayRow).where(UploadDayRow.day < before.date()))


def uploads_of(
    session: Session, vendor: str, *, before: tuple[datetime, str] | None = None, limit: int
) -> list[Upload]:
    """Return a vendor's uploads that are no submission, the newest first, from after a moment and id."""
    is_submission = select(SubmissionRow.id).where(
        SubmissionRow.id == UploadRow.submission_id, SubmissionRow.vendor == vendor
    )
    query = select(UploadRow).where(UploadRow.vendor == vendor, ~is_submission.exists())
    if before is not None:
        moment, submission_id = before
        query = query.where(
            (UploadRow.created_at < moment)
            | ((UploadRow.created_at == moment) & (UploadRow.submission_id < submission_id))
        )
    ordered = query.order_by(UploadRow.created_at.desc(), UploadRow.submission_id.desc()).limit(limit)
    return [_upload(row) for row in session.scalars(ordered)]


def _settled(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return (UploadRow.state != UploadState.OPEN, UploadRow.touched_at < before)


def _same(session: Session, upload: Upload) -> UploadRow:
    row = session.get(UploadRow, (upload.vendor, upload.declared.submission_id))
    if row is None or _upload(row) != upload or row.state is not UploadState.OPEN:
        raise StoreError("store.upload-changed", "The upload was changed by another call meanwhile.")
    return row


def _upload(row: UploadRow) -> Upload:
    declared = Declaration(row.submission_id, row.provider, row.snapshot_date, row.bytes, row.sha256)
    return Upload(
        vendor=row.vendor,
        declared=declared,
        part=row.part,
        idempotency_key=row.idempotency_key,
        created_at=row.created_at,
        touched_at=row.touched_at,
        offset=row.offset,
        state=row.state,
        faults=tuple(Fault(fault["code"], fault["detail"]) for fault in row.faults or ()),
    )
