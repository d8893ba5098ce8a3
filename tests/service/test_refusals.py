"""Each attack at each door, and the code that it is refused with: replay, downgrade, swapped provider, expired key,
revoked vendor, clock 24 hours off.

The server's doors: `token` (POST /v1/token), `call` (any call, with a token that was good when it was given), `upload`
(a bundle over HTTPS) and `inbox` (a bundle in the folder); and `client`, where an answer to GET /v1/keys comes in. All
are the real ones, of one installation.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.made_bundles import declaration_of
from tests.service.site import Site
from tests.service.uploading import MODEL, OTHER_PROVIDER, PROVIDER, PROVIDERS, Clock

from dedup.bundle.container import SEALED_MAGIC, UNSEALED_MAGIC
from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptVerifyingKey, SigningKey
from dedup.bundle.serverkeys import load_server_keys, rotate_sealing_key
from dedup.bundle.signing import sign
from dedup.bundle.vendors import register_vendor, withdraw_key
from dedup.intake.acceptance import Intake
from dedup.intake.checks import IntakeLimits
from dedup.intake.inbox import receive
from dedup.intake.receipts import Rejection
from dedup.send.credentials import Credentials
from dedup.send.errors import NoServerError
from dedup.send.patience import Patience
from dedup.send.server import UploadServer
from dedup.service.assertions import ASSERTION_KIND
from dedup.service.publication import Publication
from dedup.service.tokens import ASSERTION_TYPE
from dedup.store.switches import SetSwitch, Switch, set_switch
from dedup.store.uploads import Declaration

DAY = timedelta(days=1)
Bundle = tuple[bytes, Declaration]


@dataclass(frozen=True)
class Heard:
    """An answer to GET /v1/keys, when the client heard a newer one, and how far its clock is ahead."""

    answer: httpx.Response
    seen: datetime | None = None
    ahead: timedelta = timedelta()


# The doors: what was made goes in, the code of the refusal comes out ("" for none).


def token(site: Site, assertion: str) -> str:
    form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return code_of(site.acme.http.post("/v1/token", data=form))


def call(site: Site, _: None) -> str:
    return code_of(site.acme.call("GET", "/v1/submissions"))


def upload(site: Site, bundle: Bundle) -> str:
    data, declared = bundle
    begun = site.acme.create(declared)
    if begun.status_code >= 400:
        return code_of(begun)
    site.acme.append_all(declared, data)
    return code_of(site.acme.complete(declared))


def inbox(site: Site, bundle: Bundle) -> str:
    now = site.clock.now
    (site.home / "inbox").mkdir(exist_ok=True)
    (site.home / "inbox" / "a.bundle").write_bytes(bundle[0])
    held = load_server_keys(site.home / "keys")
    answers = receive(site.home / "inbox", Intake(site.service.store, held, MODEL, IntakeLimits(), now.date(), now))
    return " ".join(fault.code for one in answers if isinstance(one, Rejection) for fault in one.faults)


def client(site: Site, heard: Heard) -> str:
    key = read_key(site.home / "keys" / "receipts.pub", ReceiptVerifyingKey)
    credentials = Credentials(
        Path("none"), site.service.issuer, "acme", site.acme.key, {key.key_id: key}, keys_issued_at=heard.seen
    )
    transport = httpx.MockTransport(lambda _: heard.answer)  # whoever answers in the server's place
    at_once = Patience(0, time.monotonic, time.sleep, lambda: 1.0)
    clock = Clock(site.clock.now + heard.ahead)
    try:
        with httpx.Client(transport=transport) as http:
            UploadServer(http, credentials, at_once, clock, secrets.token_bytes).connect()
    except NoServerError as refused:
        return refused.code
    return ""


def code_of(answer: httpx.Response) -> str:
    if answer.status_code < 400:
        return ""
    document = answer.json()
    return " ".join(fault["code"] for fault in document.get("errors") or [document])


# What is made for them.


def assertion(site: Site, ahead: timedelta = timedelta(), key: SigningKey | None = None, **changes: Any) -> str:
    now = int((site.clock.now + ahead).timestamp())
    claims = {"iss": "acme", "sub": "acme", "aud": site.service.issuer, "jti": base64.b64encode(bytes(12)).decode()}
    claims |= {"iat": now, "exp": now + 120} | changes
    return sign(json.dumps(claims).encode(), key or site.acme.key, kind=ASSERTION_KIND)


def bundle(site: Site, **changes: Any) -> Bundle:
    return site.acme.bundle(**{"created_at": site.clock.now, "snapshot_date": site.clock.now.date()} | changes)


def used_assertion(site: Site) -> str:
    assert token(site, assertion(site)) == ""
    return assertion(site)


def known_id(site: Site) -> Bundle:
    """Another body under the submission id of a bundle that was accepted."""
    first, declared = bundle(site)
    assert inbox(site, (first, declared)) == ""
    return bundle(site, submission_id=declared.submission_id, body=b"another")


def older(site: Site) -> Bundle:
    """A bundle of yesterday, of which nobody knows, after that of today."""
    assert inbox(site, bundle(site)) == ""
    return bundle(site, created_at=site.clock.now - DAY, snapshot_date=(site.clock.now - DAY).date())


def unsigned_assertion(site: Site) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": site.acme.key.key_id}).encode()).decode()
    return f"{head.rstrip('=')}.{assertion(site).split('.')[1]}."


def unsigned(site: Site) -> Bundle:
    """The same manifest, in a statement that asks for no signature."""
    return restated(site, lambda head, payload, _: (respelled(head, alg="none"), payload, ""))


def unsealed(site: Site) -> Bundle:
    """The form of bundles for evaluation, which are neither sealed nor signed."""
    data, declared = bundle(site)
    payload = base64.urlsafe_b64decode(statement_of(data).split(".")[1] + "==")
    manifest = {name: value for name, value in json.loads(payload).items() if name != "sealing"}
    bare = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    return redeclared(UNSEALED_MAGIC + len(bare).to_bytes(4, "big") + bare + b"sealed", declared)


def of_another_scheme(site: Site) -> Bundle:
    """A manifest that names an earlier scheme, honestly signed."""
    data, declared = bundle(site)
    said = json.loads(base64.urlsafe_b64decode(statement_of(data).split(".")[1] + "=="))
    text = json.dumps(said | {"scheme": "dedup/v0"}, sort_keys=True, separators=(",", ":")).encode()
    return redeclared(framed(sign(text, site.acme.key, kind="dedup-bundle")), declared)


def for_a_stranger(site: Site) -> Bundle:
    """For a provider that the vendor may not deliver for, honestly signed."""
    return bundle(site, provider="99999999")


def swapped_declaration(site: Site) -> Bundle:
    """For another provider of the vendor than it declares."""
    data, declared = bundle(site, provider=OTHER_PROVIDER)
    return data, replace(declared, provider=PROVIDER)


def swapped_manifest(site: Site) -> Bundle:
    """Another provider put into a manifest that is signed already."""

    def swap(head: str, payload: str, signature: str) -> tuple[str, str, str]:
        return head, respelled(payload, provider=OTHER_PROVIDER), signature

    return restated(site, swap)


def keys(site: Site, ahead: timedelta = timedelta()) -> Heard:
    return Heard(site.acme.http.get("/v1/keys"), ahead=ahead)


def old_keys(site: Site) -> Heard:
    """Those of before a rotation, as somebody took them down."""
    heard = keys(site)
    rotate_sealing_key(site.home / "keys", created=site.clock.now)
    turn(site, timedelta(minutes=6))
    return heard


def older_keys(site: Site) -> Heard:
    """The same at once, for a client that heard of the new ones."""
    heard = keys(site)
    rotate_sealing_key(site.home / "keys", created=site.clock.now)
    turn(site, timedelta(minutes=2))
    return replace(heard, seen=site.clock.now)


def unsigned_keys(site: Site) -> Heard:
    document = site.acme.http.get("/v1/keys").json()
    head, payload, _ = document["statement"].split(".")
    return Heard(httpx.Response(200, json=document | {"statement": f"{respelled(head, alg='none')}.{payload}."}))


def keys_of_another(site: Site) -> Heard:
    """What another server of the same operator says of itself."""
    limits = {"chunk_bytes": 1, "bundle_bytes": 1}
    other = Publication("https://other.example.nl", site.service.keys, (), limits, site.clock)
    return Heard(httpx.Response(200, json=other.document()))


def expire(site: Site) -> SigningKey:
    """Let the vendor's key have its last day, and that day pass; returns the key that it has beside it."""
    trust(site, site.acme.key, until=site.clock.now.date())
    other = SigningKey.generate()
    trust(site, other)
    turn(site, DAY)
    return other


