"""Which snapshots a night works on: those of the newest epoch that every fresh provider has delivered; old ones go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dedup.nightly.night import Night
from dedup.store.objects import ObjectDigest
from dedup.store.submissions import LinkDigests, Submission, epochs_begun, submissions_in_state
from dedup.store.tables import SubmissionState


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The night's snapshots, one a provider, by provider; those of another linkage model are left out and counted."""

    epoch_key_id: str
    submissions: tuple[Submission, ...]
    other_model: int

    @property
    def ids(self) -> set[str]:
        """The ids of the submissions."""
        return {submission.id for submission in self.submissions}

    @property
    def links(self) -> set[LinkDigests]:
        """The objects that the submissions' entries are in: one pair for all, once they are pooled."""
        return {submission.views.link for submission in self.submissions if submission.views}

    @property
    def attributes(self) -> list[ObjectDigest]:
        """The attribute stores, in the order of the submissions."""
        return [submission.views.attributes for submission in self.submissions if submission.views]


def current_snapshots(night: Night) -> Snapshots:
    """Return the snapshots that count tonight."""
    with night.store.registry.read() as session:
        ingested = submissions_in_state(session, SubmissionState.INGESTED)
        begun = epochs_begun(session)
    usable = [submission for submission in ingested if submission.model_digest == night.model.digest]
    fresh_days = night.settings.count("nightly", "fresh_days", 7)
    epoch = choose_epoch(usable, begun, fresh_from=night.today - timedelta(days=fresh_days))
    return Snapshots(
        epoch_key_id=epoch,
        submissions=tuple(submission for submission in usable if submission.epoch_key_id == epoch),
        other_model=len(ingested) - len(usable),
    )


def choose_epoch(submissions: Sequence[Submission], begun: Mapping[str, datetime], *, fresh_from: date) -> str:
    """Return the epoch to link: the newest that every fresh provider has delivered; "" when nothing was delivered.

    A provider is fresh when any of its snapshots is from `fresh_from` or later. Where no epoch has them all, the one
    with most fresh providers is taken, so that a single late vendor does not stop the country. `begun` says since when
    each epoch is delivered: the snapshots that count now do not, for while both are sent both are replaced every day.
    """
    fresh = {submission.provider for submission in submissions if submission.snapshot_date >= fresh_from}
    delivered: dict[str, set[str]] = {}
    for submission in submissions:
        delivered.setdefault(submission.epoch_key_id, set()).add(submission.provider)
    return max(delivered, key=lambda epoch: (len(delivered[epoch] & fresh), begun[epoch], epoch), default="")
