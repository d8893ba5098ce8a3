"""A few tries with pauses between them, for what a moment later may work."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException

PAUSES_SECONDS = (2.0, 8.0)


def tried(work: Callable[[], None], *, sleep: Callable[[float], None]) -> None:
    """Do the work, and do it again after each pause while the connection fails; raises what the last try raised."""
    for pause in PAUSES_SECONDS:
        try:
            return work()
        except (OSError, HTTPException):
            sleep(pause)
    return work()
