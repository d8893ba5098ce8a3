"""How a vendor proves who it is: a fresh assertion, signed with its signing key (RFC 7523, `private_key_jwt`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from dedup.bundle.canonical import canonical_json
from dedup.bundle.keys import Entropy, SigningKey, b64url
from dedup.bundle.signing import ASSERTION_KIND, sign

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE = timedelta(seconds=120)  # of the 300 seconds allowed: a clock that is a minute ahead still has a valid one
_JTI_BYTES = 24


def client_assertion(*, vendor: str, issuer: str, key: SigningKey, now: datetime, entropy: Entropy) -> str:
    """Return an assertion that is good once; `now` is an aware moment, `entropy(n)` gives n random bytes."""
    claims = {
        "iss": vendor,
        "sub": vendor,
        "aud": issuer,
        "jti": b64url(entropy(_JTI_BYTES)),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
    }
    return sign(canonical_json(claims), key, kind=ASSERTION_KIND)


def token_form(assertion: str) -> dict[str, str]:
    """Return the form fields that ask for a token."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
