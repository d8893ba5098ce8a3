"""The web application: which calls there are, and what every answer carries."""

from __future__ import annotations

from anyio import CapacityLimiter
from fastapi import FastAPI

from dedup.service import publication, submissions, tokens
from dedup.service.authentication import Authentication
from dedup.service.failures import FailureLimit
from dedup.service.openapi import openapi_document
from dedup.service.problems import LastResort, handle_problems
from dedup.service.publication import Publication
from dedup.service.serving import Service

VERSION = "1"


def create_app(service: Service) -> FastAPI:
    """Return the application that serves `service`."""
    app = FastAPI(
        title="dedup upload",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
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
    app.state.publication = Publication(service.issuer, service.keys, (service.model.digest,), _limits_told(service))
    for room in (publication, tokens, submissions):
        app.include_router(room.router)
    handle_problems(app)
    app.add_middleware(LastResort)
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    return app


def _limits_told(service: Service) -> dict[str, int]:
    return {
        "chunk_bytes": service.terms.chunk_bytes,
        "bundle_bytes": service.intake_limits.max_bundle_bytes,
        "open_uploads": service.terms.open_uploads,
        "token_seconds": service.limits.token_seconds,
        "upload_seconds": service.intake_limits.upload_seconds,
    }
