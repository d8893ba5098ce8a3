"""A vendor's proof of who it is: a JWT that it signed for this server, now, and once (RFC 7523, RFC 7521).

The header has exactly `alg`, `kid` and `typ`, so there is nothing to negotiate; its spelling and order are free, since
vendors make it with a library of their own. `typ` keeps it apart from every other signature of the same key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.keys import KeyId, unb64url
from dedup.bundle.signing import ALGORITHM, ASSERTION_KIND, SignedStatement, verify
from dedup.errors import BundleError
from dedup.service.refusal import UnauthorisedError
from dedup.service.registered import Registered

LONGEST_LIFE = timedelta(seconds=300)
SKEW = timedelta(seconds=60)
_JTI = re.compile(r"[\x21-\x7e]{16,128}")
_LAST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion; `digest` stands for it among those that were used, until `until`."""

    vendor: str
    key_id: KeyId
    digest: str
    until: datetime


def verified_assertion(token: str, *, registered: Registered, issuer: str, now: datetime) -> Assertion:
    """Return who signed an assertion for this issuer; whether it was used before is the registry's to say.

    Raises `ServiceError`: `auth.assertion-malformed`, `auth.assertion-algorithm`, `auth.assertion-kind`,
    `auth.key-unknown`, `auth.key-withdrawn`, `auth.assertion-signature`, `auth.key-expired`, `auth.assertion-client`,
    `auth.assertion-audience`, `auth.assertion-lifetime`, `auth.assertion-expired`, `auth.assertion-future`.
    """
    statement = _taken_apart(token)
    if statement.key_id in registered.withdrawn:
        raise _refused("auth.key-withdrawn", "The key that signed the assertion was withdrawn.")
    vendor = registered.keys.get(statement.key_id)
    if vendor is None:
        raise _refused("auth.key-unknown", "No registered vendor has the key that the assertion names.")
    try:
        verify(statement, vendor.key)
    except BundleError as error:
        raise _refused(
            "auth.assertion-signature", "The assertion's signature is not by the key that it names."
        ) from error
    if vendor.has_expired(now):
        raise _refused("auth.key-expired", f"The key that signed the assertion was good until {vendor.until}.")
    claims = _claims(statement.payload)
    if (claims["iss"], claims["sub"]) != (vendor.vendor, vendor.vendor):
        raise _refused(
            "auth.assertion-client", "The assertion's iss and sub are not the vendor that its key belongs to."
        )
    if claims["aud"] != issuer:
        raise _refused("auth.assertion-audience", "The assertion's aud is not this server's issuer.")
    expires = _check_times(claims, now)
    used_as = hashlib.sha256(canonical_json([statement.key_id, claims["jti"]])).hexdigest()
    return Assertion(vendor.vendor, statement.key_id, used_as, expires + SKEW)


def _taken_apart(token: str) -> SignedStatement:
    """Return what a compact JWS claims; nothing of it is verified yet."""
    try:
        header_part, payload_part, signature_part = token.split(".")
        header_json, payload, _ = (unb64url(part) for part in (header_part, payload_part, signature_part))
        header = parse_json(header_json)
        if not isinstance(header, dict) or not all(isinstance(value, str) for value in header.values()):
            raise ValueError("no header")
    except ValueError as error:
        raise _malformed() from error
    if header.get("alg") != ALGORITHM:
        raise _refused("auth.assertion-algorithm", f"The assertion is not signed with {ALGORITHM}.")
    if header.get("typ") != ASSERTION_KIND:
        raise _refused("auth.assertion-kind", f"The assertion's typ is not {ASSERTION_KIND}.")
    if set(header) != {"alg", "kid", "typ"}:
        raise _malformed()
    return SignedStatement(token, KeyId(header["kid"]), payload)


def _claims(payload: bytes) -> dict[str, Any]:
    """Return the claims, each of its kind; those that are not asked for are passed over, as RFC 7519 has it."""
    try:
        claims = parse_json(payload)
    except ValueError as error:
        raise _malformed() from error
    if not isinstance(claims, dict) or not all(isinstance(claims.get(name), str) for name in ("iss", "sub", "aud")):
        raise _malformed()
    if not isinstance(claims.get("jti"), str) or not _JTI.fullmatch(claims["jti"]):
        raise _malformed()
    if not all(_is_moment(claims.get(name)) for name in ("iat", "exp")) or not _is_moment(claims.get("nbf", 0)):
        raise _malformed()
    return claims


def _is_moment(value: Any) -> bool:
    return type(value) in {int, float} and 0 <= value <= _LAST  # neither NaN nor infinity is in there


def _check_times(claims: dict[str, Any], now: datetime) -> datetime:
    """Return when the assertion expires, having held it against the clock."""
    issued, expires, not_before = (
        datetime.fromtimestamp(claims.get(name, claims["iat"]), UTC) for name in ("iat", "exp", "nbf")
    )
    if not timedelta() < expires - issued <= LONGEST_LIFE:
        raise _refused(
            "auth.assertion-lifetime", f"The assertion's exp is not 1 to {LONGEST_LIFE.seconds} s after its iat."
        )
    said = f"this server's clock says {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if expires + SKEW <= now:
        raise _refused("auth.assertion-expired", f"The assertion has expired; {said}.")
    if max(issued, not_before) > now + SKEW:
        raise _refused("auth.assertion-future", f"The assertion was made in the future; {said}.")
    return expires


def _malformed() -> UnauthorisedError:
    return _refused(
        "auth.assertion-malformed", "The assertion is not a compact JWS with the header and claims required."
    )


def _refused(code: str, message: str) -> UnauthorisedError:
    return UnauthorisedError(code, message, error="invalid_client")
