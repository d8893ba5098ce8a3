"""Uploads: a vendor declares a bundle, sends it in chunks, and has it accepted; here, all of it but the bytes.

    open -> accepted (then the submission's own states) | rejected | aborted | expired

A submission that the registry knows outranks an upload of it, by whichever way it came in. Aborted and expired uploads
can be begun again under any Idempotency-Key, rejected ones under a fresh one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from dedup.intake.acceptance import Intake
from dedup.intake.parts import remove_part
from dedup.intake.receipts import IntakeError
from dedup.intake.upload_terms import UploadError, UploadTerms
from dedup.store.audit import AuditEvent
from dedup.store.failpoints import reach
from dedup.store.submissions import Submission, find_submission, submissions_of
from dedup.store.tables import SubmissionState, UploadState
from dedup.store.uploads import (
    Declaration,
    Upload,
    begin_upload,
    find_upload,
    load_of,
    settle_upload,
    upload_of_key,
    uploads_of,
)

PART_BYTES = 16


@dataclass(frozen=True, slots=True)
class Sender:
    """A vendor that uploads, the providers that it may deliver for now, and what its bundles are held against.

    `intake.actor` is the vendor, and `intake.keys.vendors` holds its keys only.
    """

    vendor: str
    providers: frozenset[str]
    intake: Intake
    terms: UploadTerms
    entropy: Callable[[int], bytes]

    def event(self, code: str, submission_id: str, ground: str) -> AuditEvent:
        """Return the audit event of something that this vendor does."""
        return AuditEvent(code, self.intake.now, self.intake.actor, submission_id, ground)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one submission of a vendor stands: accepted (once), or an upload on its way, or one that came to nothing.

    It is a `submission` or an `upload`. A vendor's are listed by `begun_at`: of the acceptance, else of the creation.
    """

    declared: Declaration
    state: SubmissionState | UploadState
    begun_at: datetime
    submission: Submission | None = None
    upload: Upload | None = None

    @classmethod
    def of_submission(cls, known: Submission) -> Standing:
        """Return how an accepted submission stands."""
        declared = Declaration(known.id, known.provider, known.snapshot_date, known.file_bytes, known.file_sha256)
        return cls(declared, known.state, known.received_at, submission=known)

    @classmethod
    def of_upload(cls, upload: Upload) -> Standing:
        """Return how an upload of no accepted submission stands."""
        return cls(upload.declared, upload.state, upload.created_at, upload=upload)


def standing_of(session: Session, vendor: str, submission_id: str) -> Standing:
    """Return how a vendor's submission stands; raises `UploadError` (`upload.unknown`), also for another vendor's."""
    standing = _find(session, vendor, submission_id)
    if standing is None:
        raise UploadError("upload.unknown", "There is no such upload.")
    return standing


def standings_of(
    session: Session, vendor: str, *, before: tuple[datetime, str] | None = None, limit: int
) -> list[Standing]:
    """Return how a vendor's submissions stand, the newest first, from after a moment and an id."""
    standings = [Standing.of_upload(one) for one in uploads_of(session, vendor, before=before, limit=limit)]
    standings += [Standing.of_submission(one) for one in submissions_of(session, vendor, before=before, limit=limit)]
    return sorted(standings, key=lambda one: (one.begun_at, one.declared.submission_id), reverse=True)[:limit]


def create_upload(declared: Declaration, idempotency_key: str, sender: Sender) -> tuple[Standing, bool]:
    """Begin an upload, or find the one that is there; returns how it stands, and whether it is new.

    Raises `UploadError`: `upload.key-reused`, `upload.declared-otherwise`, `upload.provider-not-allowed`,
    `upload.too-large`, `upload.too-many`, `upload.quota`, `upload.no-room`; and `IntakeError` (`intake.replayed-id`).
    """
    registry, now = sender.intake.store.registry, sender.intake.now
    with registry.read() as session:
        known = _known(session, declared, idempotency_key, sender.vendor)
    if known is not None:
        return known, False
    _check_declaration(declared, sender)
    upload = Upload(sender.vendor, declared, sender.entropy(PART_BYTES).hex(), idempotency_key, now, now)
    event = sender.event("upload.created", declared.submission_id, f"{declared.bytes} bytes for {declared.provider}")
    try:
        with registry.write(event) as session:
            known = _known(session, declared, idempotency_key, sender.vendor)
            if known is not None:
                raise _AlreadyThereError(known)
            _check_load(session, declared, sender)
            begin_upload(session, upload)
    except _AlreadyThereError as there:
        return there.standing, False
    reach("upload.created")
    return Standing.of_upload(upload), True


def open_upload(session: Session, vendor: str, submission_id: str) -> Upload:
    """Return an upload that can go on.

    Raises `UploadError`: `upload.unknown`, `upload.settled` (accepted or rejected), `upload.aborted`, `upload.expired`.
    """
    upload = standing_of(session, vendor, submission_id).upload
    if upload is None:
        raise _settled()
    refuse_unless_open(upload)
    return upload


