"""`GET /v1/keys`: what the server says of itself is signed, and follows every rotation at once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import generate_latest
from tests.service.site import Site

from dedup.bundle.canonical import parse_json
from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptSigningKey, ReceiptVerifyingKey
from dedup.bundle.receiptrotation import rotate_receipt_key
from dedup.bundle.serverkeys import load_published_keys, make_server_keys, rotate_sealing_key
from dedup.bundle.signing import take_apart, verify
from dedup.errors import KeyFileError
from dedup.send.statement import verified_statement
from dedup.service.app import create_app
from dedup.service.problems import handle_problems
from dedup.service.publication import KEYS_KIND, KEYS_PATH, Publication, published_keys, router

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ISSUER = "https://upload.example.nl"
LIMITS = {"chunk_bytes": 8, "bundle_bytes": 9, "open_uploads": 3, "token_seconds": 600, "upload_seconds": 60}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_server_keys(tmp_path / "keys", created=NOW)
    return tmp_path / "keys"


@pytest.fixture
def publication(folder: Path) -> Publication:
    return Publication(ISSUER, published_keys(folder), ("0" * 64,), LIMITS, lambda: NOW)


@pytest.fixture
def client(publication: Publication) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.publication = publication
    app.include_router(router)
    handle_problems(app)
    with TestClient(app) as opened:
        yield opened


def ids(document: dict[str, Any], kind: str) -> list[str]:
    return [jwk["kid"] for jwk in document[kind]]


def receipt_key(folder: Path) -> ReceiptVerifyingKey:
    return read_key(folder / "receipts.pub", ReceiptVerifyingKey)


def test_the_statement_signs_all_that_stands_beside_it(client: TestClient, folder: Path) -> None:
    document = client.get(KEYS_PATH).json()
    statement = take_apart(document.pop("statement").encode(), kind=KEYS_KIND)
    verify(statement, receipt_key(folder))

    assert parse_json(statement.payload) == document
    assert document["token_endpoint"] == f"{ISSUER}/v1/token"
    assert document["limits"] == LIMITS
    assert (document["issued_at"], document["expires_at"]) == ("2026-11-22T12:00:00Z", "2026-11-22T12:05:00Z")


def test_the_sending_client_believes_it(client: TestClient, folder: Path) -> None:
    known = receipt_key(folder)
    said = verified_statement(client.get(KEYS_PATH).json(), {known.key_id: known}, url=ISSUER)
    assert (said.chunk_bytes, said.bundle_bytes) == (8, 9)


def test_a_new_sealing_key_is_first_at_the_next_request_and_the_former_ones_follow(
    client: TestClient, folder: Path
) -> None:
    before = ids(client.get(KEYS_PATH).json(), "sealing")
    rotation = rotate_sealing_key(folder, created=NOW)
    assert ids(client.get(KEYS_PATH).json(), "sealing") == [rotation.current.key_id, *before]


def test_a_receipt_key_is_published_before_it_signs_so_that_who_looked_in_between_believes_it(
    client: TestClient, folder: Path
) -> None:
    old = receipt_key(folder)
    announced = rotate_receipt_key(folder, created=NOW)
    assert announced.next is not None
    first = client.get(KEYS_PATH).json()
    assert ids(first, "receipts") == [old.key_id, announced.next.key_id]
    seen = verified_statement(first, {old.key_id: old}, url=ISSUER)

    rotate_receipt_key(folder, created=NOW)
    second = client.get(KEYS_PATH).json()
    assert ids(second, "receipts") == [announced.next.key_id, old.key_id]
    assert verified_statement(second, seen.receipts, url=ISSUER).issuer == ISSUER


def test_the_private_half_of_a_former_receipt_key_is_gone(folder: Path) -> None:
    old = read_key(folder / "receipts.key", ReceiptSigningKey)
    rotate_receipt_key(folder, created=NOW)
    rotate_receipt_key(folder, created=NOW)

    assert not (folder / "receipts-next.key").exists()
    private = [read_key(path, ReceiptSigningKey).key_id for path in folder.glob("receipts*.key")]
    assert old.key_id not in private
    assert (folder / f"receipts-{old.key_id}.pub").exists()


@pytest.mark.parametrize("step", range(1, 9))
def test_a_rotation_that_is_cut_off_anywhere_is_ended_by_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Every file operation of the two steps fails once; no state of the folder is without a key that signs."""
    calls = 0

    def failing(real: Any) -> Any:
        def operation(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step:
                raise OSError(5, "cut off")
            return real(*arguments, **options)

        return operation

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, failing(getattr(Path, name)))
        for _ in range(2):
            try:
                rotate_receipt_key(folder, created=NOW)
            except (OSError, KeyFileError):
                break
    keys = load_published_keys(folder)
    assert keys.signing.key_id == keys.receipts[0].key_id

    for _ in range(3):
        if rotate_receipt_key(folder, created=NOW).next is None:
            break
    assert receipt_key(folder).key_id == read_key(folder / "receipts.key", ReceiptSigningKey).key_id
    assert not list(folder.glob("receipts-next*"))


def test_a_key_file_that_is_damaged_is_told_as_the_server_s_fault(client: TestClient, folder: Path) -> None:
    (folder / "sealing.pub").write_text("damaged")
    answer = client.get(KEYS_PATH)
    assert (answer.status_code, answer.json()["code"]) == (503, "service.keys-unreadable")


def test_whoever_asks_for_the_keys_is_counted_and_not_listed(site: Site) -> None:
    """They are for everybody: there is nobody to name, and a stranger would fill the audit log with them."""
    app, registry = create_app(site.service), site.service.store.registry
    before = registry.audit_head()
    with TestClient(app) as client:
        assert client.get(KEYS_PATH).status_code == 200

    counted = generate_latest(app.state.observer.metrics.registry).decode()
    assert 'dedup_requests_total{method="GET",route="/v1/keys",status="200"} 1.0' in counted
    assert registry.audit_head() == before
