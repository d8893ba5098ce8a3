"""The web application: which calls there are, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI

from dedup.errors import DedupError, kind_and_place
from dedup.intake.expiry import sweep_uploads
from dedup.service import health, publication, reading, submissions, tokens
from dedup.service.authentication import Authentication
from dedup.service.failures import FailureLimit
from dedup.service.guard import Crowded, Guarded
from dedup.service.health import Readiness
from dedup.service.journal import Journal
from dedup.service.metrics import Metrics, StoreCollector
from dedup.service.observing import Observed, Observer
from dedup.service.openapi import openapi_document
from dedup.service.problems import LastResort, handle_problems
from dedup.service.publication import Publication
from dedup.service.serving import Service

VERSION = "1"

log = logging.getLogger("dedup.service")


class _Application(FastAPI):
    """An application that says of itself what is frozen."""

    def openapi(self) -> dict[str, Any]:
        return openapi_document(self)


def described_app() -> FastAPI:
    """Return the application with its calls and no installation behind them: what OpenAPI tells of."""
    app = _Application(
        title="dedup upload",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_sweeping,
        generate_unique_id_function=lambda route: route.name,
    )
    for room in (publication, tokens, submissions, reading, health):
        app.include_router(room.router)
    return app


def create_app(service: Service) -> FastAPI:
    """Return the application that serves `service`."""
    app = described_app()
    app.state.service = service
    app.state.completions = CapacityLimiter(submissions.COMPLETIONS_AT_ONCE)
    app.state.authentication = Authentication(
        issuer=service.issuer,
        registry=service.store.registry,
        vendors=service.vendors,
        clock=service.clock,
        entropy=service.entropy,
        token_seconds=service.limits.token_seconds,
        failures=FailureLimit(service.limits.failures_per_minute),
    )
    app.state.publication = Publication(
        service.issuer, service.keys, (service.model.digest,), _limits_told(service), service.clock
    )
    app.state.readiness = Readiness(
        service.store.registry,
        service.store.folder,
        service.terms.keep_free_bytes,
        (service.keys.now, service.vendors.now, service.epochs.now),
    )
    handle_problems(app)
    app.add_middleware(LastResort)
    app.add_middleware(Crowded)
    app.state.observer = _observer(service)
    app.add_middleware(Observed, observer=app.state.observer)
    app.add_middleware(Guarded, tls=service.issuer.startswith("https:"))
    return app


def _observer(service: Service) -> Observer:
    metrics = Metrics()
    metrics.registry.register(StoreCollector(service.store.registry, service.store.folder))
    refusals = FailureLimit(service.limits.failures_per_minute)
    return Observer(Journal(service.store.registry), metrics, refusals, service.clock)


@asynccontextmanager
async def _sweeping(app: FastAPI) -> AsyncIterator[None]:
    """Let untouched uploads expire while the server runs, the first time as it starts."""
    service: Service = app.state.service

    async def sweep_for_ever() -> None:
        while True:
            try:
                await to_thread.run_sync(_sweep, service)
            except (DedupError, OSError) as error:
                log.error("uploads were not swept: %s", kind_and_place(error))
            await asyncio.sleep(service.limits.sweep_seconds)

    sweeper = asyncio.create_task(sweep_for_ever())
    try:
        yield
    finally:
        sweeper.cancel()


def _sweep(service: Service) -> None:
    sweep_uploads(service.store, now=service.clock(), upload_seconds=service.intake_limits.upload_seconds)


def _limits_told(service: Service) -> dict[str, int]:
    return {
        "chunk_bytes": service.terms.chunk_bytes,
        "bundle_bytes": service.intake_limits.max_bundle_bytes,
        "open_uploads": service.terms.open_uploads,
        "token_seconds": service.limits.token_seconds,
        "upload_seconds": service.intake_limits.upload_seconds,
    }
