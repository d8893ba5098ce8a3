"""The store as one thing: after a crash its folders are brought in line with its registry."""

import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dedup.errors import StoreError
from dedup.store.audit import AuditEvent
from dedup.store.bundles import remove_unknown_bundles
from dedup.store.house import Store, open_store, recover
from dedup.store.objects import ObjectDigest
from dedup.store.runs import Run, StageOutput, begin_run, record_stage
from dedup.store.submissions import (
    LinkDigests,
    Submission,
    ViewDigests,
    mark_ingested,
    mark_rejected,
    record_accepted,
)
from dedup.store.tables import View
from dedup.store.wrapping import LocalKey

WEEK = timedelta(days=7)


@pytest.fixture
def store(tmp_path: Path, url: str) -> Iterator[Store]:
    opened = open_store(
        tmp_path / "store", url, link_view_key=LocalKey("l", bytes(32)), attribute_key=LocalKey("a", bytes(32))
    )
    yield opened
    opened.close()


def test_what_the_registry_refers_to_stays_and_the_rest_goes(
    store: Store, event: AuditEvent, submission: Submission
) -> None:
    link = LinkDigests(store.link_views.put(b"link"), store.joined.put(b"map"))
    views = ViewDigests(link, store.attributes.put(b"attributes"))
    output = store.joined.put(b"pairs")
    store.link_views.put(b"orphan")
    store.joined.put(b"orphan")
    store.attributes.put(b"orphan")
    with store.registry.write(event) as session:
        record_accepted(session, submission)
        mark_ingested(session, submission.id, views=views, registrations=1, statistics={}, at=event.at)
        begin_run(session, Run("run-1", event.at.date(), event.at))
        session.flush()
        record_stage(session, "run-1", StageOutput("link", "1" * 64, "2" * 64, event.at, event.at, output, View.JOINED))
    store.bundle_path(submission.file_sha256).write_bytes(b"raw")
    removed = recover(store, now=event.at, keep_rejected=WEEK)
    assert (removed.objects, removed.bundles) == (3, 1)
    assert store.link_views.names() == {link.link_view}
    assert store.joined.names() == {link.entry_map, output}
    assert store.attributes.names() == {views.attributes}


def test_a_waiting_bundle_stays(store: Store, event: AuditEvent, submission: Submission) -> None:
    with store.registry.write(event) as session:
        record_accepted(session, submission)
    store.bundle_path(submission.file_sha256).write_bytes(b"raw")
    assert recover(store, now=event.at + 10 * WEEK, keep_rejected=WEEK).bundles == 0
    assert remove_unknown_bundles(store) == 0
    assert store.bundle_path(submission.file_sha256).exists()


def test_a_rejected_bundle_goes_after_its_time(store: Store, event: AuditEvent, submission: Submission) -> None:
    with store.registry.write(event) as session:
        record_accepted(session, submission)
        mark_rejected(session, submission.id, reason_code="bundle.altered", at=event.at)
    store.bundle_path(submission.file_sha256).write_bytes(b"raw")
    assert recover(store, now=event.at + WEEK, keep_rejected=WEEK).bundles == 0
    assert recover(store, now=event.at + 2 * WEEK, keep_rejected=WEEK).bundles == 1


def test_a_lost_object_stops_the_run(store: Store, event: AuditEvent, submission: Submission) -> None:
    views = ViewDigests(LinkDigests(ObjectDigest("1" * 64), ObjectDigest("3" * 64)), ObjectDigest("2" * 64))
    with store.registry.write(event) as session:
        record_accepted(session, submission)
        mark_ingested(session, submission.id, views=views, registrations=1, statistics={}, at=event.at)
    with pytest.raises(StoreError) as lost:
        recover(store, now=event.at, keep_rejected=WEEK)
    assert lost.value.code == "store.object-missing"


def test_bundles_that_were_never_accepted_go(store: Store, event: AuditEvent, submission: Submission) -> None:
    with store.registry.write(event) as session:
        record_accepted(session, submission)
    known, unknown = submission.file_sha256, replace(submission, file_sha256="f" * 64).file_sha256
    for digest in (known, unknown):
        store.bundle_path(digest).write_bytes(b"raw")
    (store.submissions / ".0.unfinished").write_bytes(b"half")
    assert remove_unknown_bundles(store) == 2
    assert [path.stem for path in store.submissions.iterdir()] == [known]


def test_every_folder_of_the_store_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "server" / "store"
    open_store(
        folder,
        f"sqlite:///{folder}/registry.sqlite",
        link_view_key=LocalKey("l", bytes(32)),
        attribute_key=LocalKey("a", bytes(32)),
    ).close()
    folders = [folder.parent, folder, *(path for path in folder.iterdir() if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
