"""What the service logs, caught as it logs it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from dedup.service.logs import log_to


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Give what the service logs from now on; the loggers are afterwards what they were."""
    stream = io.StringIO()
    kept = {name: logging.getLogger(name) for name in ("dedup", "uvicorn", "uvicorn.error", "uvicorn.access")}
    before = {name: (logger.handlers, logger.propagate, logger.level) for name, logger in kept.items()}
    log_to(stream)
    yield stream
    for name, (handlers, propagate, level) in before.items():
        kept[name].handlers, kept[name].propagate = handlers, propagate
        kept[name].setLevel(level)
