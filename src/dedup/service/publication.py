"""`GET /v1/keys`: what a vendor needs to know of this server, signed, so that TLS alone does not decide who it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dedup.bundle.canonical import canonical_json
from dedup.bundle.keyfiles import timestamp
from dedup.bundle.keys import EcPublicKey, public_jwk
from dedup.bundle.serverkeys import PublishedKeys, load_published_keys
from dedup.bundle.signing import KEYS_KIND, sign
from dedup.service.authentication import TOKEN_PATH
from dedup.service.watched import Watched

KEYS_PATH = "/v1/keys"
LIFE = timedelta(seconds=300)  # of a statement: whoever replays an old one has no longer

router = APIRouter(tags=["keys"])


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published; the application keeps it as `app.state.publication`.

    `limits` holds `chunk_bytes`, `bundle_bytes`, `open_uploads`, `token_seconds` and `upload_seconds`.
    """

    issuer: str
    keys: Watched[PublishedKeys]
    models: tuple[str, ...]
    limits: Mapping[str, int]
    clock: Callable[[], datetime]

    def document(self) -> dict[str, Any]:
        """Return what is answered; raises `ServiceError` (`service.keys-unreadable`)."""
        keys, now = self.keys.now(), self.clock()
        said: dict[str, Any] = {
            "issuer": self.issuer,
            "issued_at": timestamp(now),
            "expires_at": timestamp(now + LIFE),
            "token_endpoint": self.issuer + TOKEN_PATH,
            "sealing": [_jwk(key) for key in keys.sealing],
            "receipts": [_jwk(key) for key in keys.receipts],
            "models": list(self.models),
            "limits": dict(self.limits),
        }
        return {**said, "statement": sign(canonical_json(said), keys.signing, kind=KEYS_KIND)}


def published_keys(folder: Path) -> Watched[PublishedKeys]:
    """Return the public keys of the server's key folder, read again when one changes."""
    return Watched(folder, (".pub", "receipts.key"), load_published_keys)


_JWK = {
    "type": "object",
    "required": ["kid", "kty", "crv", "x", "y"],
    "properties": {name: {"type": "string"} for name in ("kid", "kty", "crv", "x", "y")},
}
_LIMITS = ("chunk_bytes", "bundle_bytes", "open_uploads", "token_seconds", "upload_seconds")
_SCHEMA = {
    "type": "object",
    "required": [
        "issuer",
        "issued_at",
        "expires_at",
        "token_endpoint",
        "sealing",
        "receipts",
        "models",
        "limits",
        "statement",
    ],
    "properties": {
        "issuer": {"type": "string"},
        "issued_at": {"type": "string", "format": "date-time"},
        "expires_at": {"type": "string", "format": "date-time"},
        "token_endpoint": {"type": "string"},
        "sealing": {"type": "array", "items": _JWK},
        "receipts": {"type": "array", "items": _JWK},
        "models": {"type": "array", "items": {"type": "string"}},
        "limits": {
            "type": "object",
            "required": list(_LIMITS),
            "properties": {name: {"type": "integer"} for name in _LIMITS},
        },
        "statement": {"type": "string"},
    },
}


@router.get(
    KEYS_PATH,
    response_class=Response,
    responses={200: {"description": "The server's keys", "content": {"application/json": {"schema": _SCHEMA}}}},
)
def keys(request: Request) -> Response:
    """Say which keys this server has now; open to everybody."""
    publication: Publication = request.app.state.publication
    return Response(canonical_json(publication.document()), media_type="application/json")


def _jwk(key: EcPublicKey) -> dict[str, str]:
    return {"kid": key.key_id, **public_jwk(key.key)}
