"""The kit passes the real server, and names what is wrong with one whose answers were changed on their way."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.send.conftest import Serving
from tests.send.test_upload import new_bundle

from dedup.bundle.keyfiles import VerifyingKey, read_key
from dedup.bundle.vendorkeys import make_vendor_keys
from dedup.bundle.vendors import register_vendor
from dedup.lab.conformance.calls import Caller
from dedup.lab.conformance.finding import Finding, Outcome
from dedup.lab.conformance.server import judge_server
from dedup.lab.conformance.tokens import judge_keys
from dedup.lab.conformance.walk import Walk
from dedup.send.bundlefile import look_at
from dedup.send.credentials import read_credentials, write_credentials

Change = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Tampering(httpx.HTTPTransport):
    """The real server behind a proxy that changes its answers."""

    def __init__(self, change: Change) -> None:
        super().__init__()
        self._change = change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        response.read()
        return self._change(request, response)


def walked(serving: Serving, change: Change, *, bundle: Path | None = None, other: Path | None = None) -> list[Finding]:
    now = datetime.now(UTC)
    with httpx.Client(transport=Tampering(change)) as http:
        mine = read_credentials(serving.credentials)
        walk = Walk(
            caller=Caller(http, mine, now, secrets.token_bytes),
            provider=serving.sandbox.providers[0],
            today=now.date(),
            other=Caller(http, read_credentials(other), now, secrets.token_bytes) if other else None,
            bundle=look_at(bundle, mine) if bundle else None,
        )
        return list(judge_server(walk))


def answer(response: httpx.Response, **changes: Any) -> httpx.Response:
    """The answer with another status, header or JSON member; a header of None is left out."""
    headers = dict(response.headers) | {
        name.replace("_", "-"): value for name, value in changes.get("headers", {}).items()
    }
    headers = {name: value for name, value in headers.items() if value is not None and name != "content-length"}
    content = response.content
    if "members" in changes:
        content = json.dumps({**json.loads(content), **changes["members"]}).encode()
    return httpx.Response(changes.get("status", response.status_code), headers=headers, content=content)


def where(method: str, path: str, found: int, **changes: Any) -> Change:
    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        met = (request.method, response.status_code) == (method, found) and request.url.path.endswith(path)
        return answer(response, **changes) if met else response

    return change


def plain_problems(_: httpx.Request, response: httpx.Response) -> httpx.Response:
    return answer(response, headers={"content-type": "application/json"}) if response.status_code >= 400 else response


@pytest.mark.parametrize(
    ("ahead", "code"), [(timedelta(days=1), "send.keys-expired"), (timedelta(-1), "send.keys-future")]
)
def test_a_statement_of_another_day_is_told(shared: Serving, ahead: timedelta, code: str) -> None:
    with httpx.Client() as http:
        caller = Caller(http, read_credentials(shared.credentials), datetime.now(UTC) + ahead, secrets.token_bytes)
        [current] = [one for one in judge_keys(caller) if one.code == "keys.current"]

    assert current.outcome is Outcome.FAILED
    assert current.sentence.endswith(f"[{code}]")


def test_nothing_is_wrong_with_the_real_server(shared: Serving) -> None:
    keys = shared.vendor.parent / "rival"
    make_vendor_keys(keys, created=datetime.now(UTC))
    register_vendor(
        shared.server / "keys" / "vendors", vendor="rival", key=read_key(keys / "signing.pub", VerifyingKey),
        providers=["41000009"], created=datetime.now(UTC),
    )  # fmt: skip
    write_credentials(
        keys / "credentials.json", url=shared.sandbox.url, vendor="rival", signing_key=keys / "signing.key",
        receipt_keys=list(read_credentials(shared.credentials).receipt_keys.values()), created=datetime.now(UTC),
    )  # fmt: skip
    found = walked(
        shared, lambda _, response: response, bundle=new_bundle(shared, "walked"), other=keys / "credentials.json"
    )

    assert [one for one in found if one.outcome is not Outcome.PASSED] == []
    assert {"unknown.foreign", "accept.receipt", "accept.report", "problems.form"} <= {one.code for one in found}


def all_of(changes: list[Change]) -> Change:
    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        for one in changes:
            response = one(request, response)
        return response

    return change


ENDS_THE_WALK = {
    "send.keys-wrong": where("GET", "/keys", 200, members={"statement": "a.b.c"}),
    "token.granted": where("POST", "/token", 200, status=503),
    "create.created": where("POST", "/submissions", 201, status=202),
}
# What stands together disturbs each other's checks in nothing.
GOES_ON: list[dict[str, Change]] = [
    {
        "keys.same": where("GET", "/keys", 200, members={"issuer": "https://elsewhere.example"}),
        "token.challenge": where("GET", "/submissions", 401, headers={"www-authenticate": None}),
        "create.same": where("POST", "/submissions", 200, headers={"location": "/v1/submissions/0"}),
        "append.right-offset": where("PATCH", "", 409, headers={"upload-offset": None}),
        "complete.says-why": where("POST", "/complete", 422, members={"errors": None}),
        "unknown.not-found": where("GET", "", 404, status=403),
    },
    {
        "token.scope": where("POST", "/submissions", 403, status=201),
        "create.key-reused": where("POST", "/submissions", 422, status=200),
        "append.wrong-digest": where("PATCH", "", 400, status=204),
        "append.begins-at-zero": where("HEAD", "", 200, headers={"upload-length": "1"}),
        "complete.no-bundle": where("POST", "/complete", 422, status=200),
        "abort.done": where("DELETE", "", 204, status=404),
    },
    {
        "token.replayed": where("POST", "/token", 401, status=200),
        "problems.form": plain_problems,
        "problems.no-5xx": where("POST", "/complete", 409, status=500),
    },
]
OF_ACCEPTANCE = {
    "accept.duplicate": where("POST", "/complete", 200, members={"duplicate": False}),
    "accept.fetched": where("GET", "/receipt", 200, status=404),
    "accept.settled": where("DELETE", "", 409, status=204),
    "accept.report": where("GET", "/report", 200, members={"state": "open"}),
}


def failures(findings: list[Finding]) -> set[str]:
    return {one.code for one in findings if one.outcome is Outcome.FAILED}


@pytest.mark.parametrize("code", ENDS_THE_WALK)
def test_a_server_that_cannot_be_believed_or_entered_ends_the_walk(shared: Serving, code: str) -> None:
    assert code in failures(walked(shared, ENDS_THE_WALK[code]))


@pytest.mark.parametrize("changes", GOES_ON)
def test_what_is_wrong_with_a_server_is_named(shared: Serving, changes: dict[str, Change]) -> None:
    assert set(changes) <= failures(walked(shared, all_of(list(changes.values()))))


def test_what_is_wrong_with_an_acceptance_is_named(shared: Serving) -> None:
    bundle = new_bundle(shared, "acceptance")

    assert failures(walked(shared, all_of(list(OF_ACCEPTANCE.values())), bundle=bundle)) >= set(OF_ACCEPTANCE)
    unmade = where("POST", "/submissions", 200, status=403)
    assert failures(walked(shared, unmade, bundle=bundle)) == {"create.repeated", "accept.created", "problems.form"}
    forged = where("POST", "/complete", 200, members={"receipt": "a.b.c"})
    assert failures(walked(shared, forged, bundle=bundle)) == {"send.receipt-wrong"}
