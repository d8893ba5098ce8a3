"""Judge a server's keys and its token endpoint: one right assertion, and each of the wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.keys import SigningKey, b64url
from dedup.bundle.signing import ASSERTION_KIND, KEYS_KIND, take_apart
from dedup.lab.conformance.calls import Caller
from dedup.lab.conformance.expecting import expected, shown
from dedup.lab.conformance.finding import Finding, failed, judged
from dedup.send.errors import NoServerError
from dedup.send.statement import ServerStatement, refuse_unless_current

LONGEST_STATEMENT = timedelta(hours=1)
_COLLECTION = "/v1/submissions"


def judge_keys(caller: Caller) -> Iterator[Finding]:
    """Judge `GET /v1/keys`."""
    reply = caller.connect()
    yield expected("keys.statement", reply, 200, "the keys, open to everybody, signed with a known receipt key")
    said = {name: value for name, value in reply.document.items() if name != "statement"}
    signed = _signed_members(reply.document)
    yield judged(
        "keys.same",
        said == signed,
        "What stands beside the statement is what was signed.",
        "What stands beside the statement is not what was signed; clients use the statement alone.",
    )
    yield _freshness(caller.statement, caller.now)


def _freshness(statement: ServerStatement, now: datetime) -> Finding:
    """Judge when the statement was signed and how long it is good, as a client does that never saw another."""
    try:
        refuse_unless_current(statement, now=now, seen=None)
    except NoServerError as error:
        return failed("keys.current", f"{error.message} [{error.code}]")
    life = statement.expires_at - statement.issued_at
    return judged(
        "keys.current",
        timedelta() < life <= LONGEST_STATEMENT,
        f"The statement was signed now, and is good for {life.total_seconds():.0f} s.",
        f"The statement is not good for 1 to {LONGEST_STATEMENT.total_seconds():.0f} s.",
    )


def judge_tokens(caller: Caller) -> Iterator[Finding]:
    """Judge the token endpoint: one right assertion, and each of the wrong ones."""
    good = caller.assertion()
    yield expected("token.granted", caller.ask_for_token(good), 200, "a token for a fresh assertion")
    if not caller.token:
        return
    wrong = {
        "token.replayed": (good, "an assertion that was used before"),
        "token.expired": (caller.assertion(age=timedelta(minutes=10)), "an assertion that expired ten minutes ago"),
        "token.not-yet": (caller.assertion(age=timedelta(minutes=-10)), "an assertion of ten minutes from now"),
        "token.long-lived": (caller.assertion(life=timedelta(hours=1)), "an assertion that lives for an hour"),
        "token.other-audience": (caller.assertion(aud="https://elsewhere.example"), "an assertion for another server"),
        "token.other-vendor": (caller.assertion(iss="someone-else", sub="someone-else"), "another vendor's name"),
        "token.other-type": (caller.assertion(kind="dedup-bundle"), "a signature that was made for a bundle"),
        "token.other-key": (_forged(caller), "a signature by another key under this key's id"),
        "token.unsigned": (_unsigned(caller.assertion()), "an assertion whose header says alg none"),
    }
    for code, (assertion, what) in wrong.items():
        reply = caller.ask_for_token(assertion)
        good_answer = reply.status in {400, 401} and reply.code.startswith("auth.") and "error" in reply.document
        yield judged(
            code,
            good_answer,
            f"Refused: {what} [{reply.code}].",
            f"Not refused as it should be: {what} ({shown(reply)}).",
        )
    caller.ask_for_token(caller.assertion(), scope="submissions:read")
    reply = caller.create({}, "0" * 32)
    yield expected("token.scope", reply, 403, "no upload with a token that only reads")
    yield expected("token.fresh", caller.ask_for_token(caller.assertion()), 200, "another token for another assertion")
    bare = caller.open_call("GET", _COLLECTION)
    yield expected("token.none", bare, 401, "nothing without a token")
    yield judged(
        "token.challenge",
        bare.headers.get("WWW-Authenticate", "").startswith("Bearer"),
        "A 401 says WWW-Authenticate: Bearer.",
        "A 401 lacks WWW-Authenticate: Bearer (RFC 6750).",
    )


def _signed_members(document: dict[str, Any]) -> dict[str, Any]:
    """Return the members that a statement signs; its signature was verified before."""
    members: dict[str, Any] = parse_json(take_apart(str(document["statement"]).encode("ascii"), kind=KEYS_KIND).payload)
    return members


def _forged(caller: Caller) -> str:
    """Return an assertion that names the vendor's key and is signed with another."""
    stranger = SigningKey.generate()
    return caller.assertion(key=SigningKey(caller.credentials.signing_key.key_id, stranger.key))


def _unsigned(good: str) -> str:
    """Return a good assertion's claims under a header that asks for no signature, and none."""
    header = b64url(canonical_json({"alg": "none", "typ": ASSERTION_KIND}))
    return f"{header}.{good.split('.')[1]}."
