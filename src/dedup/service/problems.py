"""What a refusal looks like: RFC 9457, a title in the reader's language, a stable code, nothing of what was sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dedup.codes import preferred_language, status_of, title_of
from dedup.errors import DedupError, kind_and_place
from dedup.intake.receipts import PROBLEM_TYPE, Rejection
from dedup.intake.upload_terms import UploadError
from dedup.service.refusal import RETRY_SECONDS, ServiceError, TryLaterError

MEDIA_TYPE = "application/problem+json"
_NO_ROOM = frozenset({28, 122})  # ENOSPC, EDQUOT
_LATER = frozenset({429, 503})

log = logging.getLogger("dedup.service")


class Fault(BaseModel):
    """One fault of a bundle."""

    code: str
    detail: str


class Problem(BaseModel):
    """A refusal, as RFC 9457 has it; `code` is stable, `title` in the language that was asked for."""

    type: str = Field(pattern="^urn:dedup:problem:")
    title: str
    status: int
    detail: str
    code: str
    errors: list[Fault] | None = None


def problem(
    request: Request,
    code: str,
    detail: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:
    """Return the answer that refuses a request."""
    request.state.code = code
    status = status or status_of(code)
    document: dict[str, Any] = {
        "type": f"{PROBLEM_TYPE}{code}",
        "title": title_of(code, preferred_language(request.headers.get("Accept-Language", ""))),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        document["errors"] = errors
    told = dict(headers or {})
    if status in _LATER:
        told.setdefault("Retry-After", str(RETRY_SECONDS if status == 429 else 5))
    return JSONResponse(document, status, headers=told, media_type=MEDIA_TYPE)


def rejected(request: Request, rejection: Rejection) -> JSONResponse:
    """Return the answer for a bundle that is not accepted: 422, with every fault."""
    first = rejection.faults[0]
    errors = [{"code": fault.code, "detail": fault.message} for fault in rejection.faults]
    return problem(request, first.code, first.message, status=422, errors=errors)


def refused(request: Request, error: DedupError) -> JSONResponse:
    """Return the answer that an error becomes."""
    headers = dict(error.headers) if isinstance(error, ServiceError) else {}
    if isinstance(error, UploadError):
        if error.offset is not None:
            headers["Upload-Offset"] = str(error.offset)
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
    status = status_of(error.code)
    if status < 500 or isinstance(error, ServiceError | UploadError):
        return problem(request, error.code, error.message, headers=headers)
    if status == 503:
        return problem(request, error.code, "The server cannot do this now.", headers=headers)
    log.error("%s at %s", error.code, kind_and_place(error))
    return problem(request, "service.bug", "This is a fault of the server; nothing was changed.", status=500)


def handle_problems(app: FastAPI) -> None:
    """Let every error of a route become a problem document."""

    async def on_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, DedupError)  # nosec B101 (registered for nothing else)
        return refused(request, error)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # nosec B101 (as above)
        if error.status_code == 405:
            return problem(request, "request.method", "This is not done with this method.", headers=error.headers)
        if error.status_code == 404:
            return problem(request, "request.unknown", "There is nothing at this address.")
        return problem(request, "request.malformed", "The request cannot be read.")

    async def on_form(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # nosec B101 (as above)
        places = [fault["loc"] for fault in error.errors()]
        if any(place[0] == "path" for place in places):
            return problem(request, "upload.unknown", "There is no such upload.")
        # A place is a name that the route declares; what was sent there is not repeated.
        names = sorted({f"{place[0]} {place[1]}" for place in places if len(place) > 1})
        return problem(request, "request.malformed", f"Missing, or not of the required form: {', '.join(names)}.")

    app.add_exception_handler(DedupError, on_error)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_form)


class LastResort:
    """Turns what no route foresaw into a problem; logs its kind and place, never its text, which can quote a value."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer for it where that fails."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:
            return  # nobody is left to be answered
        except Exception as error:
            if scope["type"] != "http":
                raise
            log.error("unforeseen: %s", kind_and_place(error))
            if not begun:
                await _unforeseen(Request(scope, receive), error)(scope, receive, send)


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return problem(request, "upload.no-room", "The server has no room for this now.")
    if isinstance(error, OSError):
        return refused(request, TryLaterError("service.storage", "The server's disk fails; nothing was changed."))
    return problem(request, "service.bug", "This is a fault of the server; nothing was changed.", status=500)
