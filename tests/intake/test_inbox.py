"""The inbox folder: a bundle is accepted once or refused with its reason, and nothing is ever lost."""

import json
import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from dedup.bundle.keys import SealingPrivateKey, SigningKey
from dedup.errors import StoreError
from dedup.ingest.submission import Refused
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.inbox import receive, report_refused
from dedup.intake.receipts import IntakeError, Receipt, Rejection, verified_receipt
from dedup.store.audit import AuditHead
from dedup.store.lock import INTAKE_LOCK, run_lock
from dedup.store.submissions import submissions_in_state
from dedup.store.switches import SetSwitch, Switch, set_switch
from dedup.store.tables import AuditRow, SubmissionState


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


def codes(answers: list[Receipt | Rejection]) -> list[str]:
    return [answer.code if isinstance(answer, Rejection) else "accepted" for answer in answers]


def accepted(intake: Intake) -> list[str]:
    with intake.store.registry.read() as session:
        return [one.id for one in submissions_in_state(session, SubmissionState.ACCEPTED)]


def problem(inbox: Path, name: str) -> dict[str, Any]:
    return json.loads((inbox / "rejected" / f"{name}.problem.json").read_text())


def test_a_bundle_is_moved_into_the_store_and_answered_with_a_receipt(server, intake, deliver) -> None:
    data = deliver("a.bundle").read_bytes()
    (answer,) = receive(server.inbox, intake)
    assert isinstance(answer, Receipt)
    assert not answer.duplicate
    assert server.store.bundle_path(answer.submission.file_sha256).read_bytes() == data
    assert accepted(intake) == [answer.submission.id]
    assert files(server.inbox) == {"receipts/a.bundle.receipt.json"}


def test_a_receipt_can_be_verified_and_quotes_the_audit_log(server, intake, deliver) -> None:
    deliver("a.bundle")
    receive(server.inbox, intake)
    document = json.loads((server.inbox / "receipts" / "a.bundle.receipt.json").read_text())
    said = verified_receipt(document["receipt"], server.keys.receipts.public())
    assert (said["provider"], said["snapshot_date"], said["received_at"]) == (
        "12345678",
        "2026-11-22",
        "2026-11-22T01:15:00Z",
    )
    head = AuditHead(said["audit_number"], said["audit_hash"])
    assert server.store.registry.verify_audit(head) == head


def test_a_changed_receipt_is_none(server, intake, deliver) -> None:
    deliver("a.bundle")
    (answer,) = receive(server.inbox, intake)
    head, body, signature = answer.token.split(".")
    for token in (f"{head}.{body[:-2]}AA.{signature}", "no receipt", "ë.ë.ë"):
        with pytest.raises(IntakeError) as wrong:
            verified_receipt(token, server.keys.receipts.public())
        assert wrong.value.code == "intake.receipt-wrong"


def test_half_written_hidden_and_other_files_are_left_alone(server, intake) -> None:
    for name in ("a.part", "a.bundle.part", ".a.bundle", "readme.txt"):
        (server.inbox / name).write_bytes(b"x")
    assert receive(server.inbox, intake) == []
    assert files(server.inbox) == {"a.part", "a.bundle.part", ".a.bundle", "readme.txt"}


def test_the_same_bundle_again_is_answered_with_the_same_promise_and_counts_once(server, intake, deliver) -> None:
    data = deliver("a.bundle").read_bytes()
    (first,) = receive(server.inbox, intake)
    (server.inbox / "again.bundle").write_bytes(data)
    later = replace(intake, now=intake.now + timedelta(hours=2))
    (second,) = receive(server.inbox, later)
    assert second.duplicate
    key = server.keys.receipts.public()
    assert verified_receipt(first.token, key) == verified_receipt(second.token, key)
    assert accepted(intake) == [first.submission.id]
    assert len(list(server.store.submissions.iterdir())) == 1


def test_the_same_bundle_signed_once_more_is_the_same_submission(server, intake, deliver, vendor_key) -> None:
    from dedup.bundle.manifest import manifest_json
    from dedup.bundle.outside import read_manifest
    from dedup.bundle.signing import sign

    path = deliver("a.bundle")
    data = path.read_bytes()
    old_length = int.from_bytes(data[8:12])
    statement = sign(manifest_json(read_manifest(path, trusted=None)), vendor_key, kind="dedup-bundle").encode()
    receive(server.inbox, intake)
    path.write_bytes(data[:8] + len(statement).to_bytes(4) + statement + data[12 + old_length :])
    (answer,) = receive(server.inbox, intake)
    assert answer.duplicate
    assert len(list(server.store.submissions.iterdir())) == 1


