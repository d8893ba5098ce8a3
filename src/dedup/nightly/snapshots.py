"""Which snapshots a night works on: those of the newest epoch that every fresh provider has delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dedup.nightly.night import Night
from dedup.store.objects import ObjectDigest
from dedup.store.submissions import Submission, submissions_in_state
from dedup.store.tables import SubmissionState


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The night's snapshots, one a provider, by provider; those of another linkage model are left out and counted."""

    epoch_key_id: str
    submissions: tuple[Submission, ...]
    other_model: int

    @property
    def link_views(self) -> list[ObjectDigest]:
        """The link views, in the order of the submissions."""
        return [submission.views.link_view for submission in self.submissions if submission.views]

    @property
    def attributes(self) -> list[ObjectDigest]:
        """The attribute stores, in the order of the submissions."""
        return [submission.views.attributes for submission in self.submissions if submission.views]


def current_snapshots(night: Night) -> Snapshots:
    """Return the snapshots that count tonight."""
    with night.store.registry.read() as session:
        ingested = submissions_in_state(session, SubmissionState.INGESTED)
    usable = [submission for submission in ingested if submission.model_digest == night.model.digest]
    fresh_days = int(night.settings.section("nightly").get("fresh_days", 7))
    epoch = choose_epoch(usable, fresh_from=night.today - timedelta(days=fresh_days))
    return Snapshots(
        epoch_key_id=epoch,
        submissions=tuple(submission for submission in usable if submission.epoch_key_id == epoch),
        other_model=len(ingested) - len(usable),
    )


def choose_epoch(submissions: Sequence[Submission], *, fresh_from: date) -> str:
    """Return the epoch to link: the newest that every fresh provider has delivered; "" when nothing was delivered.

    A provider is fresh when any of its snapshots is from `fresh_from` or later. Where no epoch has them all, the one
    with most fresh providers is taken, so that a single late vendor does not stop the country. An epoch is as old as
    the first submission in it.
    """
    fresh = {submission.provider for submission in submissions if submission.snapshot_date >= fresh_from}
    delivered: dict[str, set[str]] = {}
    begun: dict[str, float] = {}
    for submission in submissions:
        epoch, at = submission.epoch_key_id, submission.received_at.timestamp()
        delivered.setdefault(epoch, set()).add(submission.provider)
        begun[epoch] = min(at, begun.get(epoch, at))
    return max(delivered, key=lambda epoch: (len(delivered[epoch] & fresh), begun[epoch], epoch), default="")
