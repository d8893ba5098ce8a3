"""Connections, clients, disks and databases that give out in the middle: nothing is lost, and one can go on."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from starlette.requests import Request
from tests.service.site import Site, refused
from tests.service.uploading import (
    digest_field,
    free_port,
    running,
)

from dedup.service.limits import PIECE_BYTES, ServiceLimits, pieces


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


def test_a_slow_disk_is_not_a_slow_client() -> None:
    """The clock runs while the body is waited for, and never strikes in the middle of a write."""
    limits = ServiceLimits(idle_seconds=0, chunk_seconds=0)
    waiting = [{"type": "http.request", "body": bytes(PIECE_BYTES), "more_body": number < 3} for number in range(4)]

    async def receive() -> Any:
        return waiting.pop(0)

    async def take() -> int:
        taken = 0
        async for piece in pieces(Request({"type": "http", "headers": []}, receive), limits):
            await asyncio.sleep(0.01)  # the write, longer than anything may take to come
            taken += len(piece)
        return taken

    assert asyncio.run(take()) == 4 * PIECE_BYTES


def test_who_does_not_send_a_whole_head_is_hung_up_on(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as silent:
        assert silent.recv(10) == b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as slow:
        slow.sendall(b"GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        slow.sendall(b"GET /v1/keys HT")
        while slow.recv(65536):
            pass


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
