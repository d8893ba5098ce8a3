"""`POST /v1/token`: an honest assertion gets a token once; every other one is refused under a code of its own."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jwt
from joserfc.jwk import ECKey
from tests.service.conftest import Desk, Vendor, later
from tests.service.uploading import Clock

from dedup.bundle.canonical import canonical_json
from dedup.bundle.container import MANIFEST_KIND
from dedup.bundle.signing import sign, take_apart
from dedup.bundle.vendors import withdraw_key
from dedup.errors import BundleError
from dedup.service.assertions import ASSERTION_KIND
from dedup.service.authentication import TOKEN_PATH
from dedup.service.tokens import MOST_LIVE_TOKENS
from dedup.store.audit import Actor, AuditEvent
from dedup.store.switches import SetSwitch, Switch, set_switch
from dedup.store.tables import AuditRow, TokenRow, UsedAssertionRow
from dedup.store.tokens import KnownToken, keep_token

DAY = 86_400


def part(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def test_an_assertion_gets_a_token_for_both_scopes(desk: Desk, acme: Vendor) -> None:
    answer = desk.ask(acme.assertion(desk.clock))
    granted = answer.json()

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(base64.urlsafe_b64decode(granted.pop("access_token") + "=")) == 32
    assert granted == {"token_type": "Bearer", "expires_in": 600, "scope": "submissions:read submissions:write"}


def test_a_scope_that_is_asked_for_is_all_that_is_granted(desk: Desk, acme: Vendor) -> None:
    assert desk.ask(acme.assertion(desk.clock), scope="submissions:read").json()["scope"] == "submissions:read"


def test_what_another_library_makes_is_taken_too(desk: Desk, acme: Vendor, clock: Clock) -> None:
    header = {"typ": ASSERTION_KIND, "kid": acme.key.key_id, "alg": "ES256"}
    token = jwt.encode(header, acme.claims(clock, nbf=int(clock.now.timestamp())), ECKey.import_key(acme.key.key))
    assert desk.ask(token, client_id="acme", unknown="ignored", empty="").status_code == 200


def test_only_a_digest_of_the_token_is_kept(desk: Desk, acme: Vendor, tmp_path: Path) -> None:
    token = desk.token(acme)
    desk.authentication.registry.close()

    assert all(token.encode() not in path.read_bytes() for path in tmp_path.glob("registry*"))


def test_an_assertion_is_good_once(desk: Desk, acme: Vendor, clock: Clock) -> None:
    assertion = acme.assertion(clock)

    assert desk.ask(assertion).status_code == 200
    assert desk.code_for(assertion) == "auth.assertion-replayed"
    later(clock, seconds=179)  # the last second in which it would still be good
    assert desk.code_for(assertion) == "auth.assertion-replayed"
    later(clock, seconds=1)
    assert desk.code_for(assertion) == "auth.assertion-expired"


def test_a_signature_respelled_is_the_same_assertion(desk: Desk, acme: Vendor, clock: Clock) -> None:
    """ES256 signatures can be altered into another valid one (s becomes n - s): the jti is what is used up."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    assertion = acme.assertion(clock)
    head, payload, signature = assertion.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    mirrored = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    respelled = f"{head}.{payload}.{base64.urlsafe_b64encode(mirrored).rstrip(b'=').decode()}"

    assert desk.ask(assertion).status_code == 200
    assert desk.code_for(respelled) == "auth.assertion-replayed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "other"}, "auth.assertion-client"),
        ({"sub": "other"}, "auth.assertion-client"),
        ({"aud": "https://elsewhere.example.nl"}, "auth.assertion-audience"),
        ({"aud": ["https://upload.example.nl", "https://elsewhere.example.nl"]}, "auth.assertion-malformed"),
        ({"jti": None}, "auth.assertion-malformed"),
        ({"jti": "short"}, "auth.assertion-malformed"),
        ({"jti": "x" * 129}, "auth.assertion-malformed"),
        ({"exp": None}, "auth.assertion-malformed"),
        ({"iat": "now"}, "auth.assertion-malformed"),
        ({"iat": 10**400}, "auth.assertion-malformed"),
        ({"iat": True}, "auth.assertion-malformed"),
        ({"exp": 1e300}, "auth.assertion-malformed"),
        ({"nbf": -1}, "auth.assertion-malformed"),
    ],
)
def test_claims_that_are_wrong_each_have_a_code(
    desk: Desk, acme: Vendor, clock: Clock, changes: dict[str, Any], code: str
) -> None:
    assert desk.code_for(acme.assertion(clock, **changes)) == code