def withdraw(site: Site) -> SigningKey:
    other = SigningKey.generate()
    trust(site, other)
    vendors = site.home / "keys" / "vendors"
    withdraw_key(vendors, vendor="acme", key_id=site.acme.key.key_id, changed=site.clock.now)
    return other


def block(site: Site) -> None:
    blocked = SetSwitch(Switch.BLOCK_VENDOR, "acme", "test", "operator", site.clock.now)
    set_switch(site.service.store.registry, blocked)


def signed_after(happens: Callable[[Site], SigningKey | None]) -> Callable[[Site], Bundle]:
    """A bundle signed with the vendor's first key after something happened to it, sent with a token of the other."""

    def make(site: Site) -> Bundle:
        site.acme.token()  # one from before, where the key is the only one
        other = happens(site)
        made = bundle(site)
        if other is not None:
            site.acme.key, site.acme.tokens = other, {}
        return made

    return make


def asserted_after(happens: Callable[[Site], object]) -> Callable[[Site], str]:
    def make(site: Site) -> str:
        happens(site)
        return assertion(site)

    return make


def called_after(happens: Callable[[Site], object]) -> Callable[[Site], None]:
    def make(site: Site) -> None:
        turn(site, timedelta(hours=10, minutes=55))  # to five to midnight, in the Netherlands
        site.acme.token()
        happens(site)

    return make


