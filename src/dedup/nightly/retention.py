"""What the night removes: snapshots of closed epochs, and of providers that stopped delivering."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from dedup.ingest.pooling import pool_entries
from dedup.nightly.night import Night
from dedup.store.seen import leave_epochs
from dedup.store.submissions import Submission, retire_epochs, retire_older, submissions_in_state
from dedup.store.tables import SubmissionState

DROP_AFTER_DAYS = 42


def remove_silent_providers(night: Night) -> int:
    """Remove snapshots that are older than `[nightly] drop_after_days`; returns how many those were.

    What a provider delivered weeks ago says nothing of its clients today, and may be kept no longer than it is of
    use. A night with a date in the future, typed by mistake, removes nothing that is not old by the clock too.
    """
    days = night.settings.count("nightly", "drop_after_days", DROP_AFTER_DAYS)
    before = min(night.today, night.clock().date()) - timedelta(days=days)
    if all(submission.snapshot_date >= before for submission in _ingested(night)):
        return 0
    with night.store.registry.write(night.event("snapshots.expired", night.run_id)) as session:
        retired = retire_older(session, before)
    _remove_views(night, retired)
    return len(retired)


def remove_closed_epochs(night: Night, chosen: str) -> None:
    """Remove the snapshots of epochs that the operator no longer accepts, once tonight's epoch is one that it does."""
    accepted = night.keys.epochs
    if accepted is None or chosen not in accepted:
        return
    if all(submission.epoch_key_id in accepted for submission in _ingested(night)):
        return
    with night.store.registry.write(night.event("epochs.closed", night.run_id)) as session:
        retired = retire_epochs(session, accepted)
        leave_epochs(session, accepted, night.today)
    _remove_views(night, retired)


def _ingested(night: Night) -> list[Submission]:
    with night.store.registry.read() as session:
        return submissions_in_state(session, SubmissionState.INGESTED)


def _remove_views(night: Night, retired: Iterable[Submission]) -> None:
    for submission in retired:
        if submission.views is not None:
            night.store.attributes.remove(submission.views.attributes)
    pool_entries(night.store, now=night.clock(), entropy=night.entropy)
