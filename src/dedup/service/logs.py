"""The service's log: one JSON object a line on standard error, of codes, templates and counts; never of content."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, TextIO

from dedup.errors import kind_and_place

REQUESTS = logging.getLogger("dedup.service.requests")
_FIELDS = "told"  # the attribute of a record that holds its members


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON; of an exception its kind and place, for its text can quote a value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, _FIELDS, {})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = kind_and_place(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def log_request(members: dict[str, Any]) -> None:
    """Log one request that was answered."""
    REQUESTS.info("request", extra={_FIELDS: members})


def log_to(stream: TextIO) -> None:
    """Send all that the service and its web server log to `stream`; the web server's own line a request is left out."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name in ("dedup", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name != "uvicorn.error" else []
        logger.setLevel(logging.INFO)
        logger.propagate = name == "uvicorn.error"
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False
