"""`dedup switch` and `dedup audit`, as the operator uses them."""

import getpass
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptSigningKey
from dedup.intake.receipts import signed_receipt
from dedup.store.audit import INTAKE, AuditEvent
from dedup.store.submissions import Submission
from dedup.store.switches import switches_set

from .operated import NOW, Installation, code_of


def test_a_switch_is_set_listed_and_cleared_with_its_reason_in_the_audit_log(operator: Installation) -> None:
    operator.run("switch", "set", "read-only", "--reason", "new disk")
    operator.run("switch", "set", "block-vendor", "--vendor", "acme", "--reason", "stolen laptop")
    listed = [(one["switch"], one["vendor"], one["reason"]) for one in operator.run("switch", "list")]
    operator.run("switch", "clear", "read-only", "--reason", "disk is in")

    assert listed == [("block-vendor", "acme", "stolen laptop"), ("read-only", "", "new disk")]
    with operator.registry().read() as session:
        left = switches_set(session)
    assert (left.read_only, left.blocks("acme"), left.blocks("other")) == (False, True, False)
    told = operator.run("audit", "list", "--event", "switch.")
    assert [(one["event"], one["object"], one["ground"]) for one in told] == [
        ("switch.set", "read-only", "new disk"),
        ("switch.set", "block-vendor:acme", "stolen laptop"),
        ("switch.cleared", "read-only", "disk is in"),
    ]
    assert {(one["actor"], one["role"]) for one in told} == {(getpass.getuser(), "operator")}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set", "block-vendor", "--vendor", "amce", "--reason", "x"), "key.vendor-unknown"),
        (("set", "block-vendor", "--reason", "x"), "store.switch-vendor"),
        (("set", "read-only", "--vendor", "acme", "--reason", "x"), "store.switch-vendor"),
        (("set", "read-only", "--reason", ""), "store.switch-reason"),
        (("set", "read-only", "--reason", "x" * 129), "store.switch-reason"),
        (("clear", "read-only", "--reason", "x"), "store.switch-not-set"),
    ],
)
def test_a_switch_that_would_do_nothing_is_refused(
    operator: Installation, arguments: tuple[str, ...], code: str
) -> None:
    assert code_of(lambda: operator.run("switch", *arguments)) == code


def accept(operator: Installation, name: str) -> str:
    """Note an acceptance and return the receipt that quotes it."""
    submission = Submission(name, "acme", "41000001", NOW.date(), NOW, NOW, "a" * 64, 10, "b" * 64, "epoch-1", "c" * 64)
    registry = operator.registry()
    with registry.write(AuditEvent("submission.accepted", NOW, INTAKE, name, "test")):
        pass
    head = registry.audit_head()
    registry.close()
    return signed_receipt(submission, head, read_key(operator.keys / "receipts.key", ReceiptSigningKey))


def without_last(operator: Installation) -> None:
    """Cut off the end of the log, as someone would who owns the database."""
    engine = create_engine(f"sqlite:///{operator.database}")
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_refuses_delete"))
        connection.execute(text("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)"))
    engine.dispose()


def test_a_receipt_shows_that_its_acceptance_was_cut_out(operator: Installation, tmp_path: Path) -> None:
    accept(operator, "0" * 32)
    token = accept(operator, "1" * 32)
    (tmp_path / "bare.jws").write_text(token)
    (tmp_path / "receipt.json").write_text(json.dumps({"receipt": token}))

    for name in ("bare.jws", "receipt.json"):
        assert operator.run("audit", "verify", "--receipt", tmp_path / name)["noted"] == 2
    without_last(operator)
    assert operator.run("audit", "verify")["number"] == 1
    cut = code_of(lambda: operator.run("audit", "verify", "--receipt", tmp_path / "bare.jws"))
    assert cut == "store.audit-cut"


def test_a_noted_head_is_found_again(operator: Installation) -> None:
    accept(operator, "0" * 32)
    noted = operator.run("audit", "verify")
    head = f"{noted['number']}:{noted['hash']}"
    accept(operator, "1" * 32)
    assert operator.run("audit", "verify", "--head", head)["noted"] == 1

    another = f"1:{'f' * 64}"
    assert code_of(lambda: operator.run("audit", "verify", "--head", another)) == "store.audit-cut"


@pytest.mark.parametrize("head", ["1", "1:abc", f"x:{'f' * 64}", f"1:{'F' * 64}"])
def test_a_head_of_another_form_is_refused(operator: Installation, head: str) -> None:
    assert code_of(lambda: operator.run("audit", "verify", "--head", head)) == "store.audit-head"


def test_a_receipt_that_is_none_proves_nothing(operator: Installation, tmp_path: Path) -> None:
    token = accept(operator, "0" * 32)
    forged = signed_receipt(
        Submission("0" * 32, "acme", "41000001", NOW.date(), NOW, NOW, "a" * 64, 1, "b" * 64, "e", "c" * 64),
        operator.registry().audit_head(),
        ReceiptSigningKey.generate(),
    )
    for content, code in [
        (forged, "intake.receipt-wrong"),
        (token[:-8], "intake.receipt-wrong"),
        ("{}", "store.audit-receipt"),
        ("é", "store.audit-receipt"),
    ]:
        (tmp_path / "receipt").write_text(content)
        assert code_of(lambda: operator.run("audit", "verify", "--receipt", tmp_path / "receipt")) == code


def test_events_are_found_by_who_what_and_when(operator: Installation) -> None:
    for name in ("0" * 32, "1" * 32):
        accept(operator, name)
    operator.run("switch", "set", "read-only", "--reason", "x")

    assert len(operator.run("audit", "list")) == 3
    assert len(operator.run("audit", "list", "--limit", 2)) == 2
    assert len(operator.run("audit", "list", "--actor", "intake")) == 2
    assert [one["object"] for one in operator.run("audit", "list", "--object", "1" * 32)] == ["1" * 32]
    assert len(operator.run("audit", "list", "--until", "2026-01-05T12:00:00")) == 0
    assert len(operator.run("audit", "list", "--event", "submission.accepted", "--since", "2026-01-05")) == 2
    assert operator.run("audit", "list", "--event", "submission.accept") == []
