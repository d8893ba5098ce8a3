"""Posts a JSON document to a webhook: HTTPS only, no redirects, a time-out, and a few tries."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request

from dedup.notify.channels import TIMEOUT_SECONDS, NotifyError, Webhook
from dedup.notify.tries import tried

FAILED = "notify.webhook-failed"


class _LaterError(ConnectionError):
    """The server answered that it cannot take the document now."""


def post(document: Mapping[str, Any], webhook: Webhook, *, tls: ssl.SSLContext, sleep: Callable[[float], None]) -> None:
    """Post the document; raises `NotifyError` (`notify.webhook-failed`) once all tries failed, without the address."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "dedup"}
    request = Request(webhook.url, json.dumps(document, ensure_ascii=False).encode("utf-8"), headers)
    opener = _https_opener(tls)

    def once() -> None:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            status: int = answer.status
        if status == 429 or status >= 500:
            raise _LaterError(f"HTTP status {status}")
        if not 200 <= status < 300:
            raise NotifyError(FAILED, f"The webhook answered with HTTP status {status}.")

    try:
        tried(once, sleep=sleep)
    except _LaterError as later:
        raise NotifyError(FAILED, f"The webhook answered with {later}, each time.") from None
    except (OSError, HTTPException) as error:
        raise NotifyError(FAILED, f"The webhook could not be reached ({type(error).__name__}).") from None


def _https_opener(tls: ssl.SSLContext) -> OpenerDirector:
    """Return an opener that knows HTTPS alone, by way of the environment's proxy where there is one.

    It follows no redirect: the document goes where the operator said, and nowhere else.
    """
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPSHandler(context=tls)):
        opener.add_handler(handler)
    return opener