@pytest.mark.parametrize(
    ("issued", "expires", "code"),
    [
        (-DAY, -DAY + 120, "auth.assertion-expired"),  # a vendor's clock 24 hours behind
        (DAY, DAY + 120, "auth.assertion-future"),  # and 24 hours ahead
        (-179, -59, None),
        (-180, -60, "auth.assertion-expired"),
        (60, 180, None),
        (61, 180, "auth.assertion-future"),
        (0, 300, None),
        (0, 301, "auth.assertion-lifetime"),
        (0, 0, "auth.assertion-lifetime"),
        (0, -1, "auth.assertion-lifetime"),
    ],
)
def test_clocks_may_differ_by_a_minute(
    desk: Desk, acme: Vendor, clock: Clock, issued: int, expires: int, code: str | None
) -> None:
    now = int(clock.now.timestamp())
    answer = desk.ask(acme.assertion(clock, iat=now + issued, exp=now + expires))
    assert answer.json().get("code") == code


def test_no_algorithm_but_es256(desk: Desk, acme: Vendor, clock: Clock) -> None:
    """The classic downgrades: no signature at all, and the public key as the secret of an HMAC."""
    head, claims = {"alg": "none", "kid": acme.key.key_id, "typ": ASSERTION_KIND}, acme.claims(clock)
    assert desk.code_for(f"{part(head)}.{part(claims)}.") == "auth.assertion-algorithm"

    pem = acme.key.public().key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{part(head | {'alg': 'HS256'})}.{part(claims)}"
    mac = base64.urlsafe_b64encode(hmac.digest(pem, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert desk.code_for(f"{signed}.{mac}") == "auth.assertion-algorithm"

    signed = f"{part(head | {'alg': 'ES256'})}.{part(claims)}"
    mac = base64.urlsafe_b64encode(hmac.digest(pem, signed.encode(), hashlib.sha256) * 2).rstrip(b"=").decode()
    assert desk.code_for(f"{signed}.{mac}") == "auth.assertion-signature"


@pytest.mark.parametrize(
    "more", [{"jwk": "x"}, {"crit": "exp"}, {"x5u": "https://elsewhere.example.nl"}, {"cty": "JWT"}]
)
def test_nothing_in_the_header_can_be_negotiated(desk: Desk, acme: Vendor, clock: Clock, more: dict[str, str]) -> None:
    head = {"alg": "ES256", "kid": acme.key.key_id, "typ": ASSERTION_KIND} | more
    assert desk.code_for(f"{part(head)}.{part(acme.claims(clock))}.AAAA") == "auth.assertion-malformed"


def test_no_signature_serves_two_purposes(desk: Desk, acme: Vendor, clock: Clock) -> None:
    """What a vendor signs its bundles with is no assertion, and the reverse."""
    manifest = sign(canonical_json(acme.claims(clock)), acme.key, kind=MANIFEST_KIND)
    assert desk.code_for(manifest) == "auth.assertion-kind"

    assertion = sign(canonical_json(acme.claims(clock)), acme.key, kind=ASSERTION_KIND)
    with pytest.raises(BundleError) as refused:
        take_apart(assertion.encode(), kind=MANIFEST_KIND)
    assert refused.value.code == "bundle.signature-malformed"


@pytest.mark.parametrize(
    "broken", [lambda t: t[:-2] + "A" * 2, lambda t: t.replace(".", ".."), lambda _: "a.b.c", lambda _: "é.é.é"]
)
def test_a_damaged_assertion_is_refused(desk: Desk, acme: Vendor, clock: Clock, broken: Callable[[str], str]) -> None:
    answer = desk.ask(broken(acme.assertion(clock)))
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.json()["code"] in {"auth.assertion-malformed", "auth.assertion-signature"}


def test_keys_that_nobody_has_or_that_were_withdrawn_are_told_apart(desk: Desk, acme: Vendor, clock: Clock) -> None:
    assert desk.code_for(Vendor("acme").assertion(clock)) == "auth.key-unknown"

    renewed = Vendor("acme")
    desk.register(renewed)
    assert desk.ask(acme.assertion(clock)).status_code == 200  # both keys are live
    withdraw_key(desk.vendors, vendor="acme", key_id=acme.key.key_id, changed=clock.now)
    assert desk.code_for(acme.assertion(clock)) == "auth.key-withdrawn"
    assert desk.ask(renewed.assertion(clock)).status_code == 200


def test_a_blocked_vendor_gets_no_token_and_learns_why_only_with_its_own_signature(
    desk: Desk, acme: Vendor, clock: Clock
) -> None:
    set_switch(
        desk.authentication.registry, SetSwitch(Switch.BLOCK_VENDOR, "acme", "key on a lost laptop", "ops", clock.now)
    )

    answer = desk.ask(acme.assertion(clock))
    assert (answer.status_code, answer.json()["code"]) == (403, "service.vendor-blocked")
    assert desk.code_for(acme.assertion(clock)[:-4] + "AAAA") == "auth.assertion-signature"


@pytest.mark.parametrize(
    ("form", "code", "error"),
    [
        ({"grant_type": "password"}, "auth.grant-unsupported", "unsupported_grant_type"),
        ({"grant_type": ""}, "auth.request-malformed", "invalid_request"),
        ({"client_assertion_type": "saml2"}, "auth.request-malformed", "invalid_request"),
        ({"client_assertion": ["a", "b"]}, "auth.request-malformed", "invalid_request"),
        ({"client_secret": "x"}, "auth.request-malformed", "invalid_request"),
        ({"client_assertion": "x" * 20_000}, "auth.request-malformed", "invalid_request"),
        ({"scope": "admin"}, "auth.scope-unknown", "invalid_scope"),
        ({"client_id": "other"}, "auth.assertion-client", "invalid_client"),
    ],
)
def test_requests_of_another_form_are_refused(
    desk: Desk, acme: Vendor, clock: Clock, form: dict[str, Any], code: str, error: str
) -> None:
    answer = desk.ask(acme.assertion(clock), **form)
    assert answer.json()["code"] == code
    assert answer.json()["error"] == error


def test_a_form_is_a_form(desk: Desk, acme: Vendor, clock: Clock) -> None:
    form = {"client_assertion": acme.assertion(clock)}
    assert desk.client.post(TOKEN_PATH, json=form).json()["code"] == "auth.request-malformed"
    with_password = desk.client.post(TOKEN_PATH, data=form, auth=("acme", "secret"))
    assert with_password.json()["code"] == "auth.request-malformed"


def test_an_address_that_fails_too_often_has_to_wait_and_then_may_again(desk: Desk, acme: Vendor, clock: Clock) -> None:
    for _ in range(30):
        assert desk.code_for("a.b.c") == "auth.assertion-malformed"
    refused = desk.ask(acme.assertion(clock))

    assert (refused.status_code, refused.json()["code"]) == (429, "auth.too-many-failures")
    later(clock, seconds=int(refused.headers["Retry-After"]))
    assert desk.ask(acme.assertion(clock)).status_code == 200


def test_what_succeeds_does_not_count_as_a_failure(desk: Desk, acme: Vendor, clock: Clock) -> None:
    assert {desk.ask(acme.assertion(clock)).status_code for _ in range(40)} == {200}


def test_a_vendor_that_asks_with_every_request_is_stopped(desk: Desk, acme: Vendor, clock: Clock) -> None:
    tomorrow = clock.now + timedelta(days=1)
    event = AuditEvent("test.filled", clock.now, Actor("test", "system"), "tokens", "test")
    with desk.authentication.registry.write(event) as session:
        for number in range(MOST_LIVE_TOKENS):
            keep_token(session, f"{number:064d}", KnownToken("acme", acme.key.key_id, frozenset(), tomorrow))
    assert desk.code_for(acme.assertion(clock)) == "auth.too-many-tokens"


def test_what_expired_is_cleaned_away(desk: Desk, acme: Vendor, clock: Clock) -> None:
    desk.token(acme)
    later(clock, hours=2)
    desk.token(acme)

    with desk.authentication.registry.read() as session:
        assert (session.query(TokenRow).count(), session.query(UsedAssertionRow).count()) == (1, 1)


def test_grants_and_refusals_are_in_the_audit_log_without_anything_the_vendor_wrote(
    desk: Desk, acme: Vendor, clock: Clock
) -> None:
    desk.token(acme)
    desk.code_for(acme.assertion(clock, iss="Robert'); DROP TABLE"))

    with desk.authentication.registry.read() as session:
        events = [(row.event, row.actor, row.role, row.object, row.ground) for row in session.query(AuditRow)]
    granted, refused = events
    assert granted[:3] == ("token.issued", "acme", "vendor")
    assert granted[4] == f"signed with key {acme.key.key_id}: submissions:read submissions:write"
    assert refused == ("token.refused", "unknown", "vendor", "/v1/token", "auth.assertion-client")


def test_an_unreachable_registry_is_told_as_something_that_passes(
    desk: Desk, acme: Vendor, clock: Clock, tmp_path: Path
) -> None:
    desk.authentication.registry.close()
    for path in tmp_path.glob("registry.sqlite*"):
        path.unlink()
    (tmp_path / "registry.sqlite").write_bytes(b"not a database, but long enough to be read as one" * 100)
    answer = desk.ask(acme.assertion(clock))

    assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer.headers["Retry-After"]) > 0
