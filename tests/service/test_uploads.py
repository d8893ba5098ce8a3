"""Uploads over real HTTP: what every call answers, what it refuses, and what it never tells."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.service.conftest import Clock
from tests.service.uploading import (
    OTHER_PROVIDER,
    PROVIDER,
    Vendor,
    digest_field,
    free_port,
    running,
    service_at,
    settle,
)

from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptVerifyingKey, SigningKey
from dedup.bundle.serverkeys import set_epochs
from dedup.bundle.vendors import register_vendor
from dedup.intake.receipts import verified_receipt
from dedup.service.serving import Service
from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.objects import ObjectDigest
from dedup.store.submissions import LinkDigests, ViewDigests, mark_ingested, mark_rejected

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class Site:
    """A running server and its two vendors."""

    home: Path
    port: int
    service: Service
    clock: Clock
    acme: Vendor
    rival: Vendor

    def receipt(self, token: str) -> dict[str, Any]:
        return verified_receipt(token, read_key(self.home / "keys" / "receipts.pub", ReceiptVerifyingKey))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def each_site(tmp_path: Path, url: str) -> Iterator[Site]:
    """A site on SQLite and one on PostgreSQL."""
    with open_site(tmp_path, url) as opened:
        yield opened


@contextmanager
def open_site(tmp_path: Path, url: str = "") -> Iterator[Site]:
    home, port, clock = tmp_path / "server", free_port(), Clock(NOW)
    keys = {"acme": SigningKey.generate(), "rival": SigningKey.generate()}
    settle(home, keys, NOW)
    service = service_at(home, port, clock, url=url, idle_seconds=1, head_seconds=1)
    sealed_to = service.keys.now().sealing[0].key_id
    with running(service, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        acme, rival = (Vendor(code, key, http, sealed_to, NOW, NOW.date()) for code, key in keys.items())
        yield Site(home, port, service, clock, acme, rival)
    service.store.close()


def refused(answer: httpx.Response) -> tuple[int, str]:
    document = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert document["type"] == f"urn:dedup:problem:{document['code']}"
    assert document["status"] == answer.status_code
    assert document["title"] != document["code"], "the code has no title in dedup.codes"
    return answer.status_code, document["code"]


def ingest(site: Site, submission_id: str, statistics: dict[str, Any], at: datetime = NOW) -> None:
    digest = ObjectDigest("0" * 64)
    views = ViewDigests(LinkDigests(digest, digest), digest)
    with site.service.store.registry.write(AuditEvent("test", at, NIGHTLY, submission_id, "test")) as session:
        mark_ingested(session, submission_id, views=views, registrations=2, statistics=statistics, at=at)


def test_from_a_bundle_to_a_receipt(each_site: Site) -> None:
    site = each_site
    data, declared = site.acme.bundle(bytes(150_000))
    created = site.acme.create(declared)
    assert created.status_code == 201
    assert created.headers["Location"] == f"http://127.0.0.1:{site.port}{site.acme.path(declared)}"
    assert created.json()["expires_at"] == "2026-11-23T12:00:00Z"
    site.acme.append_all(declared, data)
    asked = site.acme.call("HEAD", site.acme.path(declared))
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"], asked.headers["Upload-State"]) == (
        str(len(data)),
        str(len(data)),
        "open",
    )
    done = site.acme.complete(declared)
    assert (done.status_code, done.json()["duplicate"]) == (200, False)
    says = site.receipt(done.json()["receipt"])
    assert (says["file_sha256"], says["file_bytes"], says["vendor"]) == (declared.sha256, len(data), "acme")
    assert site.service.store.bundle_path(declared.sha256).read_bytes() == data
    again = site.acme.complete(declared)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    known = site.acme.create(declared, "a-fresh-key-of-16")
    assert (known.status_code, known.json()["state"]) == (200, "accepted")
    assert site.receipt(known.json()["receipt"]) == says
    status = site.acme.call("GET", site.acme.path(declared)).json()
    assert (status["state"], status["offset"], status["expires_at"]) == ("accepted", len(data), None)
    receipt = site.acme.call("GET", f"{site.acme.path(declared)}/receipt")
    assert receipt.headers["Content-Type"] == "application/jose"
    assert site.receipt(receipt.text) == says


def test_another_vendors_submission_answers_as_one_that_is_not_there(site: Site) -> None:
    data, declared = site.acme.bundle()
    _, absent = site.acme.bundle()
    for finish in (False, True):
        if finish:
            site.acme.upload(data, declared)
        else:
            site.acme.create(declared)
        for method, suffix in (
            ("HEAD", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", ""),
            ("POST", "/complete"),
            ("GET", "/receipt"),
            ("GET", "/report"),
        ):
            headers = {
                "Content-Type": "application/offset+octet-stream",
                "Upload-Offset": "0",
                "Content-Digest": digest_field(b"x"),
                "Repr-Digest": digest_field(b"x"),
            }
            content = b"x" if method == "PATCH" else None
            told = [
                site.rival.call(method, f"{site.rival.path(one)}{suffix}", headers=headers, content=content)
                for one in (declared, absent)
            ]
            assert told[0].status_code == told[1].status_code == 404
            assert told[0].content == told[1].content
            shown = [{k: v for k, v in one.headers.items() if k not in {"date", "x-request-id"}} for one in told]
            assert shown[0] == shown[1]
    assert site.rival.call("GET", "/v1/submissions").json() == {"submissions": [], "next": None}
    assert site.acme.call("DELETE", site.acme.path(declared)).status_code == 409


@pytest.mark.parametrize(
    ("headers", "content", "expected"),
    [
        ({"Upload-Offset": "1"}, None, (409, "upload.offset")),
        ({"Upload-Offset": "-1"}, None, (400, "request.malformed")),
        ({"Upload-Offset": "1_0"}, None, (400, "request.malformed")),
        ({"Content-Type": "application/json"}, None, (415, "request.media-type")),
        ({"Content-Digest": digest_field(b"other")}, None, (400, "upload.digest")),
        ({"Content-Digest": "md5=:AAAA:"}, None, (400, "request.malformed")),
        ({}, bytes((1 << 16) + 1), (413, "upload.chunk-too-large")),
        ({}, b"", (400, "upload.length")),
        ({}, bytes(60_000), (400, "upload.length")),
    ],
)
def test_a_chunk_that_is_not_right_is_refused_and_leaves_nothing(
    site: Site, headers: dict[str, str], content: bytes | None, expected: tuple[int, str]
) -> None:
    data, declared = site.acme.bundle(bytes(50_000))
    site.acme.create(declared)
    content = data[:1000] if content is None else content
    answer = site.acme.append(declared, 0, content, **headers)
    assert refused(answer) == expected
    if expected[0] == 409:
        assert answer.headers["Upload-Offset"] == "0"
    assert site.acme.call("HEAD", site.acme.path(declared)).headers["Upload-Offset"] == "0"
    assert site.acme.append(declared, 0, data[:1000]).status_code == 204


def test_a_chunk_without_a_length_is_refused(site: Site) -> None:
    _, declared = site.acme.bundle(bytes(50_000))
    site.acme.create(declared)
    headers = {
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": "0",
        "Content-Digest": digest_field(b"xy"),
    }
    answer = site.acme.call("PATCH", site.acme.path(declared), headers=headers, content=iter([b"x", b"y"]))
    assert refused(answer) == (411, "request.length-missing")


def test_a_connection_that_breaks_in_the_middle_of_a_chunk_leaves_nothing_of_it(site: Site) -> None:
    data, declared = site.acme.bundle(bytes(50_000))
    site.acme.create(declared)
    site.acme.append(declared, 0, data[:10])
    head = (
        f"PATCH {site.acme.path(declared)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.acme.token()}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 10\r\nContent-Length: 1000\r\n"
        f"Content-Digest: {digest_field(data[10:1010])}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port)) as connection:
        connection.sendall(head.encode() + data[10:500])
    answer = site.acme.append(declared, 10, data[10:1010])
    while answer.status_code == 503:  # the broken call lets go of the upload in its own time
        time.sleep(0.05)
        answer = site.acme.append(declared, 10, data[10:1010])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "1010")


def test_a_body_that_pauses_too_long_is_let_go(site: Site) -> None:
    data, declared = site.acme.bundle(bytes(50_000))
    site.acme.create(declared)
    head = (
        f"PATCH {site.acme.path(declared)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.acme.token()}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: 1000\r\n"
        f"Content-Digest: {digest_field(data[:1000])}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(head.encode() + data[:500])
        answer = b""
        while b"}" not in answer:
            answer += connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"request.too-slow" in answer
    assert site.acme.append(declared, 0, data[:1000]).status_code == 204


def test_who_does_not_send_a_whole_head_is_hung_up_on(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as silent:
        assert silent.recv(10) == b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as slow:
        slow.sendall(b"GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        slow.sendall(b"GET /v1/keys HT")
        while slow.recv(65536):
            pass


@pytest.mark.parametrize(
    "change",
    [
        {"submission_id": "A" * 32},
        {"submission_id": None},
        {"provider": "1234567"},
        {"provider": 12345678},
        {"snapshot_date": "22-11-2026"},
        {"snapshot_date": "2026-W47-7"},
        {"snapshot_date": "2026-11-31"},
        {"bytes": 0},
        {"bytes": "5"},
        {"bytes": 5.5},
        {"bytes": True},
        {"sha256": "0" * 63},
        {"geheim": "Jansen"},
    ],
)
def test_a_declaration_has_exactly_its_members_and_is_never_repeated(site: Site, change: dict[str, Any]) -> None:
    _, declared = site.acme.bundle()
    body = {
        "submission_id": declared.submission_id,
        "provider": declared.provider,
        "snapshot_date": "2026-11-22",
        "bytes": 5,
        "sha256": declared.sha256,
    } | change
    answer = site.acme.call("POST", "/v1/submissions", json=body, headers={"Idempotency-Key": "k" * 16})
    assert refused(answer) == (400, "request.malformed")
    assert "geheim" not in answer.text
    assert "Jansen" not in answer.text


@pytest.mark.parametrize(
    ("content", "headers", "expected"),
    [
        (b"{", {}, (400, "request.malformed")),
        (b'{"a":1,"a":1}', {}, (400, "request.malformed")),
        (b"[" * 10_000, {}, (400, "request.malformed")),
        (b" " * 16_385, {}, (413, "request.too-large")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "request.media-type")),
        (b"{}", {"Idempotency-Key": "short"}, (400, "request.malformed")),
        (b"{}", {"Idempotency-Key": "k" * 15 + "\xe9"}, (400, "request.malformed")),
    ],
)
def test_a_creation_that_cannot_be_read_is_refused(
    site: Site, content: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    told = {"Content-Type": "application/json", "Idempotency-Key": "k" * 16} | headers
    encoded = {name: value.encode("latin-1") for name, value in told.items()}
    answer = site.acme.call("POST", "/v1/submissions", content=content, headers=encoded)
    assert refused(answer) == expected


def test_what_fails_at_completion_is_told_with_every_fault_and_stays_so(site: Site) -> None:
    data, declared = site.acme.bundle(snapshot_date=NOW.date() - timedelta(days=30), epoch="closed")
    set_epochs(site.home / "keys", frozenset({"open"}), created=NOW)
    answer = site.acme.upload(data, declared)
    assert refused(answer) == (422, "bundle.wrong-epoch")
    assert [fault["code"] for fault in answer.json()["errors"]] == ["bundle.wrong-epoch", "intake.old-snapshot"]
    assert site.acme.complete(declared).json() == answer.json()
    status = site.acme.call("GET", site.acme.path(declared), headers={"Accept-Language": "nl"}).json()
    assert (status["state"], status["problem"]["code"], status["receipt"]) == ("rejected", "bundle.wrong-epoch", None)
    assert refused(site.acme.call("GET", f"{site.acme.path(declared)}/receipt")) == (409, "upload.not-accepted")
    report = site.acme.call("GET", f"{site.acme.path(declared)}/report").json()
    assert (report["state"], report["received_at"], report["opened"]) == ("rejected", None, None)


def test_rights_and_keys_count_from_the_next_call_on_without_a_restart(site: Site) -> None:
    data, declared = site.acme.bundle()
    site.acme.create(declared)
    site.acme.append_all(declared, data)
    register_vendor(
        site.home / "keys" / "vendors",
        vendor="acme",
        key=site.acme.key.public(),
        providers=[OTHER_PROVIDER],
        created=NOW,
    )
    assert refused(site.acme.complete(declared)) == (422, "bundle.provider-not-allowed")
    _, other = site.acme.bundle()
    assert refused(site.acme.create(other)) == (403, "upload.provider-not-allowed")
    data, declared = site.acme.bundle(provider=OTHER_PROVIDER)
    assert site.acme.upload(data, declared).status_code == 200


def test_abort_expiry_and_what_they_answer(site: Site) -> None:
    data, declared = site.acme.bundle()
    site.acme.create(declared)
    path = site.acme.path(declared)
    for _ in range(2):
        assert site.acme.call("DELETE", path).status_code == 204
    assert site.acme.call("HEAD", path).status_code == 410
    assert refused(site.acme.append(declared, 0, data)) == (410, "upload.aborted")
    assert site.acme.create(declared).status_code == 201
    assert site.acme.upload(data, declared).status_code == 200
    assert refused(site.acme.call("DELETE", path)) == (409, "upload.settled")
    assert site.acme.call("HEAD", path).headers["Upload-State"] == "accepted"


def test_a_list_has_the_vendors_own_in_pages_the_newest_first(each_site: Site) -> None:
    site = each_site
    made = []
    for number in range(5):
        site.clock.now = NOW + timedelta(minutes=number)
        data, declared = site.acme.bundle(created_at=site.clock.now)
        made.append(declared.submission_id)
        if number % 2:
            site.acme.create(declared)
        else:
            site.acme.upload(data, declared)
    listed, before = [], None
    while True:
        query = {"limit": "2"} | ({"before": before} if before else {})
        page = site.acme.call("GET", "/v1/submissions", params=query).json()
        listed += [one["submission_id"] for one in page["submissions"]]
        before = page["next"]
        if before is None:
            break
    assert listed == made[::-1]
    for wrong in ({"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"before": "AAAA"}, {"before": "é"}):
        assert refused(site.acme.call("GET", "/v1/submissions", params=wrong)) == (400, "request.malformed")


def test_a_report_says_what_was_in_the_bundle_once_it_is_opened(each_site: Site) -> None:
    site = each_site
    yesterday = NOW.date() - timedelta(days=1)
    data, first = site.acme.bundle(snapshot_date=yesterday)
    site.acme.upload(data, first)
    ingest(site, first.submission_id, {"rows": 10, "accepted": 9, "refused": 1, "withheld": 0})
    data, second = site.acme.bundle()
    site.acme.upload(data, second)
    unopened = site.acme.call("GET", f"{site.acme.path(second)}/report").json()
    assert (unopened["state"], unopened["opened"]) == ("accepted", None)
    assert unopened["previous"]["accepted"] == 9
    assert unopened["previous"]["change"] is None
    statistics = {"rows": 14, "accepted": 12, "refused": 2, "counts_by_code": {"extract.name-missing": 2}}
    ingest(site, second.submission_id, statistics, NOW + timedelta(hours=1))
    report = site.acme.call("GET", f"{site.acme.path(second)}/report").json()
    assert report["opened"] == {
        "at": "2026-11-22T13:00:00Z",
        "rows": 14,
        "accepted": 12,
        "refused": 2,
        "withheld": None,
        "counts_by_code": {"extract.name-missing": 2},
    }
    assert report["previous"]["snapshot_date"] == yesterday.isoformat()
    assert (report["previous"]["accepted"], report["previous"]["change"]) == (9, 3)
    assert report["freshness"] == {"days": 0, "state": "fresh"}
    old = site.acme.call("GET", f"{site.acme.path(first)}/report").json()
    assert (old["state"], old["previous"]) == ("superseded", None)


def test_what_another_vendor_delivered_for_the_same_provider_is_not_told(site: Site) -> None:
    data, first = site.rival.bundle(snapshot_date=NOW.date() - timedelta(days=1))
    site.rival.upload(data, first)
    ingest(site, first.submission_id, {"rows": 10, "accepted": 9})
    data, second = site.acme.bundle()
    site.acme.upload(data, second)
    assert site.acme.call("GET", f"{site.acme.path(second)}/report").json()["previous"] is None


def test_a_bundle_that_could_not_be_opened_says_so_in_its_report(site: Site) -> None:
    data, declared = site.acme.bundle()
    site.acme.upload(data, declared)
    with site.service.store.registry.write(AuditEvent("test", NOW, NIGHTLY, "x", "test")) as session:
        mark_rejected(session, declared.submission_id, reason_code="bundle.payload-malformed", at=NOW)
    report = site.acme.call("GET", f"{site.acme.path(declared)}/report").json()
    assert (report["state"], report["problem"]["code"]) == ("rejected", "bundle.payload-malformed")
    assert refused(site.acme.complete(declared)) == (422, "bundle.payload-malformed")
    assert site.acme.call("GET", f"{site.acme.path(declared)}/receipt").status_code == 200


@pytest.mark.parametrize(
    ("language", "word"), [("nl-NL,en;q=0.5", "Verwerkt"), ("en", "Processed"), ("de", "Verwerkt")]
)
def test_the_report_is_a_page_too_without_scripts_and_in_two_languages(site: Site, language: str, word: str) -> None:
    data, declared = site.acme.bundle()
    site.acme.upload(data, declared)
    codes = {"<script>alert(1)</script>": 1, "extract.name-missing": 3}
    ingest(site, declared.submission_id, {"rows": 1000, "accepted": 997, "counts_by_code": codes})
    headers = {"Accept": "text/html", "Accept-Language": language}
    page = site.acme.call("GET", f"{site.acme.path(declared)}/report", headers=headers)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert word in page.text
    assert "<script>" not in page.text
    assert "997" in page.text


def test_every_answer_tells_browsers_to_keep_and_run_nothing(site: Site) -> None:
    for answer in (
        site.acme.http.get("/v1/keys"),
        site.acme.http.get("/v1/submissions"),
        site.acme.http.get("/nothing"),
        site.acme.http.put("/v1/keys"),
    ):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "server" not in answer.headers
    assert refused(site.acme.http.get("/nothing")) == (404, "request.unknown")
    assert refused(site.acme.http.put("/v1/keys")) == (405, "request.method")
    assert refused(site.acme.http.get("/v1/submissions/../../etc/passwd"))[0] in {401, 404}


def test_titles_are_in_the_readers_language(site: Site) -> None:
    titles = [
        site.acme.call("GET", f"/v1/submissions/{'0' * 32}", headers={"Accept-Language": language}).json()["title"]
        for language in ("nl", "en")
    ]
    assert titles == ["Deze upload bestaat niet", "There is no such upload"]


def test_while_the_disk_is_full_nothing_is_taken_and_nothing_is_lost(site: Site) -> None:
    data, declared = site.acme.bundle(bytes(50_000))
    full = replace(site.service, terms=replace(site.service.terms, keep_free_bytes=1 << 60))
    site.acme.create(declared)
    site.acme.append(declared, 0, data[:100])
    port = free_port()
    with running(full, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        late = replace(site.acme, http=http)
        assert refused(late.append(declared, 100, data[100:200])) == (507, "upload.no-room")
        assert refused(late.create(late.bundle()[1])) == (507, "upload.no-room")
    assert site.acme.append(declared, 100, data[100:200]).status_code == 204


def test_freshness_is_told_as_the_reports_of_ksvs_tell_it() -> None:
    from dedup.reports.data import ReportTerms
    from dedup.service.reports import FRESH_DAYS, LATE_DAYS, freshness_of

    assert (ReportTerms().fresh_days, ReportTerms().stale_days) == (FRESH_DAYS, LATE_DAYS)
    assert [freshness_of(days) for days in (0, 1, 2, 3, 4)] == ["fresh", "fresh", "late", "late", "outdated"]


def test_the_provider_is_a_right_and_not_a_secret(site: Site) -> None:
    _, declared = site.acme.bundle(provider="99999999")
    answer = site.acme.create(declared)
    assert refused(answer) == (403, "upload.provider-not-allowed")
    assert PROVIDER not in answer.text


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_when_the_database_drops_every_connection_the_client_is_asked_to_come_again(each_site: Site, url: str) -> None:
    data, declared = each_site.acme.bundle(bytes(100_000))
    each_site.acme.token()
    statuses = []

    def until_done(call: Callable[[], httpx.Response]) -> httpx.Response:
        drop_connections(url)
        while (answer := call()).status_code == 503:
            statuses.append(503)
            assert answer.headers["Retry-After"]
        return answer

    assert until_done(lambda: each_site.acme.create(declared)).status_code in {200, 201}
    assert until_done(lambda: each_site.acme.append(declared, 0, data[:60_000])).status_code in {204, 409}
    assert until_done(lambda: each_site.acme.append(declared, 60_000, data[60_000:])).status_code in {204, 409}
    done = until_done(lambda: each_site.acme.complete(declared))
    assert each_site.receipt(done.json()["receipt"])["file_sha256"] == declared.sha256
    assert len(statuses) < 20


def drop_connections(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
