"""A running server with two vendors that talk to it over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from tests.service.uploading import (
    NOW,
    Clock,
    Vendor,
    free_port,
    running,
    service_at,
    settle,
)

from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptVerifyingKey, SigningKey
from dedup.intake.receipts import verified_receipt
from dedup.service.serving import Service
from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.objects import ObjectDigest
from dedup.store.submissions import LinkDigests, ViewDigests, mark_ingested


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
