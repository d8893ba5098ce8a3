"""How much a request may bring and how long it may take to come; read from `[service]` in `settings.toml`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields

from starlette.requests import Request

from dedup.service.refusal import ServiceError
from dedup.settings import Settings

JSON_BYTES = 16_384  # the largest JSON that a client has to send has some 300
PIECE_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """Limits of single requests: a body may pause for `idle_seconds`, and takes at most `chunk_seconds` in all.

    `head_seconds` is how long the head may take; `sweep_seconds` is how often untouched uploads are looked for.
    """

    token_seconds: int = 600
    failures_per_minute: int = 30
    idle_seconds: int = 30
    chunk_seconds: int = 600
    head_seconds: int = 15
    sweep_seconds: int = 60
    connections: int = 500

    @classmethod
    def of(cls, settings: Settings) -> ServiceLimits:
        """Read the limits; what the file leaves out has its default."""
        default = cls()
        names = (field.name for field in fields(cls))
        return cls(**{name: settings.count("service", name, getattr(default, name)) for name in names})


def content_length(request: Request) -> int:
    """Return how long the body is said to be; raises `ServiceError`: `request.length-missing`, `request.malformed`."""
    said = request.headers.get("Content-Length")
    if said is None or "Transfer-Encoding" in request.headers:
        raise ServiceError("request.length-missing", "A body needs a Content-Length, and no Transfer-Encoding.")
    if not (said.isascii() and said.isdigit() and len(said) < 16):
        raise ServiceError("request.malformed", "The Content-Length is not a number.")
    return int(said)


def media_type(request: Request, wanted: str) -> None:
    """Raise `ServiceError` (`request.media-type`) unless the body is of this type."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != wanted:
        raise ServiceError("request.media-type", f"The body has to be {wanted}.")


async def pieces(request: Request, limits: ServiceLimits) -> AsyncIterator[bytes]:
    """Give the body in pieces of about `PIECE_BYTES`, whatever sizes the network brings it in.

    Raises `ServiceError` (`request.too-slow`) when it pauses, or takes in all, longer than it may.
    """
    held = bytearray()
    stream = aiter(request.stream())
    clock = asyncio.get_running_loop().time
    last = clock() + limits.chunk_seconds
    while (data := await _next(stream, min(last, clock() + limits.idle_seconds))) is not None:
        held += data
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _next(stream: AsyncIterator[bytes], deadline: float) -> bytes | None:
    """Return what comes next, None at the end.

    Only the waiting is timed: a time-out round the caller's work would cancel it in the middle of a write, which its
    thread goes on with while the file is closed.
    """
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(stream, None)
    except TimeoutError as error:
        raise ServiceError("request.too-slow", "The body came too slowly.") from error


async def small_body(request: Request, limits: ServiceLimits) -> bytes:
    """Return a body of at most `JSON_BYTES`; raises `ServiceError`: those of `pieces`, `request.too-large`."""
    if content_length(request) > JSON_BYTES:
        raise ServiceError("request.too-large", f"This body may have at most {JSON_BYTES} bytes.")
    return b"".join([piece async for piece in pieces(request, limits)])
