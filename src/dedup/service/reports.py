"""The validation report of a submission, from what the registry knows: counts and codes, and nothing of a client.

The server that answers holds no key that opens a bundle; what was in one is known when the nightly side has opened it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from dedup.bundle.keyfiles import timestamp
from dedup.intake.upload_terms import UploadError
from dedup.intake.uploads import Standing, standing_of
from dedup.service.shapes import Freshness, Opened, Previous, Report
from dedup.service.standing import reason_of
from dedup.store.submissions import Submission, delivered_before
from dedup.store.tables import SubmissionState, UploadState

FRESH_DAYS, LATE_DAYS = 1, 3  # as in the reports of KSVs (`dedup.reports.data.ReportTerms`), so that all say the same
_COUNTS = ("rows", "accepted", "refused", "withheld")
_OPENED = frozenset({SubmissionState.INGESTED, SubmissionState.SUPERSEDED})


def report_of(session: Session, vendor: str, submission_id: str, *, today: date, language: str) -> Report:
    """Return a submission's report; raises `UploadError`: `upload.unknown`, `upload.not-accepted`."""
    standing = standing_of(session, vendor, submission_id)
    if standing.submission is None and standing.state is not UploadState.REJECTED:
        raise UploadError("upload.not-accepted", "There is no report of what was neither accepted nor rejected.")
    submission, declared = standing.submission, standing.declared
    days = (today - declared.snapshot_date).days
    return Report(
        submission_id=declared.submission_id,
        provider=declared.provider,
        snapshot_date=declared.snapshot_date.isoformat(),
        state=standing.state.value,
        received_at=timestamp(submission.received_at) if submission else None,
        bytes=declared.bytes,
        problem=reason_of(standing, language),
        freshness=Freshness(days=days, state=freshness_of(days)),
        opened=_opened(submission),
        previous=_previous(session, standing),
    )


def freshness_of(days: int) -> str:
    """Return what a snapshot is that is so many days old."""
    if days <= FRESH_DAYS:
        return "fresh"
    return "late" if days <= LATE_DAYS else "outdated"


def _opened(submission: Submission | None) -> Opened | None:
    if submission is None or submission.state not in _OPENED or submission.settled_at is None:
        return None
    return Opened(at=timestamp(submission.settled_at), **_counts(submission))


def _previous(session: Session, standing: Standing) -> Previous | None:
    submission = standing.submission
    before = delivered_before(session, submission) if submission is not None else None
    if submission is None or before is None:
        return None
    now, then = (_counts(one)["accepted"] for one in (submission, before))
    change = now - then if now is not None and then is not None else None
    return Previous(snapshot_date=before.snapshot_date.isoformat(), change=change, **_counts(before))


def _counts(submission: Submission) -> dict[str, Any]:
    """Return the counts as ingest kept them; what the encoder did not send is None."""
    kept: Mapping[str, Any] = submission.statistics or {}
    return {name: kept.get(name) for name in _COUNTS} | {"counts_by_code": dict(kept.get("counts_by_code", {}))}