def test_a_used_submission_id_with_other_content_is_refused(server, intake, deliver) -> None:
    deliver("a.bundle", submission_id="0" * 32)
    receive(server.inbox, intake)
    deliver("b.bundle", submission_id="0" * 32, batches=[{"reg-9": "cato"}])
    assert codes(receive(server.inbox, intake)) == ["intake.replayed-id"]
    assert accepted(intake) == ["0" * 32]


def test_a_bundle_that_ingest_found_unusable_is_not_accepted_again(server, intake, deliver) -> None:
    from dedup.store.audit import INTAKE, AuditEvent
    from dedup.store.submissions import mark_rejected

    data = deliver("a.bundle").read_bytes()
    (answer,) = receive(server.inbox, intake)
    with server.store.registry.write(AuditEvent("test", intake.now, INTAKE, "x", "test")) as session:
        mark_rejected(session, answer.submission.id, reason_code="bundle.payload-malformed", at=intake.now)
    (server.inbox / "a.bundle").write_bytes(data)
    assert codes(receive(server.inbox, intake)) == ["bundle.payload-malformed"]


def test_snapshots_are_accepted_from_old_to_new_whatever_their_file_names(server, intake, deliver) -> None:
    yesterday = intake.today - timedelta(days=1)
    deliver("a.bundle", snapshot_date=intake.today)
    deliver("b.bundle", snapshot_date=yesterday)
    answers = receive(server.inbox, intake)
    assert [answer.submission.snapshot_date for answer in answers] == [yesterday, intake.today]


def test_a_snapshot_older_than_the_accepted_one_is_refused(server, intake, deliver) -> None:
    deliver("a.bundle")
    receive(server.inbox, intake)
    deliver("b.bundle", snapshot_date=intake.today - timedelta(days=1))
    deliver("c.bundle", created_at=intake.now - timedelta(hours=1))
    deliver("d.bundle", provider="23456789", snapshot_date=intake.today - timedelta(days=1))
    deliver("e.bundle", epoch="epoch-2", snapshot_date=intake.today - timedelta(days=1))
    assert sorted(codes(receive(server.inbox, intake))) == ["accepted", "accepted", "intake.stale", "intake.stale"]


def test_a_corrected_bundle_of_the_same_day_is_accepted(server, intake, deliver) -> None:
    deliver("a.bundle")
    deliver("b.bundle", created_at=intake.now + timedelta(minutes=5))
    assert codes(receive(server.inbox, intake)) == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("snapshot_date", "answer"),
    [
        (date(2026, 11, 23), "intake.future-snapshot"),
        (date(2026, 11, 22), "accepted"),
        (date(2026, 11, 15), "accepted"),
        (date(2026, 11, 14), "intake.old-snapshot"),
    ],
)
def test_a_snapshot_must_be_recent(server, intake, deliver, snapshot_date: date, answer: str) -> None:
    deliver("a.bundle", snapshot_date=snapshot_date)
    assert codes(receive(server.inbox, intake)) == [answer]


def test_what_this_server_cannot_use_is_refused_before_any_promise(server, intake, deliver, model) -> None:
    other_model = replace(model, digest="f" * 64)
    deliver("a.bundle", sealed=False)
    deliver("b.bundle", sign_with=SigningKey.generate())
    deliver("c.bundle", vendor="another")
    deliver("d.bundle", provider="87654321")
    deliver("e.bundle", made_with=other_model)
    deliver("f.bundle", seal_to=SealingPrivateKey.generate().public())
    deliver("g.bundle", epoch="epoch-9")
    altered = deliver("h.bundle")
    altered.write_bytes(altered.read_bytes()[:-1] + b"?")
    cut = deliver("i.bundle")
    cut.write_bytes(cut.read_bytes()[:-10])
    (server.inbox / "j.bundle").write_bytes(b"")
    strict = replace(intake, keys=replace(server.keys, epochs=frozenset({"epoch-1"})))
    answers = {answer.file_name[0]: answer.code for answer in receive(server.inbox, strict)}
    assert answers == {
        "a": "bundle.unsealed",
        "b": "bundle.vendor-unknown",
        "c": "bundle.vendor-mismatch",
        "d": "bundle.provider-not-allowed",
        "e": "bundle.wrong-model",
        "f": "bundle.wrong-key",
        "g": "bundle.wrong-epoch",
        "h": "bundle.altered",
        "i": "bundle.truncated",
        "j": "bundle.not-a-bundle",
    }
    assert accepted(intake) == []
    assert list(server.store.submissions.iterdir()) == []


