"""What a client believes: its own credentials, keys and receipts that a known receipt key signed, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dedup.bundle.canonical import canonical_json
from dedup.bundle.keyfiles import write_key
from dedup.bundle.keys import EcPublicKey, KeyId, ReceiptSigningKey, SealingPrivateKey, SigningKey, public_jwk
from dedup.bundle.manifest import Manifest
from dedup.bundle.signing import sign
from dedup.errors import DedupError
from dedup.send.bundlefile import BundleFile
from dedup.send.credentials import Credentials, checked_url, read_credentials, remember_statement, write_credentials
from dedup.send.errors import NoServerError, refusal
from dedup.send.receipt import keep_receipt, kept_receipt, verified_receipt
from dedup.send.statement import ServerStatement, refuse_unless_current, verified_statement

URL = "https://dedup.example"
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
RECEIPTS = ReceiptSigningKey.generate()
KNOWN = {RECEIPTS.key_id: RECEIPTS.public()}


def jwk(key: EcPublicKey) -> dict[str, str]:
    return {**public_jwk(key.key), "kid": key.key_id}


def said(**others: Any) -> dict[str, Any]:
    return {
        "issuer": URL,
        "issued_at": "2026-11-22T08:00:00Z",
        "expires_at": "2026-11-22T08:05:00Z",
        "token_endpoint": f"{URL}/v1/token",
        "sealing": [jwk(SealingPrivateKey.generate().public())],
        "receipts": [jwk(RECEIPTS.public())],
        "models": ["0" * 64],
        "limits": {"chunk_bytes": 1, "bundle_bytes": 1},
        **others,
    }


def document(says: dict[str, Any], key: ReceiptSigningKey = RECEIPTS, kind: str = "dedup-keys") -> dict[str, str]:
    return {"statement": sign(canonical_json(says), key, kind=kind)}


def receipt(key: ReceiptSigningKey = RECEIPTS, kind: str = "dedup-receipt", **others: Any) -> str:
    says = {
        "submission_id": BUNDLE.manifest.submission_id,
        "vendor": "acme",
        "provider": "41000001",
        "snapshot_date": "2026-11-22",
        "body_sha256": "b" * 64,
        "file_sha256": BUNDLE.sha256,
        "file_bytes": BUNDLE.size,
        "received_at": "2026-11-22T08:00:00Z",
        **others,
    }
    return sign(canonical_json(says), key, kind=kind)


BUNDLE = BundleFile(
    Path("41000001.bundle"),
    Manifest(
        submission_id="5" * 32,
        vendor="acme",
        provider="41000001",
        snapshot_date=date(2026, 11, 22),
        created_at="2026-11-22T07:59:00Z",
        epoch_key_id="e" * 32,
        model_name="kraamzorg",
        model_digest="0" * 64,
        body_bytes=100,
        body_sha256="b" * 64,
    ),
    sha256="f" * 64,
    size=900,
)


def code_of(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(DedupError) as error:
        call(*arguments, **named)
    return error.value.code


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    write_key(tmp_path / "keys" / "signing.key", SigningKey.generate(), created=NOW)
    path = tmp_path / "credentials.json"
    write_credentials(
        path, url=f"{URL}/", vendor="acme", signing_key=tmp_path / "keys/signing.key",
        receipt_keys=[RECEIPTS.public()], created=NOW,
    )  # fmt: skip
    return read_credentials(path)


def test_keys_signed_with_a_known_receipt_key_are_believed() -> None:
    statement = verified_statement(document(said()), KNOWN, url=URL)

    assert (statement.issuer, statement.chunk_bytes, list(statement.receipts)) == (URL, 1, [RECEIPTS.key_id])


def test_keys_that_stand_beside_the_statement_count_for_nothing() -> None:
    says, other = said(), jwk(SealingPrivateKey.generate().public())
    statement = verified_statement({**document(says), "sealing": [other]}, KNOWN, url=URL)

    assert list(statement.sealing) == [says["sealing"][0]["kid"]]


@pytest.mark.parametrize(
    "wrong",
    [
        document(said(), ReceiptSigningKey.generate()),
        document(said(), kind="dedup-receipt"),
        document(said(sealing=[{**jwk(SealingPrivateKey.generate().public()), "kid": "another"}])),
        document(said(sealing=[])),
        document({name: value for name, value in said().items() if name != "issued_at"}),
        document(said(expires_at="2026-11-22")),
        document(said(limits={"chunk_bytes": 0, "bundle_bytes": 1})),
        {"statement": document(said())["statement"][:-4] + "AAAA"},
        {"statement": 7},
        {},
        [],
    ],
    ids=[
        "other-key",
        "other-kind",
        "other-id",
        "no-sealing",
        "no-moment",
        "a-day",
        "no-size",
        "altered",
        "number",
        "none",
        "list",
    ],
)
def test_keys_that_are_not_signed_as_they_must_be_are_not_believed(wrong: Any) -> None:
    assert code_of(verified_statement, wrong, KNOWN, url=URL) == "send.keys-wrong"


@pytest.mark.parametrize("wrong", [{"issuer": "https://other.example"}, {"token_endpoint": "https://other.example/t"}])
def test_a_server_that_says_it_is_another_gets_nothing(wrong: dict[str, str]) -> None:
    assert code_of(verified_statement, document(said(**wrong)), KNOWN, url=URL) == "send.other-server"


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (timedelta(), ""),
        (timedelta(seconds=-60), ""),
        (timedelta(seconds=-61), "send.keys-future"),
        (timedelta(seconds=359), ""),
        (timedelta(seconds=360), "send.keys-expired"),
        (timedelta(days=-1), "send.keys-future"),
        (timedelta(days=1), "send.keys-expired"),
    ],
)
def test_a_statement_is_good_for_its_time_and_clocks_may_differ_by_a_minute(now: timedelta, code: str) -> None:
    assert current(verified_statement(document(said()), KNOWN, url=URL), now=NOW + now) == code


@pytest.mark.parametrize(
    ("seen", "code"),
    [(timedelta(), ""), (timedelta(seconds=60), ""), (timedelta(seconds=61), "send.keys-older")],
)
def test_a_statement_from_before_the_newest_that_was_believed_is_refused(seen: timedelta, code: str) -> None:
    """Within its time too: between the two, the server may have changed its keys."""
    assert current(verified_statement(document(said()), KNOWN, url=URL), now=NOW, seen=NOW + seen) == code


def current(statement: ServerStatement, *, now: datetime, seen: datetime | None = None) -> str:
    try:
        refuse_unless_current(statement, now=now, seen=seen)
    except NoServerError as error:
        return error.code
    return ""


def test_a_receipt_for_this_file_is_believed_and_kept(tmp_path: Path) -> None:
    held = verified_receipt(receipt(), BUNDLE, KNOWN)
    keep_receipt(held, tmp_path / "deep" / "a.receipt.json")

    assert kept_receipt(tmp_path / "deep" / "a.receipt.json", BUNDLE, KNOWN) == replace(held, duplicate=True)
    assert kept_receipt(tmp_path / "deep" / "a.receipt.json", replace(BUNDLE, sha256="a" * 64), KNOWN) is None
    assert kept_receipt(tmp_path / "none.json", BUNDLE, KNOWN) is None


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (receipt(ReceiptSigningKey.generate()), "send.receipt-wrong"),
        (receipt(kind="dedup-keys"), "send.receipt-wrong"),
        (receipt()[:-4] + "AAAA", "send.receipt-wrong"),
        (None, "send.receipt-wrong"),
        ("x", "send.receipt-wrong"),
        (receipt(file_sha256="0" * 64), "send.receipt-other"),
        (receipt(file_bytes=901), "send.receipt-other"),
        (receipt(submission_id="6" * 32), "send.receipt-other"),
        (receipt(vendor="other"), "send.receipt-other"),
    ],
)
def test_another_receipt_is_not_believed(token: object, code: str) -> None:
    assert code_of(verified_receipt, token, BUNDLE, KNOWN) == code


@pytest.mark.parametrize(
    "url", ["https://a.example", "https://a.example/dedup/", "http://127.0.0.1:8000", "http://[::1]:1"]
)
def test_urls_that_are_safe(url: str) -> None:
    assert checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "ftp://localhost",
        "a.example",
        "https://u:p@a.example",
        "https://:p@a.example",
        "https://a.example/?q",
        "https://a.example:port",
        "https://[a.example",
        "https://",
    ],
)
def test_urls_that_are_not_safe_are_refused(url: str) -> None:
    assert code_of(checked_url, url) == "send.url"


def test_credentials_hold_no_secret_and_their_key_by_a_path_beside_them(credentials: Credentials) -> None:
    text = credentials.path.read_text()

    assert json.loads(text)["signing_key"] == "keys/signing.key"
    assert '"d"' not in text
    assert (credentials.url, credentials.vendor, dict(credentials.receipt_keys)) == (URL, "acme", KNOWN)


def test_credentials_notice_that_their_key_was_replaced(credentials: Credentials) -> None:
    (credentials.path.parent / "keys/signing.key").unlink()
    write_key(credentials.path.parent / "keys/signing.key", SigningKey.generate(), created=NOW)

    assert code_of(read_credentials, credentials.path) == "key.other-signing-key"


@pytest.mark.parametrize("member", ["url", "vendor", "signing_key", "receipt_keys", "key_id"])
def test_credentials_that_lack_a_member_are_refused(credentials: Credentials, member: str) -> None:
    document = json.loads(credentials.path.read_text())
    del document[member]
    credentials.path.write_text(json.dumps(document))

    assert code_of(read_credentials, credentials.path) == "key.malformed"


def test_receipt_keys_that_a_statement_names_are_kept_for_later(credentials: Credentials) -> None:
    following = ReceiptSigningKey.generate()
    statement = verified_statement(
        document(said(receipts=[jwk(RECEIPTS.public()), jwk(following.public())])), credentials.receipt_keys, url=URL
    )
    remember_statement(credentials, statement)
    later = read_credentials(credentials.path)
    verified_statement(document(said(receipts=[jwk(following.public())]), following), later.receipt_keys, url=URL)

    assert list(later.receipt_keys) == [RECEIPTS.key_id, following.key_id]


def test_the_newest_statement_that_was_believed_is_kept(credentials: Credentials) -> None:
    assert credentials.keys_issued_at is None
    for issued in ("2026-11-22T08:00:00Z", "2026-11-22T07:59:30Z"):  # of two servers whose clocks differ
        known = read_credentials(credentials.path)
        remember_statement(known, verified_statement(document(said(issued_at=issued)), KNOWN, url=URL))
    assert read_credentials(credentials.path).keys_issued_at == NOW


def test_credentials_that_cannot_be_written_stop_a_client_only_when_keys_are_new(credentials: Credentials) -> None:
    following = jwk(ReceiptSigningKey.generate().public())
    same = verified_statement(document(said()), KNOWN, url=URL)
    new = verified_statement(document(said(receipts=[jwk(RECEIPTS.public()), following])), KNOWN, url=URL)
    with credentials.path.open() as file:
        # A name under which it can be read, in a folder in which nobody can write, root neither.
        unwritable = replace(credentials, path=Path(f"/proc/self/fd/{file.fileno()}"))
        remember_statement(unwritable, same)
        with pytest.raises(OSError, match="/proc/self/fd"):
            remember_statement(unwritable, new)


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-22T08:00:00", 7])
def test_credentials_with_a_moment_that_is_none_are_refused(credentials: Credentials, moment: object) -> None:
    document = json.loads(credentials.path.read_text()) | {"keys_issued_at": moment}
    credentials.path.write_text(json.dumps(document))

    assert code_of(read_credentials, credentials.path) == "key.malformed"


def test_a_refusal_keeps_every_fault_and_no_control_characters() -> None:
    errors = [{"code": "bundle.altered", "detail": "one\x1b[2J\nline"}, {"code": "\x1b", "detail": "x"}, 7]
    problem = refusal(422, json.dumps({"code": "bundle.altered", "detail": "d", "errors": errors}).encode())

    assert [(fault.code, fault.detail) for fault in problem.faults] == [("bundle.altered", "one[2J line")]
    assert refusal(502, b"<html>").code == "send.answer"
    assert refusal(
        400, b'{"error": "invalid_client", "error_description": "No.", "code": "auth.key-unknown"}'
    ).code == ("auth.key-unknown")


def test_no_known_key_means_nothing_is_believed() -> None:
    nobody: dict[KeyId, Any] = {}

    assert code_of(verified_statement, document(said()), nobody, url=URL) == "send.keys-wrong"
    assert code_of(verified_receipt, receipt(), BUNDLE, nobody) == "send.receipt-wrong"
