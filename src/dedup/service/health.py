"""`GET /healthz`: the process answers. `GET /readyz`: it can take bundles, or what is in the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text

from dedup.errors import DedupError
from dedup.service.problems import problem
from dedup.service.refusal import TryLaterError
from dedup.store.registry import Registry

HEALTH_PATH, READY_PATH = "/healthz", "/readyz"

router = APIRouter(tags=["operation"], include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the service needs; the application keeps it as `app.state.readiness`. `keys` read them, each or raises."""

    registry: Registry
    folder: Path
    keep_free_bytes: int
    keys: tuple[Callable[[], object], ...]

    def faults(self) -> list[DedupError]:
        """Return everything that is in the way."""
        faults = []
        for check in (self._registry_answers, self._disk_has_room, *self.keys):
            try:
                check()
            except DedupError as fault:
                faults.append(fault)
        return faults

    def _registry_answers(self) -> None:
        with self.registry.read() as session:
            session.execute(text("SELECT 1"))

    def _disk_has_room(self) -> None:
        if shutil.disk_usage(self.folder).free < self.keep_free_bytes:
            raise TryLaterError("upload.no-room", "The disk has less free than has to stay free.")


@router.get(HEALTH_PATH)
def healthy() -> JSONResponse:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"})


@router.get(READY_PATH)
def ready(request: Request) -> JSONResponse:
    """Say whether the server can do its work."""
    readiness: Readiness = request.app.state.readiness
    faults = readiness.faults()
    if not faults:
        return JSONResponse({"status": "ready"})
    errors = [{"code": fault.code, "detail": fault.message} for fault in faults]
    return problem(request, "service.not-ready", "The server cannot take bundles now.", errors=errors)