def test_a_refused_bundle_is_kept_with_every_reason_beside_it(server, intake, deliver) -> None:
    data = deliver(
        "a.bundle", snapshot_date=date(2027, 1, 1), seal_to=SealingPrivateKey.generate().public()
    ).read_bytes()
    receive(server.inbox, intake)
    assert (server.inbox / "rejected" / "a.bundle").read_bytes() == data
    document = problem(server.inbox, "a.bundle")
    assert document["type"] == "urn:dedup:problem:bundle.wrong-key"
    assert document["code"] == "bundle.wrong-key"
    assert document["title"] == "The bundle was not accepted"
    assert [error["code"] for error in document["errors"]] == ["bundle.wrong-key", "intake.future-snapshot"]


def test_a_second_refused_file_of_the_same_name_replaces_nothing(server, intake) -> None:
    for content in (b"first", b"second"):
        (server.inbox / "a.bundle").write_bytes(content)
        receive(server.inbox, intake)
    rejected = server.inbox / "rejected"
    assert (rejected / "a.bundle").read_bytes() == b"first"
    assert (rejected / "a-2.bundle").read_bytes() == b"second"
    assert problem(server.inbox, "a-2.bundle")["code"] == "bundle.not-a-bundle"


def test_links_folders_and_pipes_are_refused_without_being_opened(server, intake, tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"a file of the server")
    (server.inbox / "link.bundle").symlink_to(secret)
    (server.inbox / "folder.bundle").mkdir()
    (server.inbox / "folder.bundle" / "inside").write_bytes(b"x")
    os.mkfifo(server.inbox / "pipe.bundle")
    assert codes(receive(server.inbox, intake)) == ["intake.not-a-file"] * 3
    assert secret.read_bytes() == b"a file of the server"
    assert (server.inbox / "rejected" / "link.bundle").is_symlink()
    assert (server.inbox / "rejected" / "folder.bundle" / "inside").read_bytes() == b"x"


def test_a_file_larger_than_the_limit_is_refused_and_not_copied_whole(server, intake) -> None:
    (server.inbox / "a.bundle").write_bytes(bytes(1000))
    small = replace(intake, limits=IntakeLimits(max_bundle_bytes=999))
    assert codes(receive(server.inbox, small)) == ["intake.too-large"]
    assert list(server.store.submissions.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["jansen anna.bundle", "-rf.bundle", "a\nb.bundle", "\x1b[31m.bundle", "x" * 200 + ".bundle"]
)
def test_a_name_that_is_no_plain_name_is_not_repeated(server, intake, deliver, name: str) -> None:
    deliver("a.bundle").rename(server.inbox / name)
    (answer,) = receive(server.inbox, intake)
    assert codes([answer]) == ["accepted"]
    assert answer.file_name.startswith("unnamed-")
    assert files(server.inbox) == {f"receipts/{answer.file_name}.receipt.json"}


def test_every_answer_is_in_the_audit_log(server, intake, deliver) -> None:
    deliver("a.bundle")
    (server.inbox / "b.bundle").write_bytes(b"no bundle")
    receive(server.inbox, intake)
    with server.store.registry.read() as session:
        events = [(row.event, row.ground) for row in session.query(AuditRow).order_by(AuditRow.number)]
    assert sorted(events) == [
        ("submission.accepted", "signed by a registered vendor"),
        ("submission.refused", "bundle.not-a-bundle"),
    ]


def test_two_processes_cannot_receive_at_once(server, intake, deliver) -> None:
    deliver("a.bundle")
    with run_lock(server.store.folder, name=INTAKE_LOCK), pytest.raises(StoreError) as locked:
        receive(server.inbox, intake)
    assert locked.value.code == "store.locked"
    assert codes(receive(server.inbox, intake)) == ["accepted"]


def test_a_vendor_is_told_of_a_bundle_that_could_not_be_used_after_its_receipt(server, intake) -> None:
    report_refused(
        server.inbox, Refused("0" * 32, "vitaal", "12345678", "bundle.payload-malformed", "It ends."), intake
    )
    assert problem(server.inbox, f"{'0' * 32}.bundle")["code"] == "bundle.payload-malformed"


def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    from dedup.settings import Settings

    settings = Settings(tmp_path, tmp_path, {"intake": {"max_snapshot_age_days": 3}})
    assert IntakeLimits.of(settings) == IntakeLimits(max_bundle_bytes=2 << 30, max_snapshot_age_days=3)


def test_a_blocked_vendor_is_refused_at_the_inbox_too(server, intake, deliver) -> None:
    set_switch(server.store.registry, SetSwitch(Switch.BLOCK_VENDOR, "vitaal", "stolen laptop", "ops", intake.now))
    deliver("a.bundle")
    assert codes(receive(server.inbox, intake)) == ["intake.vendor-blocked"]
    assert accepted(intake) == []
