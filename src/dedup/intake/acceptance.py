"""Accept one bundle, wherever it came from: verify it, make it durable, commit it, and only then promise anything.

The bundle is a private copy in the store's folder, so nobody can change it between its verification and its acceptance.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from dedup.bundle.keys import KeyId, ReceiptSigningKey
from dedup.bundle.manifest import Manifest
from dedup.bundle.outside import read_manifest
from dedup.bundle.vendors import TrustedVendors
from dedup.errors import BundleError, DedupError
from dedup.intake.checks import Circumstances, IntakeLimits, faults_of
from dedup.intake.receipts import IntakeError, Receipt, Rejection, signed_receipt
from dedup.model.linkage import LinkageModel
from dedup.store.audit import INTAKE, Actor, AuditEvent, AuditHead
from dedup.store.bundles import BundleStore
from dedup.store.durable import publish
from dedup.store.failpoints import reach
from dedup.store.submissions import Submission, find_submission, newest_delivered, record_accepted
from dedup.store.switches import switches_set
from dedup.store.tables import AuditRow, SubmissionState, UploadState
from dedup.store.uploads import Fault, Upload, settle_upload

ACCEPTED = "submission.accepted"
REFUSED = "submission.refused"


class IntakeKeys(Protocol):
    """The keys that intake works with; none of them opens a bundle."""

    @property
    def sealing(self) -> Collection[KeyId]:
        """The ids of the keys that bundles may be sealed to."""

    @property
    def receipts(self) -> ReceiptSigningKey:
        """What receipts are signed with."""

    @property
    def vendors(self) -> TrustedVendors:
        """The keys that bundles may be signed with."""

    @property
    def withdrawn(self) -> Collection[KeyId]:
        """The ids of keys that vendors signed with before, and that are trusted no longer."""

    @property
    def epochs(self) -> Collection[str] | None:
        """The linkage keys that are in use; None for any."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything that a bundle is held against when it comes in; `today` is the day in the Netherlands."""

    store: BundleStore
    keys: IntakeKeys
    model: LinkageModel
    limits: IntakeLimits
    today: date
    now: datetime
    actor: Actor = INTAKE


