"""Who may do what: every role at every call on its own, another's and nobody's submission, generated from the routes.

A call that is added without a rule here fails, as does a rule whose call asks for something else.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event
from starlette.routing import BaseRoute
from tests.service.uploading import NOW, OTHER_PROVIDER, PROVIDER, Vendor, digest_field, service_at, settle

from dedup.bundle.keys import SigningKey
from dedup.bundle.vendors import register_vendor, withdraw_key
from dedup.service.app import create_app, described_app
from dedup.service.authentication import Authorised
from dedup.service.caller import Scope
from dedup.service.observing import REQUEST_ID
from dedup.service.serving import Service
from dedup.store.audit import Actor, AuditEvent
from dedup.store.switches import SetSwitch, Switch, set_switch
from dedup.store.tables import AuditRow, SwitchRow

SUBMISSION = "/v1/submissions/{submission_id}"
READ, WRITE = Scope.READ, Scope.WRITE
# What every call asks for: a scope, or None when it is open to everybody.
RULES: dict[tuple[str, str], Scope | None] = {
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/v1/keys"): None,
    ("POST", "/v1/token"): None,
    ("POST", "/v1/submissions"): WRITE,
    ("HEAD", SUBMISSION): WRITE,
    ("PATCH", SUBMISSION): WRITE,
    ("DELETE", SUBMISSION): WRITE,
    ("POST", f"{SUBMISSION}/complete"): WRITE,
    ("GET", "/v1/submissions"): READ,
    ("GET", SUBMISSION): READ,
    ("GET", f"{SUBMISSION}/receipt"): READ,
    ("GET", f"{SUBMISSION}/report"): READ,
}
GUARDED = [call for call, scope in RULES.items() if scope is not None]
ON_ONE = [call for call in GUARDED if "{submission_id}" in call[1]]
# What a role is answered wherever it is refused whatever it asks for; the others depend on the call.
REFUSED_EVERYWHERE = {
    "nobody": (401, "auth.token-missing"),
    "garbage": (401, "auth.token-unknown"),
    "expired": (401, "auth.token-expired"),
    "withdrawn": (401, "auth.token-revoked"),
    "outlived": (401, "auth.key-expired"),
    "blocked": (403, "service.vendor-blocked"),
}


def routes_of(holder: Any) -> Iterator[BaseRoute]:
    """Give every route of an application, those of the routers in it too."""
    for route in holder.routes:
        inside = getattr(route, "original_router", None)  # FastAPI keeps an included router as one route
        yield from routes_of(inside) if inside is not None else [route]


def scopes_asked(dependant: Dependant) -> set[Scope]:
    """Return the scopes that a route's dependencies ask for, however deep."""
    found = {dependant.call.scope} if isinstance(dependant.call, Authorised) else set()
    return found.union(*(scopes_asked(one) for one in dependant.dependencies))


