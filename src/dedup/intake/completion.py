"""Complete an upload: the file is held against what was declared, and goes through the same door as all others."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import replace

from dedup.errors import DedupError
from dedup.intake.acceptance import Copy, Verified, accept, receipt_of, refuse, verify
from dedup.intake.parts import locked_part, unless_changed
from dedup.intake.receipts import IntakeError, Receipt, Rejection, unusable
from dedup.intake.upload_terms import UploadError
from dedup.intake.uploads import Sender, Standing, refuse_unless_open, standing_of
from dedup.store.durable import TEMPORARY_SUFFIX
from dedup.store.failpoints import reach
from dedup.store.lock import INTAKE_LOCK, run_lock
from dedup.store.submissions import Submission
from dedup.store.tables import SubmissionState, UploadState
from dedup.store.uploads import Upload, settle_upload


def complete_upload(submission_id: str, sha256: str, sender: Sender) -> Receipt | Rejection:
    """Accept an upload whose file has this SHA-256 in hex, once, or reject it with every fault; again changes nothing.

    Raises `UploadError`: `upload.unknown`, `upload.aborted`, `upload.expired`, `upload.incomplete`,
    `upload.digest-declared`, and those of `lock_part`, `upload.busy` also when it is aborted meanwhile; `StoreError`
    (`store.locked`) when the intake lock stays taken.
    """
    store = sender.intake.store
    with store.registry.read() as session:
        standing = standing_of(session, sender.vendor, submission_id)
    if standing.declared.sha256 != sha256:
        raise UploadError("upload.digest-declared", "This is not the digest that was declared of the file.")
    if standing.submission is not None:
        return _answer_again(standing.submission, sender)
    upload = _complete_one(standing)
    if upload.state is UploadState.REJECTED:
        faults = tuple(IntakeError(fault.code, fault.detail) for fault in upload.faults)
        return Rejection(_name(upload), faults, upload.declared.sha256, submission_id)
    with locked_part(store, upload, sender.intake.now) as descriptor, unless_changed():
        answer = _taken(upload, descriptor, sender)
        reach("upload.settled")
        store.part_path(upload.part).unlink(missing_ok=True)
    return answer


def _complete_one(standing: Standing) -> Upload:
    """Return the upload, which is rejected, or open with all of its bytes."""
    upload = standing.upload
    if upload is None:
        raise UploadError("upload.unknown", "There is no such upload.")
    if upload.state is not UploadState.REJECTED:
        refuse_unless_open(upload)
        if upload.offset < upload.declared.bytes:
            raise UploadError("upload.incomplete", "Not all of the file is there.", offset=upload.offset)
    return upload


def _taken(upload: Upload, descriptor: int, sender: Sender) -> Receipt | Rejection:
    """Verify the part file and accept it under the intake lock, by a second name, so that a crash loses nothing."""
    store, intake = sender.intake.store, sender.intake
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    copy = Copy(_name(upload), store.part_path(upload.part), sha256, upload.declared.bytes, upload)
    looked_at = _as_declared(copy, upload, sender) or verify(copy, intake)
    if isinstance(looked_at, Verified):
        looked_at = _manifest_as_declared(looked_at, upload, sender)
    if isinstance(looked_at, Rejection):
        return looked_at
    reach("upload.verified")
    with run_lock(store.folder, name=INTAKE_LOCK, registry=store.registry, patience=sender.terms.lock_seconds):
        second = store.submissions / f".{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        second.hardlink_to(copy.path)
        reach("upload.linked")
        try:
            answer = accept(replace(looked_at, copy=replace(copy, path=second)), intake)
        finally:
            second.unlink(missing_ok=True)
    if isinstance(answer, Receipt) and answer.duplicate:
        _settle_duplicate(upload, sender)
    return answer


def _as_declared(copy: Copy, upload: Upload, sender: Sender) -> Rejection | None:
    if copy.sha256 == upload.declared.sha256:
        return None
    fault = UploadError("upload.not-as-declared", "The file does not have the digest that was declared of it.")
    return _refused(copy, upload, fault, sender)


def _manifest_as_declared(verified: Verified, upload: Upload, sender: Sender) -> Verified | Rejection:
    manifest, declared = verified.manifest, upload.declared
    said = (manifest.submission_id, manifest.provider, manifest.snapshot_date)
    if said == (declared.submission_id, declared.provider, declared.snapshot_date):
        return verified
    message = "The bundle's manifest names another submission, provider or snapshot date than was declared."
    return _refused(verified.copy, upload, UploadError("upload.not-as-declared", message), sender)


def _refused(copy: Copy, upload: Upload, fault: DedupError, sender: Sender) -> Rejection:
    rejection = Rejection(copy.file_name, (fault,), copy.sha256, upload.declared.submission_id)
    return refuse(rejection, sender.intake, copy)


def _answer_again(known: Submission, sender: Sender) -> Receipt | Rejection:
    """Answer for a submission that is settled; nothing is noted, for nothing changes."""
    if known.state is SubmissionState.REJECTED:
        return Rejection(f"{known.id}.bundle", (unusable(known),), known.file_sha256, known.id)
    return receipt_of(f"{known.id}.bundle", known, sender.intake, duplicate=True)


def _settle_duplicate(upload: Upload, sender: Sender) -> None:
    """End an upload of what came in by another way in the meantime."""
    event = sender.event("upload.duplicate", upload.declared.submission_id, "accepted before, by another way in")
    with sender.intake.store.registry.write(event) as session:
        settle_upload(session, upload, UploadState.ACCEPTED, at=sender.intake.now)


def _name(upload: Upload) -> str:
    return f"{upload.declared.submission_id}.bundle"
