"""Submissions in the registry: their states, and which snapshot counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dedup.errors import StoreError
from dedup.store.audit import AuditEvent
from dedup.store.objects import ObjectDigest
from dedup.store.registry import Registry
from dedup.store.submissions import (
    LinkDigests,
    Submission,
    ViewDigests,
    epochs_begun,
    find_submission,
    mark_ingested,
    mark_rejected,
    newest_delivered,
    record_accepted,
    retire_epochs,
    submissions_in_state,
)
from dedup.store.tables import SubmissionState

LINK = LinkDigests(ObjectDigest("1" * 64), ObjectDigest("3" * 64))
VIEWS = ViewDigests(LINK, ObjectDigest("2" * 64))


def ingest(registry: Registry, event: AuditEvent, submission: Submission) -> list[str]:
    with registry.write(event) as session:
        superseded = mark_ingested(
            session, submission.id, views=VIEWS, registrations=3, statistics={"rows": 3}, at=event.at
        )
    return [old.id for old in superseded]


def states(registry: Registry) -> dict[str, SubmissionState]:
    with registry.read() as session:
        return {s.id[:1]: s.state for state in SubmissionState for s in submissions_in_state(session, state)}


def test_an_accepted_submission_comes_back_as_it_was(
    registry: Registry, event: AuditEvent, submission: Submission
) -> None:
    with registry.write(event) as session:
        record_accepted(session, submission)
    with registry.read() as session:
        assert find_submission(session, submission.id) == submission
        assert find_submission(session, "f" * 32) is None


def test_an_ingested_snapshot_supersedes_the_one_before(
    registry: Registry, event: AuditEvent, submission: Submission
) -> None:
    newer = replace(submission, id="1" * 32, created_at=submission.created_at + timedelta(hours=1))
    with registry.write(event) as session:
        record_accepted(session, submission)
        record_accepted(session, newer)
    assert ingest(registry, event, submission) == []
    assert ingest(registry, event, newer) == [submission.id]
    assert states(registry) == {"0": SubmissionState.SUPERSEDED, "1": SubmissionState.INGESTED}
    with registry.read() as session:
        ingested = find_submission(session, newer.id)
        superseded = find_submission(session, submission.id)
    assert ingested is not None
    assert (ingested.views, ingested.registrations, ingested.statistics) == (VIEWS, 3, {"rows": 3})
    assert superseded is not None
    assert superseded.views is None


def test_another_provider_or_epoch_is_not_superseded(
    registry: Registry, event: AuditEvent, submission: Submission
) -> None:
    others = [
        submission,
        replace(submission, id="1" * 32, provider="87654321"),
        replace(submission, id="2" * 32, epoch_key_id="epoch-2"),
    ]
    with registry.write(event) as session:
        for other in others:
            record_accepted(session, other)
    assert [ingest(registry, event, other) for other in others] == [[], [], []]


def test_the_newest_delivery_is_by_date_then_moment_and_never_a_rejected_one(
    registry: Registry, event: AuditEvent, submission: Submission
) -> None:
    later = replace(submission, id="1" * 32, created_at=submission.created_at + timedelta(hours=1))
    next_day = replace(submission, id="2" * 32, snapshot_date=submission.snapshot_date + timedelta(days=1))
    with registry.write(event) as session:
        for delivered in (next_day, later, submission):
            record_accepted(session, delivered)
    with registry.write(event) as session:
        assert newest_delivered(session, submission.provider, submission.epoch_key_id) == next_day
        mark_rejected(session, next_day.id, reason_code="bundle.altered", at=event.at)
        assert newest_delivered(session, submission.provider, submission.epoch_key_id) == later
        assert newest_delivered(session, "87654321", submission.epoch_key_id) is None
    assert states(registry)["2"] is SubmissionState.REJECTED


@pytest.mark.parametrize("settle", ["ingested", "rejected"])
def test_a_submission_is_settled_once(
    registry: Registry, event: AuditEvent, submission: Submission, settle: str
) -> None:
    with registry.write(event) as session:
        record_accepted(session, submission)
        if settle == "ingested":
            mark_ingested(session, submission.id, views=VIEWS, registrations=0, statistics={}, at=event.at)
        else:
            mark_rejected(session, submission.id, reason_code="bundle.altered", at=event.at)
    with pytest.raises(StoreError) as again:
        ingest(registry, event, submission)
    assert again.value.code == "store.not-accepted"


def test_an_epoch_began_with_its_first_submission_though_that_counts_no_longer(
    registry: Registry, event: AuditEvent, submission: Submission
) -> None:
    newer = replace(submission, id="1" * 32, received_at=submission.received_at + timedelta(days=1))
    with registry.write(event) as session:
        record_accepted(session, submission)
        record_accepted(session, newer)
    ingest(registry, event, submission)
    ingest(registry, event, newer)
    with registry.read() as session:
        assert epochs_begun(session) == {"epoch-1": submission.received_at}


def test_snapshots_of_epochs_that_are_not_accepted_are_retired(
    registry: Registry, event: AuditEvent, submission: Submission
) -> None:
    other = replace(submission, id="1" * 32, epoch_key_id="epoch-2")
    with registry.write(event) as session:
        record_accepted(session, submission)
        record_accepted(session, other)
    ingest(registry, event, submission)
    ingest(registry, event, other)
    with registry.write(event) as session:
        retired = retire_epochs(session, {"epoch-2", "epoch-3"})
    assert [(one.id, one.views) for one in retired] == [(submission.id, VIEWS)]
    assert states(registry) == {"0": SubmissionState.SUPERSEDED, "1": SubmissionState.INGESTED}
