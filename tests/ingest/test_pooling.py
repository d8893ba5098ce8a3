"""Pooling: what all providers delivered lies in one link view, and nothing is left of what counts no longer."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from dedup.errors import StoreError
from dedup.ingest.pooling import pool_entries
from dedup.ingest.submission import IngestKeys, ingest_accepted
from dedup.intake.inbox import receive
from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.link_views import get_link_view
from dedup.store.submissions import held_entries, retire_epochs, submissions_in_state
from dedup.store.tables import SubmissionState


@pytest.fixture
def ingest(server, intake, model):
    def run(**changes):
        receive(server.inbox, intake)
        keys = changes.get("keys", IngestKeys(server.keys.sealing, server.keys.ingest))
        ingest_accepted(server.store, keys=keys, model=model, today=intake.today, now=intake.now)

    return run


@pytest.fixture
def pool(server, intake):
    return lambda: pool_entries(server.store, now=intake.now, entropy=os.urandom)


def objects(server) -> tuple[int, int]:
    return len(server.store.link_views.names()), len(server.store.joined.names())


def held(server):
    with server.store.registry.read() as session:
        return held_entries(session)


def test_the_snapshots_of_all_providers_lie_in_one_link_view(server, deliver, ingest, pool) -> None:
    deliver("a.bundle", batches=[{"reg-1": "anne"}])
    deliver("b.bundle", provider="23456789", batches=[{"reg-2": "anne"}, {"reg-3": "bea"}])
    ingest()
    assert objects(server) == (0, 2)
    assert pool() == 1
    assert objects(server) == (1, 1)
    (link,) = {one.link for one in held(server)}
    content = get_link_view(server.store, link)
    sizes = {content.snapshots[at]: int((content.snapshot == at).sum()) for at in range(len(content.snapshots))}
    with server.store.registry.read() as session:
        expected = {one.id: one.registrations for one in submissions_in_state(session, SubmissionState.INGESTED)}
    assert sizes == expected


def test_where_nothing_came_or_went_nothing_is_written(server, deliver, ingest, pool) -> None:
    deliver("a.bundle")
    deliver("b.bundle", provider="23456789")
    ingest()
    pool()
    names, event = server.store.link_views.names(), server.store.registry.verify_audit()
    assert pool() == 0
    assert (server.store.link_views.names(), server.store.registry.verify_audit()) == (names, event)


def test_what_was_superseded_leaves_the_pool(server, deliver, ingest, pool, intake) -> None:
    deliver("a.bundle", batches=[{"reg-1": "anne"}], snapshot_date=intake.today - timedelta(days=1))
    deliver("b.bundle", provider="23456789", batches=[{"reg-2": "bea"}])
    ingest()
    pool()
    before = get_link_view(server.store, held(server)[0].link)
    deliver("c.bundle", batches=[{"reg-4": "cato"}])
    ingest()
    assert [one.counts for one in held(server)].count(False) == 1
    pool()
    after = get_link_view(server.store, held(server)[0].link)
    assert [one.counts for one in held(server)] == [True, True]
    tokens = [{row.tobytes() for entries in one.records.passes for row in entries.token} for one in (before, after)]
    assert len(tokens[0] & tokens[1]) == len(before.records.passes)  # bea's, and no longer anne's
    assert objects(server) == (1, 1)


def test_epochs_are_pooled_apart_and_one_that_is_retired_leaves_nothing(server, deliver, ingest, pool, intake) -> None:
    for number, epoch in enumerate(("epoch-1", "epoch-2")):
        for provider in ("12345678", "23456789"):
            deliver(f"{number}-{provider}.bundle", provider=provider, epoch=epoch)
    ingest()
    assert pool() == 2
    assert objects(server) == (2, 2)
    with server.store.registry.write(AuditEvent("test", intake.now, NIGHTLY, "epoch-1", "test")) as session:
        retire_epochs(session, {"epoch-2"})
    assert pool() == 0
    assert objects(server) == (1, 1)
    assert {one.epoch_key_id for one in held(server)} == {"epoch-2"}


def test_snapshots_under_two_ingest_keys_are_left_as_they_are(server, deliver, ingest, pool) -> None:
    deliver("a.bundle")
    ingest()
    deliver("b.bundle", provider="23456789")
    ingest(keys=IngestKeys(server.keys.sealing, replace(server.keys.ingest, key_id="another")))
    before = held(server)
    with pytest.raises(StoreError) as refused:
        pool()
    assert refused.value.code == "store.mixed-origins"
    assert held(server) == before
