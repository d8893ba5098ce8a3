"""Runs the application: uvicorn, with the time-outs and limits that it leaves to whoever configures it."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from dedup.service.app import create_app
from dedup.service.guard import protocol
from dedup.service.limits import ServiceLimits
from dedup.service.logs import log_to
from dedup.service.metrics import metrics_served
from dedup.service.observing import unreadable
from dedup.service.serving import Service

KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 20  # a chunk on its way may end; what does not is sent again


def http_of(app: FastAPI, limits: ServiceLimits) -> type[asyncio.Protocol]:
    """Return the protocol that serves `app`."""
    return protocol(limits.head_seconds, limits.connections, partial(unreadable, app.state.observer))


def serve(
    service: Service,
    *,
    host: str,
    port: int,
    metrics_port: int = 0,
    proxies: str = "",
    certificate: Path | None = None,
    certificate_key: Path | None = None,
) -> None:
    """Serve until the process is told to stop; metrics on `metrics_port` of the loopback address, unless it is 0.

    `proxies` are the addresses, separated by commas, whose X-Forwarded-For tells who is calling; nobody else's does.
    """
    log_to(sys.stderr)
    app = create_app(service)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=certificate_key,
            http=http_of(app, service.limits),
            loop="asyncio",
            lifespan="on",
            ws="none",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            access_log=False,
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
    with metrics_served(app.state.observer.metrics, metrics_port):
        server.run()
