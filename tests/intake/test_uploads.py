"""An upload from its creation to its receipt, as functions over the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select
from tests.made_bundles import declaration_of, sealed_bundle

from dedup.bundle.keys import ReceiptSigningKey, SealingPrivateKey, SigningKey
from dedup.bundle.vendors import TrustedVendor
from dedup.errors import DedupError
from dedup.intake.acceptance import Intake
from dedup.intake.appending import Chunk, begin_append
from dedup.intake.checks import IntakeLimits
from dedup.intake.completion import complete_upload
from dedup.intake.expiry import FORGET_AFTER, sweep_uploads
from dedup.intake.inbox import receive
from dedup.intake.receipts import Receipt, Rejection, verified_receipt
from dedup.intake.upload_terms import UploadError, UploadTerms
from dedup.intake.uploads import Sender, abort_upload, create_upload, standing_of, standings_of
from dedup.model.linkage import LinkageModel
from dedup.store.audit import Actor
from dedup.store.bundles import BundleStore, open_bundle_store
from dedup.store.lock import INTAKE_LOCK, run_lock
from dedup.store.tables import AuditRow
from dedup.store.uploads import Declaration

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
TERMS = UploadTerms(chunk_bytes=4096, keep_free_bytes=0, lock_seconds=0)


@dataclass(frozen=True)
class Keys:
    sealing: frozenset[str]
    receipts: ReceiptSigningKey
    vendors: dict[str, TrustedVendor]
    epochs: frozenset[str] | None = None


@dataclass
class Desk:
    """A vendor at the server's door, with a store behind it."""

    store: BundleStore
    sender: Sender
    signing_key: SigningKey
    numbers: Iterator[int]

    def bundle(self, body: bytes = b"sealed", **changes: object) -> tuple[bytes, Declaration]:
        submission_id = str(changes.pop("submission_id", "")) or f"{next(self.numbers):032x}"
        told = {"provider": "12345678", "snapshot_date": TODAY, "created_at": NOW} | changes
        data = sealed_bundle(
            self.sender.intake.model,
            sign_with=self.signing_key,
            sealed_to=next(iter(self.sender.intake.keys.sealing)),
            submission_id=submission_id,
            body=body,
            **told,
        )
        return data, declaration_of(data, submission_id, told["snapshot_date"], provider=str(told["provider"]))

    def create(self, declared: Declaration, key: str = "", **changes: object) -> str:
        standing, _ = create_upload(declared, key or declared.sha256, replace(self.sender, **changes))
        return standing.state.value

    def append(self, declared: Declaration, offset: int, data: bytes, *, sha256: bytes | None = None) -> int:
        chunk = Chunk(offset, len(data), sha256 or hashlib.sha256(data).digest())
        appending = begin_append(declared.submission_id, chunk, self.sender)
        try:
            for start in range(0, len(data), 1000):
                appending.write(data[start : start + 1000])
            return appending.finish(self.sender.intake.now)
        finally:
            appending.close()

    def append_all(self, declared: Declaration, data: bytes) -> None:
        for offset in range(0, len(data), 4096):
            self.append(declared, offset, data[offset : offset + 4096])

    def complete(self, declared: Declaration) -> Receipt | Rejection:
        return complete_upload(declared.submission_id, declared.sha256, self.sender)

    def upload(self, data: bytes, declared: Declaration) -> Receipt | Rejection:
        self.create(declared, secrets.token_hex(16))
        self.append_all(declared, data)
        return self.complete(declared)

    def state(self, declared: Declaration) -> tuple[str, int | None]:
        with self.store.registry.read() as session:
            standing = standing_of(session, self.sender.vendor, declared.submission_id)
        return standing.state.value, standing.upload.offset if standing.upload else None

    def parts(self) -> list[int]:
        return [path.stat().st_size for path in self.store.uploads.iterdir()]

    def bundles(self) -> set[str]:
        return {path.stem for path in self.store.submissions.iterdir()}

    def at(self, **later: float) -> Desk:
        intake = replace(self.sender.intake, now=self.sender.intake.now + timedelta(**later))
        return replace(self, sender=replace(self.sender, intake=intake))

    def under(self, **terms: int) -> Desk:
        return replace(self, sender=replace(self.sender, terms=replace(TERMS, **terms)))

    def events(self) -> list[tuple[str, str, str]]:
        with self.store.registry.read() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.number))
            return [(row.event, row.actor, row.object) for row in rows]


@pytest.fixture
def desk(tmp_path: Path, model: LinkageModel) -> Iterator[Desk]:
    with open_desk(tmp_path, f"sqlite:///{tmp_path}/registry.sqlite", model) as opened:
        yield opened


