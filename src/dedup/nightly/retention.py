"""Retention: what is past its time is removed, at the end of every night and by `dedup retention`.

| what | until |
|---|---|
| snapshot of a provider that stopped delivering | `[nightly] drop_after_days` |
| snapshot of a closed epoch | the operator no longer accepts the epoch |
| finding | 8 weeks after its EDD (`expire_weeks_after_edd` of the rules) |
| answers; labels | likewise; 400 days |
| candidate pairs; findings of earlier nights | the next night; a week |
| when a registration was first seen; how reports went | 400 days after it is gone; 400 days |
| folders of reports that name registrations | `[retention] keep_reports_days` |
| refused files in the inbox | `[intake] keep_rejected_days` |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta

from dedup.ingest.pooling import pool_entries
from dedup.nightly.answers import forget_answers
from dedup.nightly.expired_findings import remove_expired_findings
from dedup.nightly.finding import FINDINGS
from dedup.nightly.linking import LINK
from dedup.nightly.night import Night, recover_store
from dedup.nightly.old_files import remove_old_reports, remove_refused_files
from dedup.nightly.reporting import REPORTS
from dedup.nightly.snapshots import current_snapshots
from dedup.nightly.summary import Job, Summary
from dedup.store.failpoints import reach
from dedup.store.runs import forget_stages, outputs_before
from dedup.store.seen import forget_unseen, leave_epochs
from dedup.store.submissions import Submission, retire_epochs, retire_older, submissions_in_state
from dedup.store.tables import SubmissionState

DROP_AFTER_DAYS = 42
KEEP_HISTORY_DAYS = 400
KEEP_FINDINGS_DAYS = 7  # a night of the past week can be run again and goes on from the findings of the night before it


@dataclass(frozen=True, slots=True)
class Removed:
    """How much was removed: of `objects`, encrypted files, are also those that held what the others count."""

    snapshots: int
    findings: int
    answers: int
    sightings: int
    reports: int
    rejected: int
    objects: int

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)

    def summary(self, day: date) -> Summary:
        """Return what the operator is told of a removal apart from a night."""
        counts = {f"removed_{name}": count for name, count in self.to_json().items()}
        return Summary(Job.RETENTION, day.isoformat(), counts=counts)


def apply_retention(night: Night) -> Removed:
    """Remove everything that is past its time today.

    A night with a date in the future, typed by mistake, removes nothing that is not old by the clock too.
    """
    today = replace(night, today=min(night.today, night.clock().date()))
    snapshots = remove_silent_providers(today) + remove_closed_epochs(today, current_snapshots(today).epoch_key_id)
    findings = remove_expired_findings(today)
    reach("retention.findings")
    answers = forget_answers(today)
    sightings = _forget_history(today)
    reports, rejected = remove_old_reports(today), remove_refused_files(today)
    return Removed(snapshots, findings, answers, sightings, reports, rejected, objects=recover_store(today).objects)


def remove_silent_providers(night: Night) -> int:
    """Remove snapshots that are older than `[nightly] drop_after_days`; returns how many those were.

    What a provider delivered weeks ago says nothing of its clients today, and may be kept no longer than it is of
    use. A night with a date in the future removes nothing that is not old by the clock too.
    """
    days = night.settings.count("nightly", "drop_after_days", DROP_AFTER_DAYS)
    before = min(night.today, night.clock().date()) - timedelta(days=days)
    if all(submission.snapshot_date >= before for submission in _ingested(night)):
        return 0
    with night.store.registry.write(night.event("snapshots.expired", night.run_id)) as session:
        retired = retire_older(session, before)
    _remove_views(night, retired)
    return len(retired)


def remove_closed_epochs(night: Night, chosen: str) -> int:
    """Remove the snapshots of epochs that the operator no longer accepts, once tonight's epoch is one that it does.

    Returns how many those were.
    """
    accepted = night.keys.epochs
    if accepted is None or chosen not in accepted:
        return 0
    if all(submission.epoch_key_id in accepted for submission in _ingested(night)):
        return 0
    with night.store.registry.write(night.event("epochs.closed", night.run_id)) as session:
        retired = retire_epochs(session, accepted)
        leave_epochs(session, accepted, night.today)
    _remove_views(night, retired)
    return len(retired)


def _forget_history(night: Night) -> int:
    """Forget what stages made and registrations that left; returns how many registrations those were."""
    history = night.today - timedelta(days=KEEP_HISTORY_DAYS)
    with night.store.registry.write(night.event("history.forgotten", night.run_id)) as session:
        forget_stages(session, LINK, before=night.today)
        if earlier := outputs_before(session, FINDINGS, night.today - timedelta(days=KEEP_FINDINGS_DAYS)):
            forget_stages(session, FINDINGS, before=earlier[-1][0])
        forget_stages(session, FINDINGS, before=history)
        forget_stages(session, REPORTS, before=history)
        return forget_unseen(session, history)


def _ingested(night: Night) -> list[Submission]:
    with night.store.registry.read() as session:
        return submissions_in_state(session, SubmissionState.INGESTED)


def _remove_views(night: Night, retired: Iterable[Submission]) -> None:
    for submission in retired:
        if submission.views is not None:
            night.store.attributes.remove(submission.views.attributes)
    pool_entries(night.store, now=night.clock(), entropy=night.entropy)
