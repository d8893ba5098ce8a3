"""A whole server on a port of its own, and a vendor that talks to it with nothing but HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from tests.made_bundles import declaration_of, sealed_bundle

from dedup.bundle.keys import SigningKey
from dedup.bundle.serverkeys import make_server_keys
from dedup.bundle.signing import sign
from dedup.bundle.vendors import register_vendor
from dedup.model.load import load_model
from dedup.service.app import create_app
from dedup.service.assertions import ASSERTION_KIND
from dedup.service.server import http_of
from dedup.service.serving import Service, open_service
from dedup.service.tokens import ASSERTION_TYPE
from dedup.settings import Settings
from dedup.store.uploads import Declaration

ROOT = Path(__file__).parents[2]
MODEL = load_model(ROOT / "config" / "linkage" / "kraamzorg.toml")
PROVIDER, OTHER_PROVIDER = "12345678", "23456789"
PROVIDERS = [PROVIDER, OTHER_PROVIDER, *(f"300000{number:02}" for number in range(50))]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CHUNK = "application/offset+octet-stream"


def digest_field(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def settings_of(home: Path, url: str = "", **service: Any) -> Settings:
    raw = {
        "server": {"home": str(home)},
        "store": {"url": url} if url else {},
        "service": {"chunk_bytes": 1 << 16, "keep_free_bytes": 0, "lock_seconds": 1, **service},
    }
    return Settings(ROOT / "config", home, raw)


def settle(home: Path, vendors: dict[str, SigningKey], now: datetime) -> None:
    """Make a server's keys and register vendors, all for the same providers."""
    make_server_keys(home / "keys", created=now)
    for code, key in vendors.items():
        register_vendor(
            home / "keys" / "vendors",
            vendor=code,
            key=key.public(),
            providers=PROVIDERS,
            created=now,
        )


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(service: Service, port: int) -> Iterator[None]:
    """Serve in a thread until the block ends."""
    app = create_app(service)
    configuration = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http=http_of(app, service.limits),
        loop="asyncio",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Clock:
    """The server's clock."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Vendor:
    """A vendor's client."""

    code: str
    key: SigningKey
    http: httpx.Client
    sealed_to: str
    now: datetime
    day: date
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, scope: str = "submissions:write submissions:read") -> str:
        if scope not in self.tokens:
            moment = int(self.now.timestamp())
            claims = {"iss": self.code, "sub": self.code, "aud": str(self.http.base_url).rstrip("/")}
            claims |= {"jti": secrets.token_hex(16), "iat": moment, "exp": moment + 120}
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": sign(json.dumps(claims).encode(), self.key, kind=ASSERTION_KIND),
                "scope": scope,
            }
            answer = self.http.post("/v1/token", data=form)
            assert answer.status_code == 200, answer.text
            self.tokens[scope] = answer.json()["access_token"]
        return self.tokens[scope]

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token()}"} | more.pop("headers", {})
        return self.http.request(method, path, headers=headers, **more)

    def bundle(self, body: bytes = b"sealed", **changes: Any) -> tuple[bytes, Declaration]:
        submission_id = changes.pop("submission_id", "") or secrets.token_hex(16)
        told = {"provider": PROVIDER, "snapshot_date": self.day, "created_at": self.now} | changes
        data = sealed_bundle(
            MODEL,
            sign_with=self.key,
            sealed_to=self.sealed_to,
            vendor=self.code,
            submission_id=submission_id,
            body=body,
            **told,
        )
        return data, declaration_of(data, submission_id, told["snapshot_date"], provider=told["provider"])

    def create(self, declared: Declaration, key: str = "", **headers: str) -> httpx.Response:
        body = {
            "submission_id": declared.submission_id,
            "provider": declared.provider,
            "snapshot_date": declared.snapshot_date.isoformat(),
            "bytes": declared.bytes,
            "sha256": declared.sha256,
        }
        return self.call(
            "POST", "/v1/submissions", json=body, headers={"Idempotency-Key": key or declared.sha256} | headers
        )

    def append(self, declared: Declaration, offset: int, data: bytes, **headers: str) -> httpx.Response:
        told = {"Content-Type": CHUNK, "Upload-Offset": str(offset), "Content-Digest": digest_field(data)}
        return self.call("PATCH", self.path(declared), content=data, headers=told | headers)

    def append_all(self, declared: Declaration, data: bytes) -> None:
        for offset in range(0, len(data), 1 << 16):
            answer = self.append(declared, offset, data[offset : offset + (1 << 16)])
            assert answer.status_code == 204, answer.text

    def complete(self, declared: Declaration) -> httpx.Response:
        digest = base64.b64encode(bytes.fromhex(declared.sha256)).decode()
        return self.call("POST", f"{self.path(declared)}/complete", headers={"Repr-Digest": f"sha-256=:{digest}:"})

    def upload(self, data: bytes, declared: Declaration) -> httpx.Response:
        assert self.create(declared).status_code in {200, 201}
        self.append_all(declared, data)
        return self.complete(declared)

    def path(self, declared: Declaration) -> str:
        return f"/v1/submissions/{declared.submission_id}"


def service_at(home: Path, port: int, clock: Any, *, url: str = "", **service: Any) -> Service:
    return open_service(settings_of(home, url, **service), issuer=f"http://127.0.0.1:{port}", clock=clock)
