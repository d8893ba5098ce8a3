"""Uploads that nobody goes on with: aborted, expired, swept by the nightly run, and forgotten in time."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.intake.desk import NOW, Desk, code

from dedup.bundle.vendors import TrustedVendor
from dedup.intake.appending import Chunk, begin_append
from dedup.intake.expiry import FORGET_AFTER, sweep_uploads
from dedup.intake.inbox import receive
from dedup.intake.receipts import Receipt
from dedup.intake.uploads import abort_upload


def test_an_abort_drops_what_was_sent_and_can_be_repeated(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append(declared, 0, data[:10])
    for _ in range(2):
        abort_upload(declared.submission_id, desk.sender)
    assert (desk.state(declared)[0], desk.parts()) == ("aborted", [])
    assert code(lambda: desk.append(declared, 10, b"x")) == "upload.aborted"
    desk.upload(data, declared)
    assert code(lambda: abort_upload(declared.submission_id, desk.sender)) == "upload.settled"


def test_an_upload_that_is_left_alone_expires_and_can_be_begun_again(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append(declared, 0, data[:10])
    later = desk.at(seconds=60)
    assert sweep_uploads(desk.store, now=NOW + timedelta(seconds=60), upload_seconds=60).expired == 0
    later.append(declared, 10, data[10:20])
    assert sweep_uploads(desk.store, now=NOW + timedelta(seconds=100), upload_seconds=60).expired == 0
    assert sweep_uploads(desk.store, now=NOW + timedelta(seconds=121), upload_seconds=60).expired == 1
    assert (desk.state(declared)[0], desk.parts()) == ("expired", [])
    assert code(lambda: desk.append(declared, 20, b"x")) == "upload.expired"
    assert code(lambda: abort_upload(declared.submission_id, desk.sender)) == "upload.expired"
    assert code(lambda: desk.complete(declared)) == "upload.expired"
    assert isinstance(desk.upload(data, declared), Receipt)


def test_the_nightly_run_sweeps_uploads_too(desk: Desk, tmp_path: Path) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append(declared, 0, data[:10])
    (desk.store.uploads / f"{'0' * 32}.part").write_bytes(b"left by a crash")
    receive(tmp_path / "inbox", desk.at(days=2).sender.intake)
    assert (desk.state(declared)[0], desk.parts()) == ("expired", [])


def test_an_upload_under_way_does_not_expire(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    appending = begin_append(declared.submission_id, Chunk(0, 10, hashlib.sha256(data[:10]).digest()), desk.sender)
    assert sweep_uploads(desk.store, now=NOW + timedelta(days=9), upload_seconds=60).expired == 0
    appending.write(data[:10])
    assert appending.finish(NOW + timedelta(days=9)) == 10
    appending.close()


def test_settled_uploads_are_forgotten_in_time(each_desk: Desk) -> None:
    desk = each_desk
    _, declared = desk.bundle()
    desk.create(declared)
    abort_upload(declared.submission_id, desk.sender)
    assert sweep_uploads(desk.store, now=NOW + FORGET_AFTER, upload_seconds=60).forgotten == 0
    assert sweep_uploads(desk.store, now=NOW + FORGET_AFTER + timedelta(seconds=1), upload_seconds=60).forgotten == 1
    assert code(lambda: desk.state(declared)) == "upload.unknown"


def test_an_upload_that_is_aborted_while_it_is_completed_is_not_accepted(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)

    class Aborting(dict[str, TrustedVendor]):
        def get(self, *arguments: Any) -> Any:  # as the signature is checked: after the upload was looked at
            abort_upload(declared.submission_id, desk.sender)
            return super().get(*arguments)

    keys = replace(desk.sender.intake.keys, vendors=Aborting(desk.sender.intake.keys.vendors))
    aborted = replace(desk, sender=replace(desk.sender, intake=replace(desk.sender.intake, keys=keys)))
    assert code(lambda: aborted.complete(declared)) == "upload.busy"
    assert desk.state(declared)[0] == "aborted"
    assert "submission.accepted" not in {event for event, _, _ in desk.events()}
    assert isinstance(desk.upload(data, declared), Receipt)
