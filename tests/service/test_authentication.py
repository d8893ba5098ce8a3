"""`authorised(scope)`: what a request's token, its key and the switches allow, at the very next request."""

import secrets
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from tests.service.conftest import Desk, Vendor, later

from dedup.bundle.vendors import withdraw_key
from dedup.codes import status_of
from dedup.errors import DedupError
from dedup.service.authentication import Beginner, Reader, Sender
from dedup.service.refusal import headers_of
from dedup.store.switches import SetSwitch, Switch, clear_switch, set_switch

READ, WRITE = "submissions:read", "submissions:write"


@pytest.fixture
def door(desk: Desk) -> TestClient:
    """Routes of every kind, which answer who is calling."""
    app = FastAPI()
    app.state.authentication = desk.authentication

    @app.exception_handler(DedupError)
    async def refused(_: Request, error: DedupError) -> JSONResponse:
        status = status_of(error.code)
        return JSONResponse({"code": error.code}, status, headers_of(error, status))

    @app.get("/mine")
    def mine(caller: Reader) -> dict[str, Any]:
        return {"vendor": caller.vendor, "providers": sorted(caller.providers), "scopes": sorted(caller.scopes)}

    @app.head("/upload")
    @app.patch("/upload")
    def append(caller: Sender) -> str:
        return caller.vendor

    @app.post("/upload")
    def create(caller: Beginner) -> str:
        return caller.vendor

    return TestClient(app)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def throw(desk: Desk, switch: Switch, vendor: str = "") -> None:
    set_switch(desk.authentication.registry, SetSwitch(switch, vendor, "a test", "ops", desk.clock.now))


def test_a_token_tells_who_is_calling_and_for_whom(desk: Desk, acme: Vendor, door: TestClient) -> None:
    answer = door.get("/mine", headers=bearer(desk.token(acme)))
    assert answer.json() == {"vendor": "acme", "providers": ["41000001"], "scopes": [READ, WRITE]}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "auth.token-missing"),
        ({"Authorization": "Basic YWNtZTpzZWNyZXQ="}, "auth.token-unknown"),
        ({"Authorization": "Bearer "}, "auth.token-unknown"),
        ({"Authorization": f"Bearer {secrets.token_urlsafe(32)}"}, "auth.token-unknown"),
        ({"Authorization": f"Bearer {'x' * 5000}"}, "auth.token-unknown"),
    ],
)
def test_without_a_token_that_is_known_there_is_no_caller(door: TestClient, header: dict[str, str], code: str) -> None:
    answer = door.get("/mine", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="dedup"')


def test_a_token_expires(desk: Desk, acme: Vendor, door: TestClient) -> None:
    token = desk.token(acme)
    later(desk.clock, seconds=599)
    assert door.get("/mine", headers=bearer(token)).status_code == 200
    later(desk.clock, seconds=1)
    assert door.get("/mine", headers=bearer(token)).json()["code"] == "auth.token-expired"


def test_a_scope_opens_its_own_routes_and_no_others(desk: Desk, acme: Vendor, door: TestClient) -> None:
    reading, writing = (bearer(desk.token(acme, scope=scope)) for scope in (READ, WRITE))

    assert door.get("/mine", headers=reading).status_code == 200
    assert door.patch("/upload", headers=writing).status_code == 200
    for refused in (door.patch("/upload", headers=reading), door.get("/mine", headers=writing)):
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.scope-missing")
        assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]


def test_taking_a_key_away_ends_its_tokens_and_no_others(desk: Desk, acme: Vendor, door: TestClient) -> None:
    renewed = Vendor("acme")
    desk.register(renewed)
    old, new = bearer(desk.token(acme)), bearer(desk.token(renewed))
    withdraw_key(desk.vendors, vendor="acme", key_id=acme.key.key_id, changed=desk.clock.now)

    assert door.get("/mine", headers=old).json()["code"] == "auth.token-revoked"
    assert door.get("/mine", headers=new).status_code == 200


def test_removing_a_vendor_s_file_ends_its_tokens(desk: Desk, acme: Vendor, door: TestClient) -> None:
    token = bearer(desk.token(acme))
    (desk.vendors / "acme.json").unlink()
    assert door.get("/mine", headers=token).json()["code"] == "auth.token-revoked"


def test_a_provider_that_is_taken_away_is_gone_at_the_next_request(desk: Desk, acme: Vendor, door: TestClient) -> None:
    desk.register(acme, "41000001", "41000002")
    token = bearer(desk.token(acme))
    desk.register(acme, "41000002")
    assert door.get("/mine", headers=token).json()["providers"] == ["41000002"]


def test_a_vendor_s_file_that_cannot_be_read_lets_nobody_in(desk: Desk, acme: Vendor, door: TestClient) -> None:
    token = bearer(desk.token(acme))
    (desk.vendors / "other.json").write_text("damaged")
    answer = door.get("/mine", headers=token)
    assert (answer.status_code, answer.json()["code"]) == (503, "service.keys-unreadable")
    assert answer.headers["Retry-After"] == "60"


def test_a_blocked_vendor_is_out_at_once_and_back_when_the_block_is_lifted(
    desk: Desk, acme: Vendor, door: TestClient
) -> None:
    token = bearer(desk.token(acme))
    throw(desk, Switch.BLOCK_VENDOR, "acme")
    blocked = door.get("/mine", headers=token)
    assert (blocked.status_code, blocked.json()["code"]) == (403, "service.vendor-blocked")

    registry, now = desk.authentication.registry, desk.clock.now
    clear_switch(registry, Switch.BLOCK_VENDOR, "acme", reason="a test", by="ops", at=now)
    assert door.get("/mine", headers=token).status_code == 200


def test_blocking_one_vendor_leaves_the_others_alone(desk: Desk, acme: Vendor, door: TestClient) -> None:
    throw(desk, Switch.BLOCK_VENDOR, "another")
    assert door.get("/mine", headers=bearer(desk.token(acme))).status_code == 200


def test_read_only_lets_vendors_look_and_change_nothing(desk: Desk, acme: Vendor, door: TestClient) -> None:
    token = bearer(desk.token(acme))
    throw(desk, Switch.READ_ONLY)

    assert door.get("/mine", headers=token).status_code == 200
    assert door.head("/upload", headers=token).status_code == 200
    for refused in (door.post("/upload", headers=token), door.patch("/upload", headers=token)):
        assert (refused.status_code, refused.json()["code"]) == (503, "service.read-only")
        assert refused.headers["Retry-After"] == "60"


def test_no_new_uploads_lets_the_ones_that_began_go_on(desk: Desk, acme: Vendor, door: TestClient) -> None:
    token = bearer(desk.token(acme))
    throw(desk, Switch.NO_NEW_UPLOADS)

    assert door.patch("/upload", headers=token).status_code == 200
    refused = door.post("/upload", headers=token)
    assert (refused.status_code, refused.json()["code"]) == (503, "service.no-new-uploads")


def test_the_description_of_the_service_says_that_tokens_are_needed(door: TestClient) -> None:
    description = door.get("/openapi.json").json()
    assert description["paths"]["/mine"]["get"]["security"] == [{"vendor": [READ]}]
    assert description["components"]["securitySchemes"]["vendor"]["type"] == "oauth2"
