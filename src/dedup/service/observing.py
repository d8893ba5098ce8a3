"""What is noted of every request: an audit event before the answer, a metric and a log line after it.

Changes leave the audit event of what they change (`dedup.intake`), and the token endpoint its own. Here are the rest:
what a vendor read, and what was refused. Who comes without a token that is known can fill the log no faster than his
address may fail (`dedup.service.failures`); beyond that he is counted, not listed.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dedup.errors import DedupError
from dedup.service.authentication import TOKEN_PATH, Access
from dedup.service.caller import actor_of
from dedup.service.failures import FailureLimit
from dedup.service.journal import Journal
from dedup.service.logs import log_request
from dedup.service.metrics import Metrics
from dedup.service.problems import problem
from dedup.store.audit import Actor, AuditEvent

READ, REFUSED = "access.read", "access.refused"
REQUEST_ID = "X-Request-Id"
_UNMATCHED = "none"
_SUBMISSION = re.compile(r"[0-9a-f]{32}")
_READING = frozenset({"GET", "HEAD"})
_METHODS = _READING | {"POST", "PATCH", "DELETE", "PUT", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Observer:
    """Where notes go; `refusals` bounds the audit events of strangers."""

    journal: Journal
    metrics: Metrics
    refusals: FailureLimit
    clock: Callable[[], datetime]


class Observed:
    """The layer of the application round all that answers, the last resort too; only `Guarded` is round it."""

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, self._observer)

        async def counting() -> Message:
            message = await receive()
            self._observer.metrics.received(len(message.get("body", b"")))
            return message

        with self._observer.metrics.in_progress.track_inprogress():
            try:
                await self._app(scope, counting, answer.send)
            finally:
                answer.tell()


def unreadable(observer: Observer) -> Response:
    """Return the answer to bytes that are no HTTP; it is counted and logged as if it had been a request."""
    code = "request.malformed"
    answer = problem(Request({"type": "http", "headers": []}), code, "This is not HTTP/1.1.")
    answer.headers[REQUEST_ID] = secrets.token_hex(8)
    method, route, status = "other", _UNMATCHED, answer.status_code
    observer.metrics.answered(method=method, route=route, status=status, code=code, seconds=0.0)
    request = answer.headers[REQUEST_ID]
    log_request({"request": request, "method": method, "route": route, "status": status, "code": code})
    return answer


class _Answer:
    """One request's answer on its way out."""

    def __init__(self, scope: Scope, send: Send, observer: Observer) -> None:
        scope.setdefault("state", {})
        self._scope = scope
        self._send = send
        self._observer = observer
        self._began = time.perf_counter()
        self._id = secrets.token_hex(8)
        self._status = 0  # nothing was answered: the client was gone
        self._replaced = False

    async def send(self, message: Message) -> None:
        """Send a part of the answer; its first part waits until the audit log knows of it."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            event = _event(self._scope, self._status, self._observer)
            if event is not None:
                try:
                    await self._observer.journal.note(event)
                except DedupError as fault:
                    await self._replace(fault)
            MutableHeaders(scope=message)[REQUEST_ID] = self._id
        if not self._replaced:
            await self._send(message)

    async def _replace(self, fault: DedupError) -> None:
        """Answer that it cannot be done now: what cannot be noted is not told."""
        instead = problem(Request(self._scope), fault.code, "The server cannot do this now.")
        instead.headers[REQUEST_ID] = self._id
        self._replaced, self._status = True, instead.status_code
        await self._send({"type": "http.response.start", "status": instead.status_code, "headers": instead.raw_headers})
        await self._send({"type": "http.response.body", "body": instead.body})

    def tell(self) -> None:
        """Count and log the request."""
        seconds = time.perf_counter() - self._began
        route, code = _template(self._scope), self._scope["state"].get("code")
        access: Access | None = self._scope["state"].get("access")
        method = _method(self._scope)
        self._observer.metrics.answered(method=method, route=route, status=self._status, code=code, seconds=seconds)
        members: dict[str, Any] = {
            "request": self._id,
            "method": method,
            "route": route,
            "status": self._status,
            "code": code,
            "milliseconds": round(seconds * 1000, 1),
            "vendor": access.vendor if access else None,
        }
        log_request({name: value for name, value in members.items() if value is not None})


def _event(scope: Scope, status: int, observer: Observer) -> AuditEvent | None:
    """Return what the audit log is told of an answer, None when it is told elsewhere or concerns nobody."""
    access: Access | None = scope["state"].get("access")
    route = _template(scope)
    now = observer.clock()
    if access is None:
        if status != 401 or route == TOKEN_PATH:
            return None
        client = scope.get("client")
        if not observer.refusals.failed(client[0] if client else "", now):
            return None
        return AuditEvent(
            REFUSED, now, Actor("unknown", "vendor"), _object(scope, route), _ground(scope, route, status)
        )
    if status < 400 and scope["method"] not in _READING:
        return None
    actor = actor_of(access.vendor)
    ground = f"{_ground(scope, route, status)} by key {access.key_id}"
    return AuditEvent(READ if status < 400 else REFUSED, now, actor, _object(scope, route), ground[:128])


def _ground(scope: Scope, route: str, status: int) -> str:
    """Return what was asked and what was answered."""
    code = scope["state"].get("code")
    return f"{_method(scope)} {route}: {code or status}"


def _object(scope: Scope, route: str) -> str:
    """Return the submission that was asked for; what is no submission's id is never repeated."""
    named = [value for value in scope.get("path_params", {}).values() if _SUBMISSION.fullmatch(str(value))]
    return named[0] if named else route


def _method(scope: Scope) -> str:
    """Return the method; one that HTTP does not know can be any text, and is not repeated."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _template(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", _UNMATCHED))
