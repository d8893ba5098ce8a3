"""Ingest: the two views are stored apart, the newest snapshot counts, and a bad bundle leaves nothing behind."""

import os
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dedup.bundle.keys import LinkageKey
from dedup.errors import KeyFileError, StoreError
from dedup.fields import ATTRIBUTES
from dedup.ingest.pooling import pool_entries
from dedup.ingest.submission import Ingested, IngestKeys, Refused, ingest_accepted
from dedup.intake.inbox import receive
from dedup.model.records import EncodedRecords
from dedup.store.house import recover
from dedup.store.submissions import find_submission, submissions_in_state
from dedup.store.tables import SubmissionState
from dedup.store.views import load_attributes, load_records, rows_of


@pytest.fixture
def ingest(server, intake, model):
    def run(**changes: Any) -> list[Ingested | Refused]:
        receive(server.inbox, replace(intake, today=changes.get("today", intake.today)))
        options = {
            "keys": IngestKeys(server.keys.sealing, server.keys.ingest),
            "model": model,
            "today": intake.today,
            "now": intake.now,
        }
        answers = ingest_accepted(server.store, **(options | changes))
        pool_entries(server.store, now=intake.now, entropy=os.urandom)
        return answers

    return run


def ingested(server) -> list[Any]:
    with server.store.registry.read() as session:
        return submissions_in_state(session, SubmissionState.INGESTED)


def objects(server) -> tuple[int, ...]:
    """How many objects there are of entries, of what joins, and of attributes."""
    store = server.store
    return tuple(len(kept.names()) for kept in (store.link_views, store.joined, store.attributes))


def load(server, model) -> tuple[EncodedRecords, pd.DataFrame, np.ndarray]:
    counting = ingested(server)
    links, ids = {one.views.link for one in counting}, {one.id for one in counting}
    numbers, records = load_records(server.store, links, ids, model=model)
    attributes = load_attributes(server.store.attributes, [one.views.attributes for one in counting])
    return records, attributes, rows_of(numbers, attributes)


def blocks(records: EncodedRecords, names: list[str]) -> set[tuple[int, frozenset[str]]]:
    """Which registrations share which pass's block: all that linking goes by, whatever the tokens are."""
    found: dict[tuple[int, bytes], set[str]] = {}
    for entries in records.passes:
        for row, token in zip(entries.row, entries.token, strict=True):
            found.setdefault((entries.number, token.tobytes()), set()).add(names[row])
    return {(number, frozenset(members)) for (number, _), members in found.items()}


def test_an_accepted_bundle_is_stored_in_two_views_that_join_again(server, deliver, ingest, model) -> None:
    deliver("a.bundle", batches=[{"reg-1": "anne", "reg-2": "bea"}, {"reg-3": "anne"}])
    deliver("b.bundle", provider="23456789", batches=[{"reg-9": "bea"}])
    assert [one.registrations for one in ingest()] == [3, 1]
    records, attributes, rows = load(server, model)
    assert list(attributes["registratie_id"]) == ["reg-1", "reg-2", "reg-3", "reg-9"]
    assert [*ATTRIBUTES, "first_seen", "row_number", "tokens_changed"] == sorted(
        attributes.columns, key=lambda name: [*ATTRIBUTES, "first_seen", "row_number", "tokens_changed"].index(name)
    )
    assert list(records.edd_week) == list(attributes["edd_week"].to_numpy()[rows])
    names = list(attributes["registratie_id"].to_numpy()[rows])
    expected = {
        (linkage_pass.number, frozenset(members))
        for linkage_pass in model.passes
        for members in ({"reg-1", "reg-3"}, {"reg-2", "reg-9"})
    }
    assert blocks(records, names) == expected


def test_tokens_and_sketches_are_not_those_of_the_vendor(server, deliver, ingest, model) -> None:
    from dedup.bundle.reader import open_bundle

    path = deliver("a.bundle")
    with open_bundle(path, model=model, opened_with=server.keys.sealing) as bundle:
        (sent,) = [batch.records for batch in bundle.batches]
    ingest()
    records, _, _ = load(server, model)
    for before, after in zip(sent.passes, records.passes, strict=True):
        assert not {row.tobytes() for row in before.token} & {row.tobytes() for row in after.token}
        assert not {row.tobytes() for row in before.sketch} & {row.tobytes() for row in after.sketch}


