"""The conditions of a night: whose delivery is suspected, under what it links, and what providers answered."""

from __future__ import annotations

from dataclasses import astuple
from datetime import timedelta

from sqlalchemy import select

from dedup.findings.conditions import Conditions
from dedup.findings.deliveries import Delivery, suspected_deliveries
from dedup.nightly.answers import decisions_of
from dedup.nightly.memory import digest_of
from dedup.nightly.night import Night
from dedup.nightly.snapshots import Snapshots
from dedup.store.tables import SubmissionRow, SubmissionState

# Of deliveries older than this nothing is known any more; a provider that is silent for so long is dropped long before.
DELIVERIES_KNOWN_DAYS = 120


def conditions_of(night: Night, snapshots: Snapshots) -> Conditions:
    """Return the conditions of a night on these snapshots."""
    return Conditions(
        suspected=suspected_deliveries(deliveries(night), night.rules.deliveries, today=night.today),
        delivered=frozenset(submission.provider for submission in snapshots.submissions),
        basis=linkage_basis(night, snapshots),
        decisions=decisions_of(night),
    )


def deliveries(night: Night) -> list[Delivery]:
    """Return what every provider delivered lately, by provider and from old to new."""
    columns = (SubmissionRow.provider, SubmissionRow.snapshot_date, SubmissionRow.registrations)
    with night.store.registry.read() as session:
        rows = session.execute(
            select(*columns)
            .where(
                SubmissionRow.state.in_((SubmissionState.INGESTED, SubmissionState.SUPERSEDED)),
                SubmissionRow.snapshot_date >= night.today - timedelta(days=DELIVERIES_KNOWN_DAYS),
                SubmissionRow.snapshot_date <= night.today,
            )
            .order_by(SubmissionRow.provider, SubmissionRow.snapshot_date, SubmissionRow.created_at, SubmissionRow.id)
        )
        return [Delivery(provider, day, registrations or 0) for provider, day, registrations in rows]


def linkage_basis(night: Night, snapshots: Snapshots) -> str:
    """Return what is another text once registrations are compared under another key, model or threshold."""
    return digest_of(
        [
            snapshots.epoch_key_id,
            night.keys.ingest.key_id,
            night.model.digest,
            [astuple(comparison) for comparison in night.model.comparisons],
            night.settings.share("linkage", "group_threshold", 0.5),
        ]
    )[:16]
