"""How one submission stands, as JSON: an upload on its way, or what became of it."""

from __future__ import annotations

from datetime import timedelta

from dedup.bundle.keyfiles import timestamp
from dedup.codes import title_of
from dedup.intake.acceptance import receipt_of
from dedup.intake.receipts import unusable
from dedup.intake.uploads import Sender, Standing
from dedup.service.shapes import Reason, Status, Summary
from dedup.store.tables import SubmissionState, UploadState


def offset_of(standing: Standing) -> int:
    """Return how many bytes the server has of it."""
    if standing.upload is None:
        return standing.declared.bytes
    return standing.upload.offset if standing.state is UploadState.OPEN else 0


def summary_of(standing: Standing, *, upload_seconds: int, language: str = "en") -> Summary:
    """Return how a submission stands, without its receipt."""
    declared, submission, upload = standing.declared, standing.submission, standing.upload
    expires = None
    if upload is not None and upload.state is UploadState.OPEN:
        expires = upload.touched_at + timedelta(seconds=upload_seconds)
    return Summary(
        submission_id=declared.submission_id,
        provider=declared.provider,
        snapshot_date=declared.snapshot_date.isoformat(),
        state=standing.state.value,
        bytes=declared.bytes,
        offset=offset_of(standing),
        sha256=declared.sha256,
        created_at=timestamp(standing.begun_at),
        received_at=timestamp(submission.received_at) if submission else None,
        expires_at=timestamp(expires) if expires else None,
        problem=reason_of(standing, language),
    )


def status_of_standing(standing: Standing, sender: Sender, *, language: str = "en") -> Status:
    """Return how a submission stands, with its receipt once it is accepted."""
    summary = summary_of(standing, upload_seconds=sender.intake.limits.upload_seconds, language=language)
    receipt = None
    if standing.submission is not None:
        receipt = receipt_of("", standing.submission, sender.intake, duplicate=True).token
    return Status(**summary.model_dump(), receipt=receipt)


def reason_of(standing: Standing, language: str) -> Reason | None:
    """Return why a submission is rejected, None where it is not."""
    if standing.submission is not None:
        if standing.submission.state is not SubmissionState.REJECTED:
            return None
        fault = unusable(standing.submission)
        told = [(fault.code, fault.message)]
    elif standing.upload is not None and standing.upload.faults:
        told = [(fault.code, fault.detail) for fault in standing.upload.faults]
    else:
        return None
    code, detail = told[0]
    errors = [{"code": code, "detail": detail} for code, detail in told]
    return Reason(code=code, title=title_of(code, language), detail=detail, errors=errors)