@pytest.fixture
def each_desk(tmp_path: Path, url: str, model: LinkageModel) -> Iterator[Desk]:
    """A desk on SQLite and one on PostgreSQL."""
    with open_desk(tmp_path, url, model) as opened:
        yield opened


@contextmanager
def open_desk(tmp_path: Path, url: str, model: LinkageModel) -> Iterator[Desk]:
    signing_key = SigningKey.generate()
    providers = frozenset({"12345678", "23456789"})
    keys = Keys(
        frozenset({SealingPrivateKey.generate().key_id}),
        ReceiptSigningKey.generate(),
        {signing_key.key_id: TrustedVendor("vitaal", signing_key.public(), providers)},
    )
    store = open_bundle_store(tmp_path / "store", url)
    intake = Intake(store, keys, model, IntakeLimits(), TODAY, NOW, Actor("vitaal", "vendor", "vitaal"))
    yield Desk(store, Sender("vitaal", providers, intake, TERMS, secrets.token_bytes), signing_key, itertools.count(1))
    store.close()


def code(work: Callable[[], object]) -> str:
    with pytest.raises(DedupError) as refused:
        work()
    return refused.value.code


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


def test_a_key_means_one_body(each_desk: Desk) -> None:
    desk = each_desk
    _, declared = desk.bundle()
    desk.create(declared, "k" * 16)
    _, other = desk.bundle()
    assert code(lambda: desk.create(other, "k" * 16)) == "upload.key-reused"
    assert code(lambda: desk.create(replace(declared, bytes=5), "k" * 16)) == "upload.key-reused"
    assert code(lambda: desk.create(replace(declared, bytes=5), "l" * 16)) == "upload.declared-otherwise"


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


