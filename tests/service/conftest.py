"""A server's authentication on a registry of its own, a vendor that can sign, and a clock that a test can turn."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.service.forge import Forge, forking
from tests.service.site import Site, open_site
from tests.service.uploading import Clock, free_port

from dedup.bundle.keys import SigningKey
from dedup.bundle.signing import sign
from dedup.bundle.vendors import register_vendor
from dedup.service.assertions import ASSERTION_KIND
from dedup.service.authentication import TOKEN_PATH, Authentication
from dedup.service.failures import FailureLimit
from dedup.service.registered import registered_vendors
from dedup.service.tokens import ASSERTION_TYPE, router
from dedup.store.registry import Registry

ISSUER = "https://upload.example.nl"


@dataclass
class Vendor:
    """A vendor with its signing key, which can make any assertion, good or bad."""

    code: str
    key: SigningKey = field(default_factory=SigningKey.generate)

    def claims(self, clock: Clock, **changes: Any) -> dict[str, Any]:
        now = int(clock.now.timestamp())
        claims = {"iss": self.code, "sub": self.code, "aud": ISSUER, "jti": secrets.token_hex(16), "iat": now}
        claims |= {"exp": now + 120} | changes
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, clock: Clock, **changes: Any) -> str:
        return sign(json.dumps(self.claims(clock, **changes)).encode(), self.key, kind=ASSERTION_KIND)


@dataclass
class Desk:
    """The token endpoint over HTTP, and the parts behind it."""

    client: TestClient
    authentication: Authentication
    clock: Clock
    vendors: Path

    def register(self, vendor: Vendor, *providers: str, replace_keys: bool = False) -> None:
        register_vendor(
            self.vendors,
            vendor=vendor.code,
            key=vendor.key.public(),
            providers=providers or ("41000001",),
            created=self.clock.now,
            replace_keys=replace_keys,
        )

    def ask(self, assertion: str, **more: str) -> Any:
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        return self.client.post(TOKEN_PATH, data=form | {"client_assertion": assertion} | more)

    def code_for(self, assertion: str, **more: str) -> str:
        answer = self.ask(assertion, **more)
        assert answer.json().keys() == {"error", "error_description", "code"}
        return str(answer.json()["code"])

    def token(self, vendor: Vendor, **more: str) -> str:
        answer = self.ask(vendor.assertion(self.clock), **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    registry = Registry(f"sqlite:///{tmp_path}/registry.sqlite")
    vendors = tmp_path / "vendors"
    vendors.mkdir()
    authentication = Authentication(
        issuer=ISSUER,
        registry=registry,
        vendors=registered_vendors(vendors),
        clock=clock,
        entropy=secrets.token_bytes,
        token_seconds=600,
        failures=FailureLimit(per_minute=30),
    )
    app = FastAPI()
    app.state.authentication = authentication
    app.include_router(router)
    with TestClient(app) as client:
        yield Desk(client, authentication, clock, vendors)
    registry.close()


@pytest.fixture
def acme(desk: Desk) -> Vendor:
    vendor = Vendor("acme")
    desk.register(vendor)
    return vendor


def later(clock: Clock, **by: float) -> None:
    clock.now += timedelta(**by)


@pytest.fixture(scope="session")
def driver() -> Iterator[subprocess.Popen[str]]:
    with forking() as process:
        yield process


@pytest.fixture
def forge(driver: subprocess.Popen[str], tmp_path: Path) -> Iterator[Forge]:
    """Starts servers in processes of their own."""
    made = Forge(driver, free_port(), tmp_path / "server")
    yield made
    if made.pid:
        made.kill()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def each_site(tmp_path: Path, url: str) -> Iterator[Site]:
    """A site on SQLite and one on PostgreSQL."""
    with open_site(tmp_path, url) as opened:
        yield opened
