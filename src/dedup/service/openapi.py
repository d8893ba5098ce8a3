"""What the server says of itself: OpenAPI 3.1, made of the routes and frozen in docs/spec/openapi-v1.json."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from dedup.service.problems import Fault, Problem
from dedup.service.shapes import Creation

_REF = "#/components/schemas/{model}"
_VALIDATION = "HTTPValidationError"  # what FastAPI says of requests that it refuses itself; here those are problems


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """Return the document, with what the routes do not show by themselves and without what is not so."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary="Vendors upload sealed bundles, and hear what became of them",
        routes=app.routes,
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for name in (_VALIDATION, "ValidationError"):
        schemas.pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            _without_validation(operation["responses"])
    models: tuple[type[BaseModel], ...] = (Problem, Fault, Creation)
    for model in models:
        schema = model.model_json_schema(ref_template=_REF)
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def frozen(app: FastAPI) -> str:
    """Return the document as docs/spec/openapi-v1.json has it."""
    return json.dumps(openapi_document(app), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _without_validation(responses: dict[str, Any]) -> None:
    content = responses.get("422", {}).get("content", {})
    if _VALIDATION in str(content.get("application/json", {})):
        del responses["422"]