def test_nothing_but_the_two_views_is_left_of_a_bundle(server, deliver, ingest) -> None:
    deliver("a.bundle")
    ingest()
    folders = {path.name: len(list(path.iterdir())) for path in server.store.folder.iterdir() if path.is_dir()}
    assert folders == {"submissions": 0, "uploads": 0, "link-views": 1, "attributes": 1, "joined": 1}


def test_a_newer_snapshot_takes_the_place_of_the_older(server, deliver, ingest, intake, model) -> None:
    deliver("a.bundle", snapshot_date=intake.today - timedelta(days=1))
    (first,) = ingest()
    deliver("b.bundle", batches=[{"reg-2": "bea"}, {"reg-4": "dora"}])
    (second,) = ingest()
    assert second.superseded == (first.submission_id,)
    _, attributes, _ = load(server, model)
    assert list(attributes["registratie_id"]) == ["reg-2", "reg-4"]
    assert objects(server) == (1, 1, 1)


def test_two_snapshots_in_one_night_count_as_the_newer(server, deliver, ingest, intake, model) -> None:
    deliver("a.bundle", batches=[{"reg-2": "bea"}])
    deliver("b.bundle", batches=[{"reg-1": "anne"}], snapshot_date=intake.today - timedelta(days=1))
    assert len(ingest()) == 2
    _, attributes, _ = load(server, model)
    assert list(attributes["registratie_id"]) == ["reg-2"]


def test_both_epochs_of_a_rotation_are_kept(server, deliver, ingest) -> None:
    deliver("a.bundle", epoch="epoch-1")
    deliver("b.bundle", epoch="epoch-2")
    ingest()
    assert sorted(one.epoch_key_id for one in ingested(server)) == ["epoch-1", "epoch-2"]


def test_first_seen_is_the_day_on_which_the_server_saw_it(server, deliver, ingest, intake, model) -> None:
    days = [intake.today - timedelta(days=2), intake.today - timedelta(days=1), intake.today]
    deliver("a.bundle", snapshot_date=days[0], batches=[{"reg-1": "anne"}])
    ingest(today=days[0])
    deliver("b.bundle", snapshot_date=days[1], batches=[{"reg-1": "anne", "reg-2": "bea"}])
    ingest(today=days[1])
    deliver("c.bundle", snapshot_date=days[2], batches=[{"reg-1": "another woman", "reg-2": "bea"}])
    ingest(today=days[2])
    _, attributes, _ = load(server, model)
    assert list(attributes["first_seen"]) == [days[0], days[1]]
    assert list(attributes["tokens_changed"]) == [days[2], None]


def test_an_empty_snapshot_says_that_nobody_is_registered_any_more(server, deliver, ingest, model) -> None:
    deliver("a.bundle")
    ingest()
    deliver("b.bundle", batches=[], created_at=ingested(server)[0].created_at + timedelta(minutes=1))
    assert [one.registrations for one in ingest()] == [0]
    records, attributes, rows = load(server, model)
    assert (len(records), len(attributes), len(rows)) == (0, 0, 0)


def test_of_statistics_only_the_counts_that_reports_show_are_kept(server, deliver, ingest) -> None:
    statistics = {
        "rows": 7,
        "note": "Anna Jansen",
        "Anna Jansen": 1,
        "yes": True,
        "accepted": {"1234 AB": 7},
        "refused": -1,
        "withheld": 10**30,
        "counts_by_code": {"postcode.malformed": 2, "example": "1234 AB", "deep": {"deeper": 1}, "share": 0.5},
        "list": [1, "x"],
    }
    deliver("a.bundle", statistics=statistics)
    ingest()
    assert ingested(server)[0].statistics == {
        "rows": 7,
        "counts_by_code": {"postcode.malformed": 2},
    }


def test_a_bundle_that_is_bad_inside_is_rejected_and_nothing_of_it_is_stored(
    server, deliver, ingest, intake, monkeypatch
) -> None:
    import dedup.bundle.writer as writer
    from dedup.bundle.payload import write_batch

    def with_a_last_byte_too_many(*args: Any, **options: Any) -> bytes:
        data = write_batch(*args, **options)
        return data + b"\0" if b"reg-3" in data else data

    deliver("a.bundle", snapshot_date=intake.today - timedelta(days=1))
    ingest()
    # The sender, not ours, is what is made to misbehave: it writes what our own writer refuses to.
    monkeypatch.setattr(writer, "write_batch", with_a_last_byte_too_many)
    deliver("b.bundle", batches=[{"reg-1": "anne"}, {"reg-3": "cato"}])
    (refused,) = ingest()
    assert isinstance(refused, Refused)
    assert (refused.code, refused.vendor, refused.provider) == ("bundle.batch-malformed", "vitaal", "12345678")
    assert [one.registrations for one in ingested(server)] == [2]
    assert objects(server) == (1, 1, 1)
    with server.store.registry.read() as session:
        row = find_submission(session, refused.submission_id)
    assert row is not None
    assert (row.state, row.reason_code) == (SubmissionState.REJECTED, "bundle.batch-malformed")


