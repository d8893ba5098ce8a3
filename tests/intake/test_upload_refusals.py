"""What is not uploaded: refused before it is sent, when it is complete, or because it is another vendor's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.intake.desk import TODAY, Desk, code
from tests.made_bundles import declaration_of

from dedup.bundle.keys import SigningKey
from dedup.bundle.vendors import TrustedVendor
from dedup.intake.completion import complete_upload
from dedup.intake.receipts import Receipt, Rejection
from dedup.intake.upload_terms import UploadError
from dedup.intake.uploads import abort_upload


def test_a_key_means_one_body(each_desk: Desk) -> None:
    desk = each_desk
    _, declared = desk.bundle()
    desk.create(declared, "k" * 16)
    _, other = desk.bundle()
    assert code(lambda: desk.create(other, "k" * 16)) == "upload.key-reused"
    assert code(lambda: desk.create(replace(declared, bytes=5), "k" * 16)) == "upload.key-reused"
    assert code(lambda: desk.create(replace(declared, bytes=5), "l" * 16)) == "upload.declared-otherwise"


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
