"""Signatures over manifests and other statements: compact JWS (RFC 7515), ES256 and nothing else.

A header has exactly three members, `alg`, `kid` and `typ`, so that there is nothing to negotiate: no other algorithm,
no embedded or remote keys, no critical extensions.
"""

from __future__ import annotations

from dataclasses import dataclass

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.keys import EcPrivateKey, EcPublicKey, KeyId, unb64url
from dedup.errors import BundleError

ALGORITHM = "ES256"
# What is signed besides a bundle's manifest (`container.MANIFEST_KIND`); both ends of an upload name it alike.
ASSERTION_KIND = "client-authentication+jwt"  # draft-ietf-oauth-rfc7523bis
KEYS_KIND = "dedup-keys"
RECEIPT_KIND = "dedup-receipt"


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A JWS taken apart but not verified: whose key is claimed, and what is said."""

    token: str
    key_id: KeyId
    payload: bytes


def sign(payload: bytes, key: EcPrivateKey, *, kind: str) -> str:
    """Return `payload` as a compact JWS by `key`; `kind` goes into `typ`, so no signature serves two purposes."""
    header = {"alg": ALGORITHM, "kid": key.key_id, "typ": kind}
    return jws.serialize_compact(header, payload, ECKey.import_key(key.key), algorithms=[ALGORITHM])


def take_apart(token: bytes, *, kind: str) -> SignedStatement:
    """Take a compact JWS of this kind apart without verifying it.

    Raises `BundleError`: `bundle.signature-algorithm`, `bundle.signature-malformed`.
    """
    try:
        text = token.decode("ascii")
        header_part, payload_part, signature_part = text.split(".")
        # Decoding is strict: each of the three parts has one spelling, so a signed file cannot be respelled.
        header_json, payload, _ = (unb64url(part) for part in (header_part, payload_part, signature_part))
        header = parse_json(header_json)
        if not isinstance(header, dict) or not isinstance(header.get("kid"), str):
            raise ValueError("no header")
    except ValueError as error:
        raise _malformed() from error
    if header.get("alg") != ALGORITHM:
        raise BundleError("bundle.signature-algorithm", f"The manifest is not signed with {ALGORITHM}.")
    if header_json != canonical_json({"alg": ALGORITHM, "kid": header["kid"], "typ": kind}):
        raise _malformed()
    return SignedStatement(text, KeyId(header["kid"]), payload)


def verify(statement: SignedStatement, key: EcPublicKey) -> None:
    """Raise `BundleError` (`bundle.signature-wrong`) unless `key` signed the statement."""
    try:
        jws.deserialize_compact(statement.token, ECKey.import_key(key.key), algorithms=[ALGORITHM])
    except (JoseError, ValueError) as error:
        raise BundleError(
            "bundle.signature-wrong", "The manifest's signature is not by the key that it names."
        ) from error


def _malformed() -> BundleError:
    return BundleError("bundle.signature-malformed", "The bundle's manifest is not a compact JWS of the form required.")