def test_a_rejected_bundle_is_kept_for_the_operator_for_a_while(server, deliver, ingest, intake) -> None:
    deliver("a.bundle")
    ingest(max_registrations=1)
    keep = timedelta(days=7)
    assert recover(server.store, now=intake.now + keep, keep_rejected=keep).bundles == 0
    assert len(list(server.store.submissions.iterdir())) == 1
    assert recover(server.store, now=intake.now + keep + timedelta(seconds=1), keep_rejected=keep).bundles == 1


def test_more_registrations_than_the_limit_are_refused(deliver, ingest) -> None:
    deliver("a.bundle")
    (refused,) = ingest(max_registrations=1)
    assert refused.code == "ingest.too-many-registrations"


def test_a_bundle_accepted_under_another_model_is_refused(deliver, ingest, model) -> None:
    deliver("a.bundle")
    assert [one.code for one in ingest(model=replace(model, digest="0" * 64))] == ["bundle.wrong-model"]


def waiting(server) -> int:
    with server.store.registry.read() as session:
        return len(submissions_in_state(session, SubmissionState.ACCEPTED))


def test_what_the_server_lost_is_its_own_fault_and_the_bundle_goes_on_waiting(server, deliver, ingest, intake) -> None:
    deliver("a.bundle")
    receive(server.inbox, intake)
    (path,) = server.store.submissions.iterdir()
    data = path.read_bytes()
    keys = IngestKeys(server.keys.sealing, server.keys.ingest)
    for code, change, options in (
        ("store.bundle-missing", path.unlink, {"keys": keys}),
        ("store.bundle-altered", lambda: path.write_bytes(data[:-1] + b"?"), {"keys": keys}),
        ("store.bundle-altered", lambda: path.write_bytes(data[:-1]), {"keys": keys}),
        ("store.sealing-key-missing", lambda: path.write_bytes(data), {"keys": replace(keys, sealing={})}),
    ):
        change()
        with pytest.raises(StoreError) as fault:
            ingest(**options)
        assert fault.value.code == code
        assert waiting(server) == 1
    assert [one.registrations for one in ingest()] == [2]


def test_another_bundle_in_the_place_of_the_accepted_one_is_noticed(server, deliver, ingest, intake) -> None:
    deliver("a.bundle")
    receive(server.inbox, intake)
    (path,) = server.store.submissions.iterdir()
    deliver("b.bundle", batches=[{"reg-7": "eva"}]).rename(path)
    with pytest.raises(StoreError) as fault:
        ingest()
    assert fault.value.code == "store.bundle-altered"


def test_a_linkage_key_is_refused_where_an_ingest_key_belongs(server) -> None:
    with pytest.raises(KeyFileError) as refused:
        IngestKeys(server.keys.sealing, LinkageKey.generate())  # type: ignore[arg-type]  # the point of the test
    assert refused.value.code == "key.wrong-kind"


def test_random_row_numbers_decide_nothing(server, deliver, ingest, model, intake) -> None:
    deliver("a.bundle", batches=[{f"reg-{number}": f"woman {number % 3}" for number in range(9)}])
    ingest(entropy=lambda count: (bytes(range(256)) * (count // 256 + 1))[:count])
    records, attributes, rows = load(server, model)
    first = blocks(records, list(attributes["registratie_id"].to_numpy()[rows])), attributes.drop(columns="row_number")
    deliver(
        "b.bundle",
        batches=[{f"reg-{number}": f"woman {number % 3}" for number in range(9)}],
        created_at=intake.now + timedelta(minutes=1),
    )
    ingest()
    records, attributes, rows = load(server, model)
    assert blocks(records, list(attributes["registratie_id"].to_numpy()[rows])) == first[0]
    pd.testing.assert_frame_equal(attributes.drop(columns="row_number"), first[1])


def test_the_day_is_a_date(server, deliver, ingest, model) -> None:
    deliver("a.bundle")
    ingest()
    _, attributes, _ = load(server, model)
    assert {type(day) for day in attributes["first_seen"]} == {date}
