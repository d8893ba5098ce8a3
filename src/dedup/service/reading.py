"""The calls by which a vendor learns what became of its bundles: status, list, receipt, validation report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from dedup.codes import preferred_language
from dedup.intake.acceptance import receipt_of
from dedup.intake.upload_terms import UploadError
from dedup.intake.uploads import Standing, standing_of, standings_of
from dedup.service.authentication import authorised
from dedup.service.caller import Caller, Scope
from dedup.service.report_page import CONTENT_POLICY, prefers_page, report_page
from dedup.service.reports import report_of
from dedup.service.serving import HERE, service_of
from dedup.service.shapes import Page, Report, Status, problems
from dedup.service.standing import status_of_standing, summary_of
from dedup.service.submissions import COLLECTION, Language, SubmissionPath

RECEIPT_TYPE = "application/jose"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

router = APIRouter(tags=["submissions"])

Reader = Annotated[Caller, Depends(authorised(Scope.READ))]


@router.get(
    COLLECTION,
    response_model=Page,
    responses={200: {"description": "The vendor's own, the newest first"}, **problems()},
)
async def list_own(
    request: Request,
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(pattern="^[0-9]{1,17}-[0-9a-f]{32}$", description="A cursor")] = None,
    accept_language: Language = "",
) -> Response:
    """List the vendor's own submissions."""
    service, since = service_of(request), None if before is None else _cursor(before)

    def work() -> list[Standing]:
        with service.store.registry.read() as session:
            return standings_of(session, caller.vendor, before=since, limit=limit + 1)

    found = await to_thread.run_sync(work)
    seconds, language = service.intake_limits.upload_seconds, preferred_language(accept_language)
    page = Page(
        submissions=[summary_of(one, upload_seconds=seconds, language=language) for one in found[:limit]],
        next=_cursor_of(found[limit - 1]) if len(found) > limit else None,
    )
    return JSONResponse(page.model_dump())


@router.get(
    COLLECTION + "/{submission_id}",
    response_model=Status,
    responses={200: {"description": "How it stands"}, **problems(404)},
)
async def status(
    request: Request, caller: Reader, submission_id: SubmissionPath, accept_language: Language = ""
) -> Response:
    """Say how a submission stands."""
    service = service_of(request)

    def work() -> Status:
        with service.store.registry.read() as session:
            standing = standing_of(session, caller.vendor, submission_id)
        return status_of_standing(standing, service.sender(caller), language=preferred_language(accept_language))

    return JSONResponse((await to_thread.run_sync(work)).model_dump())


@router.get(
    COLLECTION + "/{submission_id}/receipt",
    response_class=Response,
    responses={
        200: {"description": "The signed receipt", "content": {RECEIPT_TYPE: {"schema": {"type": "string"}}}},
        **problems(404, 409),
    },
)
async def receipt(request: Request, caller: Reader, submission_id: SubmissionPath) -> Response:
    """Give the signed receipt, as a compact JWS."""
    service = service_of(request)

    def work() -> str:
        with service.store.registry.read() as session:
            submission = standing_of(session, caller.vendor, submission_id).submission
        if submission is None:
            raise UploadError("upload.not-accepted", "There is no receipt for what was not accepted.")
        return receipt_of("", submission, service.sender(caller).intake, duplicate=True).token

    return Response(await to_thread.run_sync(work), media_type=RECEIPT_TYPE)


@router.get(
    COLLECTION + "/{submission_id}/report",
    response_model=Report,
    responses={
        200: {"description": "What became of it", "content": {"text/html": {"schema": {"type": "string"}}}},
        **problems(404, 409),
    },
)
async def report(
    request: Request,
    caller: Reader,
    submission_id: SubmissionPath,
    accept_language: Language = "",
) -> Response:
    """Give the validation report, as JSON or as a page."""
    service, language = service_of(request), preferred_language(accept_language)
    today = service.clock().astimezone(HERE).date()

    def work() -> Report:
        with service.store.registry.read() as session:
            return report_of(session, caller.vendor, submission_id, today=today, language=language)

    found = await to_thread.run_sync(work)
    headers = {"Vary": "Accept, Accept-Language"}
    if prefers_page(request.headers.get("Accept", "")):
        page = report_page(found, language)
        return HTMLResponse(page, headers=headers | {"Content-Security-Policy": CONTENT_POLICY})
    return JSONResponse(found.model_dump(), headers=headers)


def _cursor_of(standing: Standing) -> str:
    microseconds = (standing.begun_at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}-{standing.declared.submission_id}"


def _cursor(text: str) -> tuple[datetime, str]:
    microseconds, submission_id = text.split("-")
    return _EPOCH + timedelta(microseconds=int(microseconds)), submission_id
