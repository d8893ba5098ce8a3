"""An upload from its creation to its receipt, as functions over the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.intake.desk import NOW, TODAY, Desk, code
from tests.made_bundles import declaration_of

from dedup.intake.checks import IntakeLimits
from dedup.intake.expiry import sweep_uploads
from dedup.intake.inbox import receive
from dedup.intake.receipts import Receipt, verified_receipt
from dedup.intake.upload_terms import UploadTerms
from dedup.intake.uploads import abort_upload, create_upload, standings_of
from dedup.store.lock import INTAKE_LOCK, run_lock


def test_a_bundle_in_chunks_becomes_a_submission_with_a_receipt(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle(bytes(10_000))
    assert desk.create(declared) == "open"
    assert desk.parts() == []
    desk.append_all(declared, data)
    assert desk.state(declared) == ("open", len(data))
    answer = desk.complete(declared)
    assert isinstance(answer, Receipt)
    assert not answer.duplicate
    assert (desk.store.bundle_path(declared.sha256)).read_bytes() == data
    assert desk.parts() == []
    says = verified_receipt(answer.token, desk.sender.intake.keys.receipts.public())
    assert (says["submission_id"], says["file_sha256"], says["file_bytes"]) == (
        declared.submission_id,
        declared.sha256,
        len(data),
    )
    assert desk.state(declared)[0] == "accepted"


def test_completing_again_gives_the_same_promise_and_notes_nothing(desk: Desk) -> None:
    data, declared = desk.bundle()
    first = desk.upload(data, declared)
    events = desk.events()
    second = desk.at(hours=3).complete(declared)
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert second.duplicate
    key = desk.sender.intake.keys.receipts.public()
    assert verified_receipt(first.token, key) == verified_receipt(second.token, key)
    assert desk.events() == events


def test_every_change_is_in_the_audit_log_under_the_vendors_name(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle()
    desk.upload(data, declared)
    other, declared_other = desk.bundle()
    desk.create(declared_other)
    desk.append(declared_other, 0, other[:10])
    abort_upload(declared_other.submission_id, desk.sender)
    assert desk.events() == [
        ("upload.created", "vitaal", declared.submission_id),
        ("upload.appended", "vitaal", declared.submission_id),
        ("submission.accepted", "vitaal", declared.submission_id),
        ("upload.created", "vitaal", declared_other.submission_id),
        ("upload.appended", "vitaal", declared_other.submission_id),
        ("upload.aborted", "vitaal", declared_other.submission_id),
    ]
    desk.store.registry.verify_audit()


def test_creating_again_finds_the_same_upload(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared, "k" * 16)
    desk.append(declared, 0, data[:100])
    for key in ("k" * 16, "another-key-of-16"):
        standing, new = create_upload(declared, key, desk.sender)
        assert (new, standing.upload and standing.upload.offset) == (False, 100)


def test_what_was_accepted_by_the_inbox_needs_no_sending(desk: Desk, tmp_path: Path) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append(declared, 0, data[:50])
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.bundle").write_bytes(data)
    receive(tmp_path / "inbox", desk.sender.intake)
    standing, new = create_upload(declared, "a-fresh-key-of-16", desk.sender)
    assert (new, standing.state.value) == (False, "accepted")
    answer = desk.complete(declared)
    assert isinstance(answer, Receipt)
    assert answer.duplicate
    other, _ = desk.bundle(b"other", submission_id=declared.submission_id)
    assert (
        code(lambda: desk.create(declaration_of(other, declared.submission_id, TODAY), "a-fresh-key-of-17"))
        == "intake.replayed-id"
    )


def test_a_bundle_that_comes_in_by_the_inbox_while_it_is_uploaded_counts_once(each_desk: Desk, tmp_path: Path) -> None:
    desk = each_desk
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.bundle").write_bytes(data)
    receive(tmp_path / "inbox", desk.sender.intake)
    with desk.store.registry.read() as session:
        assert len(standings_of(session, "vitaal", limit=10)) == 1
    answer = desk.complete(declared)
    assert isinstance(answer, Receipt)
    assert answer.duplicate
    sweep_uploads(desk.store, now=NOW + timedelta(days=2), upload_seconds=60)
    assert (desk.state(declared)[0], desk.parts()) == ("accepted", [])


def test_while_the_inbox_is_received_a_completion_waits_shortly_and_then_asks_to_come_again(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    with run_lock(desk.store.folder, name=INTAKE_LOCK, registry=desk.store.registry):
        assert code(lambda: desk.complete(declared)) == "store.locked"
    assert desk.state(declared) == ("open", len(data))
    assert isinstance(desk.complete(declared), Receipt)


def test_a_vendors_submissions_are_listed_newest_first_whatever_they_are(each_desk: Desk) -> None:
    desk = each_desk
    made = []
    for number in range(5):
        at = desk.at(minutes=number)
        data, declared = desk.bundle(created_at=NOW + timedelta(minutes=number))
        made.append(declared.submission_id)
        if number % 2:
            at.upload(data, declared)
        else:
            at.create(declared)
    stranger = replace(desk, sender=replace(desk.sender, vendor="another"))
    stranger.create(desk.bundle()[1])
    with desk.store.registry.read() as session:
        listed = standings_of(session, "vitaal", limit=10)
        first = standings_of(session, "vitaal", limit=2)
        assert first[-1].submission is not None
        since = (first[-1].submission.received_at, first[-1].declared.submission_id)
        rest = standings_of(session, "vitaal", before=since, limit=10)
    assert [one.declared.submission_id for one in listed] == made[::-1]
    assert [*first, *rest] == listed


def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    from dedup.settings import Settings

    settings = Settings(tmp_path, tmp_path, {"service": {"chunk_bytes": 5}, "intake": {"upload_seconds": 9}})
    assert UploadTerms.of(settings) == UploadTerms(chunk_bytes=5)
    assert IntakeLimits.of(settings).upload_seconds == 9