def expire_at_midnight(site: Site) -> None:
    trust(site, site.acme.key, until=site.clock.now.date())
    turn(site, timedelta(minutes=6))


def ahead(site: Site) -> Bundle:
    """Of a machine whose clock is a day ahead, encoding what its extract says is of today."""
    return bundle(site, created_at=site.clock.now + DAY)


def of_tomorrow(site: Site) -> Bundle:
    """Of a machine whose clock is a day ahead, which takes the day from it too."""
    return bundle(site, created_at=site.clock.now + DAY, snapshot_date=(site.clock.now + DAY).date())


# What is tried, at which door, how it is made, and the code that it is refused with.
TABLE: list[tuple[str, Callable[[Site, Any], str], Callable[[Site], Any], str]] = [
    ("replay of an assertion", token, used_assertion, "auth.assertion-replayed"),
    ("replay of a submission's id", upload, known_id, "intake.replayed-id"),
    ("replay of a submission's id", inbox, known_id, "intake.replayed-id"),
    ("replay of an older snapshot", upload, older, "intake.stale"),
    ("replay of an older snapshot", inbox, older, "intake.stale"),
    ("replay of the server's keys", client, old_keys, "send.keys-expired"),
    ("replay of the server's keys, within their time", client, older_keys, "send.keys-older"),
    ("downgrade to no signature", token, unsigned_assertion, "auth.assertion-algorithm"),
    ("downgrade to no signature", upload, unsigned, "bundle.signature-algorithm"),
    ("downgrade to no signature", inbox, unsigned, "bundle.signature-algorithm"),
    ("downgrade to no signature", client, unsigned_keys, "send.keys-wrong"),
    ("downgrade to no seal", upload, unsealed, "bundle.unsealed"),
    ("downgrade to no seal", inbox, unsealed, "bundle.unsealed"),
    ("downgrade to an earlier scheme", upload, of_another_scheme, "bundle.scheme"),
    ("downgrade to an earlier scheme", inbox, of_another_scheme, "bundle.scheme"),
    ("swapped provider, a stranger's", upload, for_a_stranger, "upload.provider-not-allowed"),
    ("swapped provider, a stranger's", inbox, for_a_stranger, "bundle.provider-not-allowed"),
    ("swapped provider, not the declared one", upload, swapped_declaration, "upload.not-as-declared"),
    ("swapped provider, after signing", upload, swapped_manifest, "bundle.signature-wrong"),
    ("swapped provider, after signing", inbox, swapped_manifest, "bundle.signature-wrong"),
    ("swapped server", client, keys_of_another, "send.other-server"),
    ("expired key", token, asserted_after(expire), "auth.key-expired"),
    ("expired key", call, called_after(expire_at_midnight), "auth.key-expired"),
    ("expired key", upload, signed_after(expire), "intake.key-expired"),
    ("expired key", inbox, signed_after(expire), "intake.key-expired"),
    ("revoked vendor, its key withdrawn", token, asserted_after(withdraw), "auth.key-withdrawn"),
    ("revoked vendor, its key withdrawn", call, called_after(withdraw), "auth.token-revoked"),
    ("revoked vendor, its key withdrawn", upload, signed_after(withdraw), "bundle.key-withdrawn"),
    ("revoked vendor, its key withdrawn", inbox, signed_after(withdraw), "bundle.key-withdrawn"),
    ("revoked vendor, blocked", token, asserted_after(block), "service.vendor-blocked"),
    ("revoked vendor, blocked", call, called_after(block), "service.vendor-blocked"),
    ("revoked vendor, blocked", upload, signed_after(block), "service.vendor-blocked"),
    ("revoked vendor, blocked", inbox, signed_after(block), "intake.vendor-blocked"),
    ("clock 24 h ahead", token, lambda site: assertion(site, ahead=DAY), "auth.assertion-future"),
    ("clock 24 h ahead", upload, ahead, "intake.clock-ahead"),
    ("clock 24 h ahead", inbox, ahead, "intake.clock-ahead"),
    ("clock 24 h ahead, day too", upload, of_tomorrow, "intake.future-snapshot intake.clock-ahead"),
    ("clock 24 h ahead, day too", inbox, of_tomorrow, "intake.future-snapshot intake.clock-ahead"),
    ("clock 24 h ahead", client, lambda site: keys(site, ahead=DAY), "send.keys-expired"),
    ("clock 24 h behind", client, lambda site: keys(site, ahead=-DAY), "send.keys-future"),
    ("clock 24 h behind", token, lambda site: assertion(site, ahead=-DAY), "auth.assertion-expired"),
    # A bundle of a clock that is behind looks like one that comes a day late: it counts as `late`, until a newer one
    # was accepted.
    ("clock 24 h behind, after a newer one", upload, older, "intake.stale"),
    ("clock 24 h behind, after a newer one", inbox, older, "intake.stale"),
]


