"""`POST /v1/token`: a vendor's signed assertion becomes an access token (RFC 6749, section 4.4; RFC 7523)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from dedup.bundle.keys import b64url
from dedup.codes import status_of
from dedup.errors import DedupError
from dedup.service.assertions import Assertion, verified_assertion
from dedup.service.authentication import TOKEN_BYTES, TOKEN_PATH, Authentication, digest_of
from dedup.service.caller import Scope, actor_of
from dedup.service.refusal import ServiceError, TryLaterError, UnauthorisedError, headers_of
from dedup.store.audit import Actor, AuditEvent
from dedup.store.switches import switches_set
from dedup.store.tokens import KnownToken, forget_expired, keep_token, live_tokens, use_assertion

GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUED, REFUSED = "token.issued", "token.refused"
MOST_LIVE_TOKENS = 200  # of one vendor; one that asks anew with every request meets it before the table grows
_MAX_FORM_BYTES = 16_384
_FORM = "application/x-www-form-urlencoded"
# RFC 6749, section 5.2; it has no word for a server that cannot, so that is as its section 4.1.2.1 says it.
_ERRORS = {
    "auth.request-malformed": "invalid_request",
    "auth.grant-unsupported": "unsupported_grant_type",
    "auth.scope-unknown": "invalid_scope",
}
_ERROR_BY_STATUS = {401: "invalid_client", 403: "invalid_client"}

router = APIRouter(tags=["tokens"])

_STRING: dict[str, str] = {"type": "string"}
_REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        _FORM: {
            "schema": {
                "type": "object",
                "required": ["grant_type", "client_assertion_type", "client_assertion"],
                "properties": {
                    "grant_type": {"const": GRANT},
                    "client_assertion_type": {"const": ASSERTION_TYPE},
                    "client_assertion": _STRING,
                    "scope": _STRING,
                    "client_id": _STRING,
                },
            }
        }
    },
}
_GRANTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An access token",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["access_token", "token_type", "expires_in", "scope"],
                    "properties": {
                        "access_token": _STRING,
                        "token_type": {"const": "Bearer"},
                        "expires_in": {"type": "integer"},
                        "scope": _STRING,
                    },
                }
            }
        },
    },
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "A refusal as RFC 6749, section 5.2, has it, with a code of docs/errors.md",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error", "error_description", "code"],
                    "properties": {"error": _STRING, "error_description": _STRING, "code": _STRING},
                }
            }
        },
    }
    for status in (400, 401, 403, 429, 503)
}


@router.post(TOKEN_PATH, responses=_GRANTED | _REFUSED, openapi_extra={"requestBody": _REQUEST_BODY})
async def token(request: Request) -> JSONResponse:
    """Give a token for a signed assertion, or say in one code why not."""
    authentication: Authentication = request.app.state.authentication
    try:
        form = await _form(request)
        granted = await run_in_threadpool(grant, form, _address(request), authentication)
    except DedupError as refused:
        request.state.code = refused.code
        return _refusal(refused)
    return JSONResponse(granted, headers={"Cache-Control": "no-store"})


def grant(form: dict[str, str], address: str, authentication: Authentication) -> dict[str, Any]:
    """Return the answer to a request for a token; a refusal of a signature is noted in the audit log.

    Raises `ServiceError`: `auth.too-many-failures`, `auth.grant-unsupported`, `auth.scope-unknown`, those of
    `verified_assertion`, `service.vendor-blocked`, `auth.assertion-replayed`, `auth.too-many-tokens`.
    """
    wait = authentication.failures.wait(address, authentication.clock())
    if wait:
        raise TryLaterError("auth.too-many-failures", "Too many failed requests came from this address.", wait)
    scopes = _scopes(form)
    assertion = None
    try:
        registered = authentication.vendors.now()
        now = authentication.clock()
        assertion = verified_assertion(
            form["client_assertion"], registered=registered, issuer=authentication.issuer, now=now
        )
        if form.get("client_id", assertion.vendor) != assertion.vendor:
            raise UnauthorisedError("auth.assertion-client", "client_id is another vendor.", error="invalid_client")
        return _issued(assertion, scopes, authentication)
    except ServiceError as refused:
        if authentication.failures.failed(address, authentication.clock()):
            _note_refusal(refused, assertion, authentication)
        raise


def _issued(assertion: Assertion, scopes: frozenset[Scope], authentication: Authentication) -> dict[str, Any]:
    """Note that the assertion is used and keep the new token, in one transaction."""
    now = authentication.clock()
    secret = b64url(authentication.entropy(TOKEN_BYTES))
    digest = digest_of(secret)
    expires_at = now + timedelta(seconds=authentication.token_seconds)
    granted = " ".join(sorted(scopes))
    ground = f"signed with key {assertion.key_id}: {granted}"
    event = AuditEvent(ISSUED, now, actor_of(assertion.vendor), digest[:16], ground)
    with authentication.registry.write(event) as session:
        forget_expired(session, now=now)
        if switches_set(session).blocks(assertion.vendor):
            raise ServiceError("service.vendor-blocked", "The operator has blocked this vendor.")
        if not use_assertion(session, assertion.digest, until=assertion.until):
            raise UnauthorisedError(
                "auth.assertion-replayed", "This assertion was used before.", error="invalid_client"
            )
        if live_tokens(session, assertion.vendor, now=now) >= MOST_LIVE_TOKENS:
            raise TryLaterError("auth.too-many-tokens", f"This vendor has {MOST_LIVE_TOKENS} tokens that are good.")
        keep_token(session, digest, KnownToken(assertion.vendor, assertion.key_id, frozenset(scopes), expires_at))
    return {
        "access_token": secret,
        "token_type": "Bearer",  # nosec B105 (a kind of token, no secret)
        "expires_in": authentication.token_seconds,
        "scope": granted,
    }


def _note_refusal(refused: ServiceError, assertion: Assertion | None, authentication: Authentication) -> None:
    """Note a refusal; who it was is known only when the signature was good."""
    actor = actor_of(assertion.vendor) if assertion else Actor("unknown", "vendor")
    event = AuditEvent(REFUSED, authentication.clock(), actor, TOKEN_PATH, refused.code)
    with authentication.registry.write(event):
        pass  # the event is the change


async def _form(request: Request) -> dict[str, str]:
    """Return the form's parameters; one that stands twice, or another way to say who asks, is refused."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
        raise _malformed(f"The request is not {_FORM}.")
    if "Authorization" in request.headers:
        raise _malformed("A request for a token has no Authorization header: the assertion says who asks.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise _malformed(f"The form is larger than {_MAX_FORM_BYTES} bytes.")
    try:
        # A parameter without a value is none (RFC 6749, section 3.2).
        pairs = [pair for pair in parse_qsl(bytes(body).decode("ascii"), errors="strict") if pair[1]]
    except ValueError as error:
        raise _malformed("The form cannot be read.") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _malformed("The form has a parameter twice.")
    if "client_secret" in form:
        raise _malformed("There are no secrets here; only an assertion says who asks.")
    if form.get("grant_type", GRANT) != GRANT:
        raise ServiceError("auth.grant-unsupported", f"The only grant is {GRANT}.")
    if (
        "grant_type" not in form
        or "client_assertion" not in form
        or form.get("client_assertion_type") != ASSERTION_TYPE
    ):
        raise _malformed("The form lacks grant_type, client_assertion_type or client_assertion.")
    return form


def _scopes(form: dict[str, str]) -> frozenset[Scope]:
    asked = form.get("scope", "").split()
    try:
        return frozenset(map(Scope, asked)) if asked else frozenset(Scope)
    except ValueError as error:
        raise ServiceError("auth.scope-unknown", f"The scopes are {' and '.join(Scope)}.") from error


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _refusal(refused: DedupError) -> JSONResponse:
    status = status_of(refused.code)
    document = {
        "error": _ERRORS.get(refused.code) or _ERROR_BY_STATUS.get(status, "temporarily_unavailable"),
        "error_description": refused.message,
        "code": refused.code,
    }
    return JSONResponse(document, status, headers_of(refused, status) | {"Cache-Control": "no-store"})


def _malformed(message: str) -> ServiceError:
    return ServiceError("auth.request-malformed", message)
