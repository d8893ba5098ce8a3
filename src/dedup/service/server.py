"""Runs the application: uvicorn, with the time-outs and limits that it leaves to whoever configures it."""

from __future__ import annotations

from pathlib import Path

import uvicorn

from dedup.service.app import create_app
from dedup.service.serving import Service

KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 20  # a chunk on its way may end; what does not is sent again


def serve(
    service: Service, *, host: str, port: int, certificate: Path | None = None, certificate_key: Path | None = None
) -> None:
    """Serve until the process is told to stop."""
    uvicorn.Server(
        uvicorn.Config(
            create_app(service),
            host=host,
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=certificate_key,
            http="h11",
            loop="asyncio",
            lifespan="on",
            ws="none",
            server_header=False,
            proxy_headers=False,
            access_log=False,
            log_config=None,
            limit_concurrency=service.limits.connections,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    ).run()
