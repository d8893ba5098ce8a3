"""What every answer carries for whoever shows it, and how long a caller may take to begin a request."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
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


def impatient(seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP that hangs up on who takes longer than this to send a request's head.

    Uvicorn by itself waits for ever, so that a few hundred silent connections would be all that it takes.
    """

    class Impatient(H11Protocol):
        _hang_up: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

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

    return Impatient
