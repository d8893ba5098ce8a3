"""Requests over real HTTP that are not right: what they are answered, and what an answer never tells."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.service.site import Site, refused
from tests.service.uploading import (
    NOW,
    PROVIDER,
    Clock,
    digest_field,
    free_port,
    running,
    service_at,
    settle,
)

from dedup.service.guard import HEADERS


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


def test_the_provider_is_a_right_and_not_a_secret(site: Site) -> None:
    _, declared = site.acme.bundle(provider="99999999")
    answer = site.acme.create(declared)
    assert refused(answer) == (403, "upload.provider-not-allowed")
    assert PROVIDER not in answer.text


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


def said_to(port: int, data: bytes) -> httpx.Response:
    """Send bytes as they are, and read the answer until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(data)
        heard = b"".join(iter(lambda: line.recv(65_536), b""))
    head, _, body = heard.partition(b"\r\n\r\n")
    first, *others = head.decode("latin-1").split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in others]
    return httpx.Response(int(first.split(" ")[1]), headers=headers, content=body)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",  # TLS at a port without it
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["tls", "space", "no-host", "length", "chunk"],
)
def test_what_is_no_http_is_refused_like_everything_else(site: Site, data: bytes) -> None:
    answer = said_to(site.port, data)
    assert refused(answer) == (400, "request.malformed")
    assert answer.headers["Connection"] == "close"
    assert len(answer.headers["X-Request-Id"]) == 16
    assert HEADERS.items() <= {name: answer.headers[name] for name in HEADERS}.items()
    assert len(answer.content) == int(answer.headers["Content-Length"])
    assert site.acme.http.get("/healthz").status_code == 200


def test_one_connection_too_many_is_refused_and_the_next_is_served_when_there_is_room(tmp_path: Path) -> None:
    home, port = tmp_path / "server", free_port()
    settle(home, {}, NOW)
    service = service_at(home, port, Clock(), connections=4, head_seconds=20)
    with closing(service.store), running(service, port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        with ExitStack() as held:
            for _ in range(3):
                held.enter_context(socket.create_connection(("127.0.0.1", port)))
            answer = http.get("/v1/keys", headers={"Accept-Language": "en"})
            assert refused(answer) == (503, "service.full")
            assert (int(answer.headers["Retry-After"]) > 0, answer.headers["Connection"]) == (True, "close")
            assert len(answer.headers["X-Request-Id"]) == 16
        assert until_served(http) == 200


def until_served(http: httpx.Client) -> int:
    """Ask until those that hung up are gone from the server's books too."""
    return next(status for _ in range(200) if (status := http.get("/v1/keys").status_code) != 503)