def refuse_unless_open(upload: Upload) -> None:
    """Raise `UploadError` (`upload.settled`, `upload.aborted`, `upload.expired`) for an upload that has ended."""
    if upload.state is UploadState.EXPIRED:
        raise UploadError("upload.expired", "The upload was not touched for too long, and is gone; create it again.")
    if upload.state is UploadState.ABORTED:
        raise UploadError("upload.aborted", "The upload was aborted; create it again.")
    if upload.state is not UploadState.OPEN:
        raise _settled()


def abort_upload(submission_id: str, sender: Sender) -> None:
    """Drop what was sent; again does no harm. Who is appending at this moment fails when he commits.

    Raises `UploadError`: `upload.unknown`, `upload.settled`, `upload.expired`.
    """
    store = sender.intake.store
    with store.registry.read() as session:
        if standing_of(session, sender.vendor, submission_id).state is UploadState.ABORTED:
            return
    with store.registry.write(sender.event("upload.aborted", submission_id, "asked for by its vendor")) as session:
        upload = open_upload(session, sender.vendor, submission_id)
        settle_upload(session, upload, UploadState.ABORTED, at=sender.intake.now)
    reach("upload.aborted")
    remove_part(store, upload.part)


def check_room(size: int, sender: Sender, *, outstanding: int = 0) -> None:
    """Raise `UploadError` (`upload.no-room`) unless `size` bytes more leave free what has to stay free."""
    free = shutil.disk_usage(sender.intake.store.folder).free
    if free - outstanding - size < sender.terms.keep_free_bytes:
        raise UploadError("upload.no-room", "The server has no room for this now; the operator has to make some.")


def check_quota(sent: int, size: int, sender: Sender) -> None:
    """Raise `UploadError` (`upload.quota`) when `size` bytes more than were `sent` today are too many for one day."""
    if sent + size > sender.terms.daily_bytes:
        raise UploadError(
            "upload.quota",
            f"A vendor may send {sender.terms.daily_bytes} bytes a day (UTC), and this would be more.",
            retry_after=_seconds_to_midnight(sender.intake.now),
        )


class _AlreadyThereError(Exception):
    """Another call was first: the transaction of this one is taken back, and its caller hears how things stand."""

    def __init__(self, standing: Standing) -> None:
        super().__init__()
        self.standing = standing


def _find(session: Session, vendor: str, submission_id: str) -> Standing | None:
    submission = find_submission(session, submission_id)
    if submission is not None and submission.vendor == vendor:
        return Standing.of_submission(submission)
    upload = find_upload(session, vendor, submission_id)
    return Standing.of_upload(upload) if upload else None


def _known(session: Session, declared: Declaration, idempotency_key: str, vendor: str) -> Standing | None:
    """Return what answers this creation already, None when an upload has to be begun."""
    of_key = upload_of_key(session, vendor, idempotency_key)
    if of_key is not None and of_key.declared != declared:
        raise UploadError("upload.key-reused", "This Idempotency-Key was used with another body.")
    standing = _find(session, vendor, declared.submission_id)
    if standing is None:
        return None
    if standing.submission is not None:
        if standing.declared != declared:
            raise IntakeError("intake.replayed-id", "The bundle reuses the submission id of another bundle.")
        return standing
    if standing.state is UploadState.OPEN:
        if standing.declared != declared:
            raise UploadError(
                "upload.declared-otherwise", "An upload of this submission is open, and another file was declared."
            )
        return standing
    return standing if standing.state is UploadState.REJECTED and of_key is not None else None


def _check_declaration(declared: Declaration, sender: Sender) -> None:
    if declared.provider not in sender.providers:
        raise UploadError("upload.provider-not-allowed", "This vendor may not deliver for this provider.")
    largest = sender.intake.limits.max_bundle_bytes
    if declared.bytes > largest:
        raise UploadError("upload.too-large", f"A bundle has at most {largest} bytes.")


def _check_load(session: Session, declared: Declaration, sender: Sender) -> None:
    load = load_of(session, sender.vendor, sender.intake.now.astimezone(UTC).date())
    if load.open_uploads >= sender.terms.open_uploads:
        raise UploadError(
            "upload.too-many",
            f"A vendor has at most {sender.terms.open_uploads} uploads open at once; complete or abort some.",
            retry_after=60,
        )
    check_quota(load.bytes_of_day, declared.bytes, sender)
    check_room(declared.bytes, sender, outstanding=load.outstanding_bytes)


def _settled() -> UploadError:
    return UploadError("upload.settled", "The submission is settled, and nothing of it can be changed.")


def _seconds_to_midnight(now: datetime) -> int:
    at = now.astimezone(UTC)
    midnight = (at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, round((midnight - at).total_seconds()))