def test_a_chunk_with_another_digest_leaves_nothing(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    desk.append(declared, 0, data[:100])
    assert code(lambda: desk.append(declared, 100, data[100:200], sha256=bytes(32))) == "upload.digest"
    assert (desk.state(declared), desk.parts()) == (("open", 100), [100])


def test_a_chunk_goes_where_the_server_is_and_nowhere_else(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    desk.append(declared, 0, data[:100])
    for offset in (0, 99, 101):
        with pytest.raises(UploadError) as refused:
            desk.append(declared, offset, b"x")
        assert (refused.value.code, refused.value.offset) == ("upload.offset", 100)
    assert code(lambda: desk.append(declared, 100, bytes(4097))) == "upload.chunk-too-large"
    assert code(lambda: desk.append(declared, 100, b"")) == "upload.length"
    desk.append(declared, 100, data[100:4000])
    assert code(lambda: desk.append(declared, 4000, data[4000:] + b"x")) == "upload.length"


def test_a_chunk_of_another_length_than_was_said_leaves_nothing(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    for sent in (data[:99], data[:101]):
        appending = begin_append(declared.submission_id, Chunk(0, 100, hashlib.sha256(sent).digest()), desk.sender)
        assert code(lambda: (appending.write(sent), appending.finish(NOW))) == "upload.length"  # noqa: B023
        appending.close()
        assert (desk.state(declared), desk.parts()) == (("open", 0), [0])


def test_two_calls_cannot_append_at_once(desk: Desk) -> None:
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    chunk = Chunk(0, 100, hashlib.sha256(data[:100]).digest())
    first = begin_append(declared.submission_id, chunk, desk.sender)
    assert code(lambda: begin_append(declared.submission_id, chunk, desk.sender)) == "upload.busy"
    first.write(data[:100])
    assert first.finish(NOW) == 100
    first.close()


def test_an_upload_that_is_aborted_while_a_chunk_comes_in_keeps_nothing_of_it(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle(bytes(5000))
    desk.create(declared)
    appending = begin_append(declared.submission_id, Chunk(0, 100, hashlib.sha256(data[:100]).digest()), desk.sender)
    appending.write(data[:100])
    abort_upload(declared.submission_id, desk.sender)
    assert desk.create(declared) == "open"
    assert code(lambda: appending.finish(NOW)) == "upload.busy"
    appending.close()
    assert desk.state(declared) == ("open", 0)
    assert sweep_uploads(desk.store, now=NOW, upload_seconds=60).parts == 1
    desk.append_all(declared, data)
    assert isinstance(desk.complete(declared), Receipt)


def test_an_incomplete_upload_is_not_completed(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append(declared, 0, data[:-1])
    with pytest.raises(UploadError) as refused:
        desk.complete(declared)
    assert (refused.value.code, refused.value.offset) == ("upload.incomplete", len(data) - 1)
    assert code(lambda: complete_upload(declared.submission_id, "0" * 64, desk.sender)) == "upload.digest-declared"


@pytest.mark.parametrize("wrong", ["digest", "provider", "date", "id", "vendor", "no-bundle", "old", "key"])
def test_a_bundle_that_is_not_what_was_declared_or_cannot_come_in_is_rejected_and_stays_so(
    desk: Desk, wrong: str
) -> None:
    data, declared = desk.bundle()
    expected = "upload.not-as-declared"
    if wrong == "digest":
        declared = replace(declared, sha256="0" * 64)
    elif wrong == "provider":
        declared = replace(declared, provider="23456789")
    elif wrong == "date":
        declared = replace(declared, snapshot_date=TODAY - timedelta(days=1))
    elif wrong == "id":
        declared = replace(declared, submission_id="f" * 32)
    elif wrong == "no-bundle":
        data, expected = b"no bundle at all", "bundle.not-a-bundle"
        declared = declaration_of(data, declared.submission_id, TODAY)
    elif wrong == "old":
        data, declared = desk.bundle(snapshot_date=TODAY - timedelta(days=30))
        expected = "intake.old-snapshot"
    elif wrong == "key":
        keys = replace(desk.sender.intake.keys, sealing=frozenset())
        desk.sender = replace(desk.sender, intake=replace(desk.sender.intake, keys=keys))
        expected = "bundle.wrong-key"
    elif wrong == "vendor":
        keys = replace(desk.sender.intake.keys, vendors={})
        desk.sender = replace(desk.sender, intake=replace(desk.sender.intake, keys=keys))
        expected = "bundle.vendor-unknown"
    answer = desk.upload(data, declared)
    assert isinstance(answer, Rejection)
    assert answer.code == expected
    assert (desk.state(declared)[0], desk.parts(), desk.bundles()) == ("rejected", [], set())
    again = desk.complete(declared)
    assert isinstance(again, Rejection)
    assert [(fault.code, fault.message) for fault in again.faults] == [
        (fault.code, fault.message) for fault in answer.faults
    ]
    assert code(lambda: desk.append(declared, 0, b"x")) == "upload.settled"
    assert code(lambda: abort_upload(declared.submission_id, desk.sender)) == "upload.settled"
    assert [event for event, _, _ in desk.events()][-1] == "submission.refused"


def test_a_rejected_submission_can_be_tried_again_under_a_fresh_key(desk: Desk) -> None:
    data, declared = desk.bundle()
    keys = desk.sender.intake.keys
    desk.sender = replace(desk.sender, intake=replace(desk.sender.intake, keys=replace(keys, sealing=frozenset())))
    desk.create(declared, "k" * 16)
    desk.append_all(declared, data)
    desk.complete(declared)
    assert desk.create(declared, "k" * 16) == "rejected"
    desk.sender = replace(desk.sender, intake=replace(desk.sender.intake, keys=keys))
    assert desk.create(declared, "l" * 16) == "open"
    desk.append_all(declared, data)
    assert isinstance(desk.complete(declared), Receipt)


def test_rights_that_were_taken_away_in_between_count(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    vendors = {
        key_id: replace(vendor, providers=frozenset({"23456789"}))
        for key_id, vendor in desk.sender.intake.keys.vendors.items()
    }
    keys = replace(desk.sender.intake.keys, vendors=vendors)
    desk.sender = replace(desk.sender, intake=replace(desk.sender.intake, keys=keys))
    answer = desk.complete(declared)
    assert isinstance(answer, Rejection)
    assert answer.code == "bundle.provider-not-allowed"


def test_what_may_not_come_is_refused_before_it_is_sent(each_desk: Desk) -> None:
    desk = each_desk
    _, declared = desk.bundle()
    assert code(lambda: desk.create(replace(declared, provider="99999999"))) == "upload.provider-not-allowed"
    assert code(lambda: desk.create(replace(declared, bytes=(2 << 30) + 1))) == "upload.too-large"
    assert code(lambda: desk.under(keep_free_bytes=1 << 60).create(declared)) == "upload.no-room"
    assert code(lambda: desk.under(daily_bytes=declared.bytes - 1).create(declared)) == "upload.quota"
    one = desk.under(open_uploads=1)
    one.create(declared)
    assert code(lambda: one.create(desk.bundle()[1])) == "upload.too-many"
    assert {event for event, _, _ in desk.events()} == {"upload.created"}


def test_a_days_quota_counts_what_was_sent_whatever_became_of_it(each_desk: Desk) -> None:
    desk = each_desk
    data, declared = desk.bundle()
    tight = desk.under(daily_bytes=len(data) + 10)
    tight.create(declared)
    tight.append(declared, 0, data[:20])
    abort_upload(declared.submission_id, tight.sender)
    with pytest.raises(UploadError) as refused:
        tight.create(declared)
    assert (refused.value.code, refused.value.retry_after) == ("upload.quota", 12 * 3600)
    assert tight.at(days=1).create(declared) == "open"


def test_another_vendors_upload_is_as_unknown_as_none(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    stranger = replace(desk, sender=replace(desk.sender, vendor="another"))
    for work in (
        lambda: stranger.append(declared, 0, data[:10]),
        lambda: stranger.complete(declared),
        lambda: abort_upload(declared.submission_id, stranger.sender),
        lambda: stranger.state(declared),
    ):
        assert code(work) == "upload.unknown"
    desk.append_all(declared, data)
    desk.complete(declared)
    assert code(lambda: stranger.complete(declared)) == "upload.unknown"
    assert stranger.create(declared) == "open"


def test_a_bundle_of_another_vendor_is_not_taken_from_this_one(desk: Desk) -> None:
    data, declared = desk.bundle()
    other = SigningKey.generate()
    vendors = {other.key_id: TrustedVendor("another", other.public(), frozenset({"12345678"}))}
    keys = replace(desk.sender.intake.keys, vendors=vendors)
    thief = replace(desk, sender=replace(desk.sender, vendor="another", intake=replace(desk.sender.intake, keys=keys)))
    answer = thief.upload(data, declared)
    assert isinstance(answer, Rejection)
    assert answer.code == "bundle.vendor-unknown"


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


def test_bytes_that_are_gone_end_the_upload_instead_of_becoming_a_bundle(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    for path in desk.store.uploads.iterdir():
        path.write_bytes(data[:7])
    assert code(lambda: desk.complete(declared)) == "upload.lost"
    assert isinstance(desk.upload(data, declared), Receipt)


def test_bytes_that_changed_on_the_disk_are_rejected(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    for path in desk.store.uploads.iterdir():
        path.write_bytes(data[:-1] + b"?")
    answer = desk.complete(declared)
    assert isinstance(answer, Rejection)
    assert answer.code == "upload.not-as-declared"


def test_a_part_file_that_the_server_cannot_read_is_not_the_vendors_fault(desk: Desk) -> None:
    data, declared = desk.bundle()
    desk.create(declared)
    desk.append_all(declared, data)
    failing_disk = patch.object(Path, "open", side_effect=OSError(errno.EIO, "Input/output error"))
    with failing_disk, pytest.raises(OSError, match="Input/output error"):
        desk.complete(declared)
    assert isinstance(desk.complete(declared), Receipt)


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


CALLS = ("open", "write", "fsync", "ftruncate", "link", "replace", "unlink", "close")


@contextmanager
def failing(nth: int, number: int) -> Iterator[list[str]]:
    """Let the n-th of these calls to the operating system fail with an errno; gives the calls that were made."""
    made: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **named: Any) -> Any:
            made.append(name)
            if len(made) == nth:
                if name == "close":
                    real(*arguments)  # as Linux does: the descriptor is gone whatever close answers
                raise OSError(number, os.strerror(number))
            return real(*arguments, **named)

        return call

    with ExitStack() as patches:
        for name in CALLS:
            patches.enter_context(patch.object(os, name, counted(name)))
        yield made


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whichever_call_to_the_system_fails_the_client_can_go_on_and_nothing_is_corrupt(
    tmp_path: Path, model: LinkageModel, number: int
) -> None:
    with open_desk(tmp_path, f"sqlite:///{tmp_path}/registry.sqlite", model) as desk:
        try_each_call(desk, number)


def try_each_call(desk: Desk, number: int) -> None:
    sent: dict[str, bytes] = {}
    codes: set[str] = set()
    for nth in itertools.count(1):
        data, declared = desk.bundle(os.urandom(5000), created_at=NOW + timedelta(seconds=nth))
        sent[declared.sha256] = data
        with failing(nth, number) as made:
            try:
                desk.upload(data, declared)
            except OSError:
                codes.add("the system's own")
            except DedupError as fault:
                codes.add(fault.code)
        go_on(desk, data, declared)
        if len(made) < nth:
            break
    assert nth > 15
    assert codes <= {"the system's own", "store.unavailable", "upload.lost"}
    assert desk.bundles() == set(sent)
    assert all(desk.store.bundle_path(sha256).read_bytes() == data for sha256, data in sent.items())
    sweep_uploads(desk.store, now=NOW, upload_seconds=60)
    assert desk.parts() == []
    desk.store.registry.verify_audit()


def go_on(desk: Desk, data: bytes, declared: Declaration) -> None:
    """Finish an upload as a client does that asks with HEAD where it was."""
    desk.create(declared)
    state, offset = desk.state(declared)
    while state == "open" and offset is not None and offset < len(data):
        offset = desk.append(declared, offset, data[offset : offset + 4096])
    assert isinstance(desk.complete(declared), Receipt)