@dataclass(frozen=True, slots=True)
class Copy:
    """A durable private copy of a file that came in, under a name of the store's own.

    Where it came as an upload, that is settled in the same transaction as the bundle.
    """

    file_name: str
    path: Path
    sha256: str
    size: int
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A copy that is a whole bundle, signed by a vendor that may deliver it."""

    copy: Copy
    manifest: Manifest


def verify(copy: Copy, intake: Intake) -> Verified | Rejection:
    """Check form, signature, digest and the vendor's rights; a copy that fails is removed.

    Raises `OSError` when the copy cannot be read: our disk fails, and that is no fault of the bundle.
    """
    try:
        manifest = read_manifest(copy.path, trusted=intake.keys.vendors, withdrawn=intake.keys.withdrawn)
        return Verified(copy, manifest)
    except BundleError as fault:
        if isinstance(fault.__cause__, OSError):
            raise fault.__cause__ from None
        return refuse(Rejection(copy.file_name, (fault,), copy.sha256), intake, copy)


def accept(verified: Verified, intake: Intake) -> Receipt | Rejection:
    """Accept a verified bundle once, whatever happened before; returns its receipt, or why it is not accepted.

    The caller holds the intake lock. The copy is moved to where ingest looks for it, or removed.
    """
    copy, manifest = verified.copy, verified.manifest
    with intake.store.registry.read() as session:
        known = find_submission(session, manifest.submission_id)
        newest = newest_delivered(session, manifest.provider, manifest.epoch_key_id)
        blocked = switches_set(session).blocks(manifest.vendor)
    if known is not None:
        return _again(known, verified, intake)
    circumstances = Circumstances(
        model=intake.model,
        epochs=intake.keys.epochs,
        sealing_keys=intake.keys.sealing,
        limits=intake.limits,
        today=intake.today,
        now=intake.now,
        newest=newest,
        signer=intake.keys.vendors.get(manifest.signed_by) if manifest.signed_by else None,
        blocked=blocked,
    )
    faults = faults_of(manifest, circumstances)
    if faults:
        return refuse(Rejection(copy.file_name, faults, copy.sha256, manifest.submission_id), intake, copy)
    publish(copy.path, intake.store.bundle_path(copy.sha256))
    reach("intake.moved")
    submission = _submission(verified, intake.now)
    with intake.store.registry.write(
        AuditEvent(ACCEPTED, intake.now, intake.actor, submission.id, "signed by a registered vendor")
    ) as session:
        record_accepted(session, submission)
        _settle(session, copy, UploadState.ACCEPTED, intake)
    reach("intake.committed")
    return receipt_of(copy.file_name, submission, intake, duplicate=False)


def refuse(rejection: Rejection, intake: Intake, copy: Copy | None = None) -> Rejection:
    """Note a refusal in the audit log and remove the copy; the sender's own file is the caller's to move."""
    target = rejection.submission_id or rejection.file_sha256 or "not a file"
    event = AuditEvent(REFUSED, intake.now, intake.actor, target, rejection.code)
    with intake.store.registry.write(event) as session:
        _settle(session, copy, UploadState.REJECTED, intake, rejection.faults)
    reach("intake.refused")
    if copy is not None:
        copy.path.unlink(missing_ok=True)
    return rejection


def _settle(
    session: Session, copy: Copy | None, state: UploadState, intake: Intake, faults: tuple[DedupError, ...] = ()
) -> None:
    """End the upload that a copy came as, if it did."""
    if copy is not None and copy.upload is not None:
        told = [Fault(fault.code, fault.message) for fault in faults]
        settle_upload(session, copy.upload, state, at=intake.now, faults=told)


def _again(known: Submission, verified: Verified, intake: Intake) -> Receipt | Rejection:
    """Answer a submission id that is known: the same bundle counts once, another one is refused."""
    copy, manifest = verified.copy, verified.manifest
    fault: DedupError | None = None
    if not _is_same(known, manifest):
        fault = IntakeError("intake.replayed-id", "The bundle reuses the submission id of another bundle.")
    elif known.state is SubmissionState.REJECTED:
        message = "The bundle was received before and turned out to be unusable; send a new one."
        fault = IntakeError(known.reason_code or "intake.rejected-before", message)
    if fault is not None:
        return refuse(Rejection(copy.file_name, (fault,), copy.sha256, known.id), intake, copy)
    copy.path.unlink()
    return receipt_of(copy.file_name, known, intake, duplicate=True)


def _is_same(known: Submission, manifest: Manifest) -> bool:
    """Compare what was signed; the files may differ, for no two signatures of one manifest are alike."""
    return (known.body_sha256, known.vendor, known.provider, known.snapshot_date, known.epoch_key_id) == (
        manifest.body_sha256,
        manifest.vendor,
        manifest.provider,
        manifest.snapshot_date,
        manifest.epoch_key_id,
    )


def _submission(verified: Verified, now: datetime) -> Submission:
    manifest = verified.manifest
    return Submission(
        id=manifest.submission_id,
        vendor=manifest.vendor,
        provider=manifest.provider,
        snapshot_date=manifest.snapshot_date,
        created_at=datetime.fromisoformat(manifest.created_at),
        received_at=now,
        file_sha256=verified.copy.sha256,
        file_bytes=verified.copy.size,
        body_sha256=manifest.body_sha256,
        epoch_key_id=manifest.epoch_key_id,
        model_digest=manifest.model_digest,
    )


def receipt_of(file_name: str, submission: Submission, intake: Intake, *, duplicate: bool) -> Receipt:
    """Return the receipt of an accepted submission, signed anew; it says what the first one said."""
    with intake.store.registry.read() as session:
        number, digest = session.execute(
            select(AuditRow.number, AuditRow.hash).where(AuditRow.object == submission.id, AuditRow.event == ACCEPTED)
        ).one()
    token = signed_receipt(submission, AuditHead(number, digest), intake.keys.receipts)
    return Receipt(file_name, submission, token, duplicate)