@pytest.mark.parametrize(
    ("door", "made", "code"),
    [row[1:] for row in TABLE],
    ids=[f"{what}, at {door.__name__}" for what, door, _, _ in TABLE],
)
def test_it_is_refused_with_its_own_code(
    site: Site, door: Callable[[Site, Any], str], made: Callable[[Site], Any], code: str
) -> None:
    assert door(site, made(site)) == code


def test_what_is_right_is_taken_at_each_door(site: Site) -> None:
    """So nothing above was refused for another reason."""
    assert client(site, keys(site)) == ""
    assert token(site, assertion(site)) == ""
    assert call(site, None) == ""
    assert upload(site, bundle(site)) == ""
    assert inbox(site, bundle(site, provider=OTHER_PROVIDER)) == ""


def test_what_was_accepted_before_its_key_expired_keeps_its_receipt(site: Site) -> None:
    accepted = bundle(site)
    assert upload(site, accepted) == ""
    site.acme.key, site.acme.tokens = expire(site), {}
    again = site.acme.create(accepted[1])
    assert (again.status_code, again.json()["state"], again.json()["receipt"] != "") == (200, "accepted", True)


# How it is done.


def trust(site: Site, key: SigningKey, **options: Any) -> None:
    folder = site.home / "keys" / "vendors"
    told = {"vendor": "acme", "key": key.public(), "providers": PROVIDERS, "created": site.clock.now}
    register_vendor(folder, **told, **options)


def turn(site: Site, by: timedelta) -> None:
    site.clock.now += by
    site.acme.now += by


def restated(site: Site, change: Callable[[str, str, str], tuple[str, str, str]]) -> Bundle:
    """A bundle whose statement was changed after it was signed."""
    data, declared = bundle(site)
    head, payload, signature = statement_of(data).split(".")
    return redeclared(framed(".".join(change(head, payload, signature))), declared)


def respelled(part: str, **changes: str) -> str:
    said = json.loads(base64.urlsafe_b64decode(part + "==")) | changes
    text = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def statement_of(data: bytes) -> str:
    start = len(SEALED_MAGIC) + 4
    return data[start : start + int.from_bytes(data[start - 4 : start], "big")].decode()


def framed(statement: str) -> bytes:
    return SEALED_MAGIC + len(statement).to_bytes(4, "big") + statement.encode() + b"sealed"


def redeclared(data: bytes, declared: Declaration) -> Bundle:
    return data, declaration_of(data, declared.submission_id, declared.snapshot_date, provider=declared.provider)