def test_every_call_has_a_rule_and_asks_for_exactly_that() -> None:
    routes = list(routes_of(described_app()))
    assert all(isinstance(route, APIRoute) for route in routes), "a route of another kind has no rule"
    found = {
        (method, route.path): scopes_asked(route.dependant)
        for route in routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    assert found == {call: set() if scope is None else {scope} for call, scope in RULES.items()}


def test_only_the_call_that_begins_uploads_stops_with_new_uploads() -> None:
    def begins(dependant: Dependant) -> bool:
        own = isinstance(dependant.call, Authorised) and dependant.call.begins_upload
        return own or any(map(begins, dependant.dependencies))

    routes = [route for route in routes_of(described_app()) if isinstance(route, APIRoute)]
    assert [(route.methods, route.path) for route in routes if begins(route.dependant)] == [
        ({"POST"}, "/v1/submissions")
    ]


@dataclass
class House:
    """A server with two vendors, each with an accepted submission, and a token for every role."""

    client: TestClient
    service: Service
    submissions: dict[str, str] = field(default_factory=dict)  # by vendor
    tokens: dict[str, str] = field(default_factory=dict)  # by role

    def events(self) -> list[tuple[str, str, str]]:
        with self.service.store.registry.read() as session:
            return [(row.event, row.actor, row.object) for row in session.query(AuditRow).order_by(AuditRow.number)]

    def ask(self, role: str, call: tuple[str, str], submission_id: str) -> httpx.Response:
        """Make a call as a role; everything but who is calling is as it should be."""
        method, path = call
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role in self.tokens else {}
        more: dict[str, Any] = {}
        if call == ("POST", "/v1/submissions"):
            headers["Idempotency-Key"] = secrets.token_hex(16)
            more["json"] = {
                "submission_id": secrets.token_hex(16),
                "provider": PROVIDER,
                "snapshot_date": NOW.date().isoformat(),
                "bytes": 100,
                "sha256": "0" * 64,
            }
        elif method == "PATCH":
            headers |= {"Upload-Offset": "0", "Content-Digest": digest_field(b"x")}
            headers["Content-Type"] = "application/offset+octet-stream"
            more["content"] = b"x"
        elif path.endswith("/complete"):
            headers["Repr-Digest"] = digest_field(b"x")
        return self.client.request(method, path.format(submission_id=submission_id), headers=headers, **more)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house")
    keys = {code: SigningKey.generate() for code in ("acme", "other", "blocked", "withdrawn", "outlived")}
    settle(home, keys, NOW)
    moment = [NOW]
    service = service_at(home, 9, lambda: moment[0], failures_per_minute=10_000, sweep_seconds=3600)
    with TestClient(create_app(service), base_url=service.issuer) as client:
        house = House(client, service)
        sealed_to = client.get("/v1/keys").json()["sealing"][0]["kid"]
        vendors = {code: Vendor(code, key, client, sealed_to, NOW, NOW.date()) for code, key in keys.items()}

        # First the one token that has to be old, then everything else at a later moment.
        house.tokens["expired"] = vendors["acme"].token("submissions:read")
        vendors["acme"].tokens.clear()
        moment[0] += timedelta(minutes=11)
        for vendor in vendors.values():
            vendor.now = moment[0]
        # A provider each: of two snapshots of one provider and moment, the one with the larger id counts.
        for code, provider in (("acme", PROVIDER), ("other", OTHER_PROVIDER)):
            data, declared = vendors[code].bundle(provider=provider)
            assert vendors[code].upload(data, declared).status_code == 200
            house.submissions[code] = declared.submission_id
        house.tokens |= {
            "own": vendors["acme"].token(),
            "reads": vendors["acme"].token(READ.value),
            "writes": vendors["acme"].token(WRITE.value),
            "other": vendors["other"].token(),
            "garbage": secrets.token_urlsafe(32),
            "withdrawn": vendors["withdrawn"].token(),
            "outlived": vendors["outlived"].token(),
            "blocked": vendors["blocked"].token(),
        }
        withdraw_key(home / "keys" / "vendors", vendor="withdrawn", key_id=keys["withdrawn"].key_id, changed=NOW)
        register_vendor(
            home / "keys" / "vendors", vendor="outlived", key=keys["outlived"].public(), providers=[PROVIDER],
            created=NOW - timedelta(days=2), until=NOW.date() - timedelta(days=1),
        )  # fmt: skip
        set_switch(service.store.registry, SetSwitch(Switch.BLOCK_VENDOR, "blocked", "a test", "ops", NOW))
        yield house
    service.store.close()


def code_of(answer: httpx.Response) -> str | None:
    """Return the code of a refusal; the answer to HEAD has no body to say it."""
    return answer.json()["code"] if answer.content and answer.status_code >= 400 else None


def comparable(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """Return all that a client sees of an answer but its own number."""
    headers = {name: value for name, value in answer.headers.items() if name != REQUEST_ID.lower()}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("call", GUARDED, ids=" ".join)
@pytest.mark.parametrize("role", REFUSED_EVERYWHERE)
def test_who_may_not_call_at_all_is_refused_alike_whatever_there_is(
    house: House, role: str, call: tuple[str, str]
) -> None:
    answers = [house.ask(role, call, one) for one in (*house.submissions.values(), secrets.token_hex(16))]

    status, code = REFUSED_EVERYWHERE[role]
    assert {answer.status_code for answer in answers} == {status}
    assert {code_of(answer) for answer in answers} <= {code, None}
    assert len({str(comparable(answer)) for answer in answers}) == 1
    assert ("WWW-Authenticate" in answers[0].headers) == (status == 401)


@pytest.mark.parametrize("call", GUARDED, ids=" ".join)
def test_a_scope_allows_its_own_calls_and_no_others(house: House, call: tuple[str, str]) -> None:
    reads, writes = (house.ask(role, call, house.submissions["acme"]) for role in ("reads", "writes"))
    allowed, refused = (reads, writes) if RULES[call] is READ else (writes, reads)

    assert allowed.status_code not in {401, 403, 404, 503}
    assert refused.status_code == 403
    assert f'scope="{RULES[call]}"' in refused.headers["WWW-Authenticate"]
    assert code_of(refused) in {"auth.scope-missing", None}


@pytest.mark.parametrize("call", GUARDED, ids=" ".join)
def test_a_vendor_may_do_everything_with_its_own(house: House, call: tuple[str, str]) -> None:
    assert house.ask("own", call, house.submissions["acme"]).status_code not in {401, 403, 404, 503}


@pytest.mark.parametrize("call", ON_ONE, ids=" ".join)
@pytest.mark.parametrize(("role", "owner"), [("own", "other"), ("other", "acme")])
def test_another_vendor_s_submission_answers_as_one_that_is_not_there(
    house: House, call: tuple[str, str], role: str, owner: str
) -> None:
    nobodys, another_s = house.ask(role, call, secrets.token_hex(16)), house.ask(role, call, house.submissions[owner])

    assert comparable(another_s) == comparable(nobodys)
    assert nobodys.status_code == 404
    assert code_of(nobodys) in {"upload.unknown", None}


@pytest.mark.parametrize("call", ON_ONE, ids=" ".join)
def test_what_is_no_id_answers_as_what_is_not_there(house: House, call: tuple[str, str]) -> None:
    nobodys, nonsense = house.ask("own", call, secrets.token_hex(16)), house.ask("own", call, "not-an-id")
    assert comparable(nonsense) == comparable(nobodys)


def test_the_list_is_the_vendor_s_own(house: House) -> None:
    for role, vendor in (("own", "acme"), ("other", "other")):
        listed = house.ask(role, ("GET", "/v1/submissions"), "").json()["submissions"]
        ids = {one["submission_id"] for one in listed}
        assert house.submissions[vendor] in ids
        assert not ids & (set(house.submissions.values()) - {house.submissions[vendor]})


@contextmanager
def questions() -> Iterator[list[str]]:
    """Note what databases are asked while the block runs."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("call", ON_ONE, ids=" ".join)
def test_another_vendor_s_submission_asks_the_database_the_same_as_none(house: House, call: tuple[str, str]) -> None:
    asked = {}
    for whose, submission_id in (*house.submissions.items(), ("nobody", secrets.token_hex(16))):
        with questions() as asked[whose]:
            house.ask("own", call, submission_id)

    assert asked["other"] == asked["nobody"]
    assert asked["acme"], "nothing was noted"


def test_time_does_not_tell_another_vendor_s_submission_from_none(house: House) -> None:
    """In no direction does one take half as much processor time again as the other in 36 of 40 pairs.

    When both go the same way, each pair is as likely to lean to one side as to the other however busy the machine is,
    so 36 that lean alike have a chance below one in a million; when one does more, nearly all of them do.
    """
    another_s, nobody_s = [], []
    for number in range(40):
        pair = [(another_s, house.submissions["other"]), (nobody_s, secrets.token_hex(16))]
        for spent, submission_id in pair if number % 2 else reversed(pair):
            began = time.process_time()  # elapsed time is that of whatever else this machine does
            house.ask("own", ("GET", SUBMISSION), submission_id)
            spent.append(time.process_time() - began)
    for longer, shorter in ((another_s, nobody_s), (nobody_s, another_s)):
        assert sum(one > 1.5 * other for one, other in zip(longer, shorter, strict=True)) < 36


def test_every_access_is_in_the_audit_log_under_the_vendor_s_name(house: House) -> None:
    before = len(house.events())
    for call in ON_ONE:
        if RULES[call] is READ:
            house.ask("own", call, house.submissions["acme"])
            house.ask("own", call, house.submissions["other"])
    house.ask("own", ("HEAD", SUBMISSION), house.submissions["acme"])
    house.ask("own", ("GET", "/v1/submissions"), "")

    own, another_s = house.submissions["acme"], house.submissions["other"]
    assert house.events()[before:] == [
        *[("access.read", "acme", own), ("access.refused", "acme", another_s)] * 3,
        ("access.read", "acme", own),
        ("access.read", "acme", "/v1/submissions"),
    ]


def test_read_only_stops_every_change_and_no_reading(house: House) -> None:
    registry = house.service.store.registry
    set_switch(registry, SetSwitch(Switch.READ_ONLY, "", "a test", "ops", NOW))
    try:
        for call in GUARDED:
            answer = house.ask("own", call, house.submissions["acme"])
            if call[0] in {"GET", "HEAD"}:
                assert answer.status_code == 200, call
            else:
                assert (answer.status_code, code_of(answer)) == (503, "service.read-only"), call
                assert answer.headers["Retry-After"] == "60"
    finally:
        with registry.write(AuditEvent("test.cleared", NOW, Actor("ops", "operator"), "read-only", "test")) as session:
            session.query(SwitchRow).filter_by(name="read-only").delete()
