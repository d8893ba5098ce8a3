"""Who is calling: every request is held against its token, the key that the token was given for, and the switches.

`authorised(scope)` is how a route says what it asks of a token. Nothing is remembered from one request to the next but
the vendors' files while they do not change, so a switch, a block and a withdrawn key count from the next request on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import OAuth2, OAuthFlowClientCredentials, OAuthFlows
from fastapi.security.base import SecurityBase

from dedup.bundle.keys import Entropy, KeyId
from dedup.service.caller import Caller, Scope
from dedup.service.failures import FailureLimit
from dedup.service.refusal import ServiceError, TryLaterError, UnauthorisedError
from dedup.service.registered import RegisteredVendors
from dedup.store.registry import Registry
from dedup.store.switches import Switches, switches_set
from dedup.store.tokens import KnownToken, find_token

TOKEN_PATH = "/v1/token"  # nosec B105 (an address, no secret)
TOKEN_BYTES = 32
_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9_-]{43})")
_READING = frozenset({"GET", "HEAD"})
_MEANS = {Scope.WRITE: "send bundles", Scope.READ: "read one's own receipts and reports"}


@dataclass(frozen=True, slots=True)
class Authentication:
    """What callers are held against; the application keeps it as `app.state.authentication`."""

    issuer: str
    registry: Registry
    vendors: RegisteredVendors
    clock: Callable[[], datetime]
    entropy: Entropy
    token_seconds: int
    failures: FailureLimit


@dataclass(frozen=True, slots=True)
class Access:
    """Whose token a request came with, and what it was used for; `request.state.access`, for the audit log."""

    vendor: str
    key_id: KeyId
    scope: Scope


class Authorised(SecurityBase):
    """A FastAPI dependency that gives the caller of a route, or refuses the request."""

    scheme_name = "vendor"

    def __init__(self, scope: Scope, *, begins_upload: bool = False) -> None:
        self.scope = scope
        self.begins_upload = begins_upload
        flow = OAuthFlowClientCredentials(
            tokenUrl=TOKEN_PATH, scopes={scope.value: means for scope, means in _MEANS.items()}
        )
        self.model = OAuth2(flows=OAuthFlows(clientCredentials=flow))

    def __call__(self, request: Request) -> Caller:
        """Return who is calling.

        Raises `ServiceError`: 401 `auth.token-missing`, `auth.token-unknown`, `auth.token-expired`,
        `auth.token-revoked`, `auth.key-expired`; 403 `service.vendor-blocked`, `auth.scope-missing`; 503
        `service.read-only`, `service.no-new-uploads`, `service.keys-unreadable`.
        """
        authentication: Authentication = request.app.state.authentication
        token, switches = _known(request.headers.get("Authorization"), authentication)
        now = authentication.clock()
        if token.expires_at <= now:
            raise UnauthorisedError("auth.token-expired", "The token has expired.")
        registered = authentication.vendors.now().keys.get(KeyId(token.key_id))
        if registered is None or registered.vendor != token.vendor:
            raise UnauthorisedError("auth.token-revoked", "The key that the token was given for was withdrawn.")
        if registered.has_expired(now):
            message = f"The key that the token was given for was good until {registered.until}."
            raise UnauthorisedError("auth.key-expired", message)
        request.state.access = Access(token.vendor, KeyId(token.key_id), self.scope)
        if switches.blocks(token.vendor):
            raise ServiceError("service.vendor-blocked", "The operator has blocked this vendor.")
        if self.scope.value not in token.scopes:
            challenge = f'Bearer realm="dedup", error="insufficient_scope", scope="{self.scope.value}"'
            message = f"This needs a token with the scope {self.scope.value}."
            raise ServiceError("auth.scope-missing", message, {"WWW-Authenticate": challenge})
        if switches.read_only and self.scope is Scope.WRITE and request.method not in _READING:
            raise TryLaterError("service.read-only", "The server is read-only for the time being.")
        if switches.no_new_uploads and self.begins_upload:
            raise TryLaterError("service.no-new-uploads", "The server takes no new uploads for the time being.")
        scopes = frozenset(Scope(scope) for scope in token.scopes)
        return Caller(token.vendor, registered.providers, scopes)


def authorised(scope: Scope, *, begins_upload: bool = False) -> Authorised:
    """Return the dependency of a route that needs `scope`; `begins_upload` for the one that creates uploads."""
    return Authorised(scope, begins_upload=begins_upload)


# What the parameters of routes are declared as: who reads its own, who sends, and who begins an upload.
Reader = Annotated[Caller, Security(authorised(Scope.READ), scopes=[Scope.READ.value])]
Sender = Annotated[Caller, Security(authorised(Scope.WRITE), scopes=[Scope.WRITE.value])]
Beginner = Annotated[Caller, Security(authorised(Scope.WRITE, begins_upload=True), scopes=[Scope.WRITE.value])]


def digest_of(token: str) -> str:
    """Return what the registry knows a token by; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def _known(header: str | None, authentication: Authentication) -> tuple[KnownToken, Switches]:
    if header is None:
        raise UnauthorisedError("auth.token-missing", "There is no token with this request.", error="")
    bearer = _BEARER.fullmatch(header)
    with authentication.registry.read() as session:
        token = find_token(session, digest_of(bearer[1])) if bearer else None
        switches = switches_set(session)
    if token is None:
        raise UnauthorisedError("auth.token-unknown", "The token is not known; perhaps it expired long ago.")
    return token, switches
