"""What the web server refuses by itself: a stable code, a sentence, and the headers that HTTP asks for beside it."""

from __future__ import annotations

from collections.abc import Mapping

from dedup.errors import DedupError

RETRY_SECONDS = 60  # what Retry-After says while nobody knows when it ends


class ServiceError(DedupError):
    """A request that is refused: a code `auth.what` or `service.what`; `headers` go with the answer."""

    def __init__(self, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message)
        self.headers: Mapping[str, str] = headers or {}


class UnauthorisedError(ServiceError):
    """Nobody proved who is calling; the answer names the scheme to prove it with (RFC 6750, section 3)."""

    def __init__(self, code: str, message: str, *, error: str = "invalid_token") -> None:
        challenge = f'Bearer realm="dedup", error="{error}"' if error else 'Bearer realm="dedup"'
        super().__init__(code, message, {"WWW-Authenticate": challenge})


class TryLaterError(ServiceError):
    """A request that may succeed later."""

    def __init__(self, code: str, message: str, seconds: int = RETRY_SECONDS) -> None:
        super().__init__(code, message, {"Retry-After": str(seconds)})


def headers_of(error: DedupError, status: int) -> dict[str, str]:
    """Return the headers that go with a refusal: its own, and Retry-After wherever one may try again."""
    headers = dict(error.headers) if isinstance(error, ServiceError) else {}
    return {"Retry-After": str(RETRY_SECONDS), **headers} if status in {429, 503} else headers
