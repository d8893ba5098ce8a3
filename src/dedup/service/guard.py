"""What every answer carries for whoever shows it, how long a caller may take, and how many there may be at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dedup.service.problems import problem

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FULL = "full"  # the member of a request's state that says that it is one too many
_TLS_ONLY = "max-age=31536000"


class Guarded:
    """Adds the headers of OWASP's list for an API to every answer that does not have its own."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"Strict-Transport-Security": _TLS_ONLY} if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


class Crowded:
    """Turns away who comes when there are as many connections as are taken; the protocol below says when that is so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or not scope.get("state", {}).get(FULL):
            await self._app(scope, receive, send)
            return
        sentence = "The server has as many callers as it takes at once."
        answer = problem(Request(scope), "service.full", sentence, headers={"Connection": "close"})
        await answer(scope, receive, send)


def protocol(seconds: float, connections: int, unreadable: Callable[[], Response]) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP with this service's manners.

    It hangs up on who takes longer than `seconds` to send a request's head: uvicorn by itself waits for ever, so that a
    few hundred silent connections would be all that it takes. It lets the application answer when there are as many
    `connections` as are taken, and `unreadable` when what comes in is no HTTP: uvicorn's own answers are plain text.
    """

    class Mannered(H11Protocol):
        _hang_up: asyncio.TimerHandle | None = None

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            application = self.app

            async def counted(scope: Any, receive: Any, send: Any) -> None:
                is_full = len(self.connections) >= connections or len(self.tasks) > connections  # this one is in both
                scope.setdefault("state", {})[FULL] = is_full
                await application(scope, receive, send)

            self.app = counted

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the base class's signature)
            """Answer what is no HTTP, unless an answer is on its way, which this would spoil."""
            if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
                self.transport.write(_as_bytes(unreadable()))
            self.transport.close()

        def _watch(self) -> None:
            """Let the clock run while no request is being answered, from the first byte that begins one."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop()
            elif self._hang_up is None:
                self._hang_up = self.loop.call_later(seconds, self.transport.close)

        def _stop(self) -> None:
            if self._hang_up is not None:
                self._hang_up.cancel()
                self._hang_up = None

    return Mannered


def _as_bytes(answer: Response) -> bytes:
    """Return an answer as it goes over the wire, the last one of its connection."""
    headers = HEADERS | dict(answer.headers) | {"Connection": "close"}
    lines = [f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + bytes(answer.body)
