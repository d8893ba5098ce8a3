"""The calls by which a vendor uploads: create, ask, append, complete, abort (docs/spec/upload-v1.md, section 3)."""

from __future__ import annotations

from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Header, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from dedup.bundle.canonical import parse_json
from dedup.bundle.keyfiles import timestamp
from dedup.codes import preferred_language
from dedup.intake.appending import Appending, Chunk, begin_append
from dedup.intake.completion import complete_upload
from dedup.intake.receipts import Receipt, Rejection
from dedup.intake.uploads import Standing, abort_upload, create_upload, refuse_unless_open, standing_of
from dedup.service.authentication import authorised
from dedup.service.caller import Caller, Scope
from dedup.service.digests import PATTERN, sha256_of
from dedup.service.limits import content_length, media_type, pieces, small_body
from dedup.service.problems import rejected
from dedup.service.refusal import ServiceError
from dedup.service.serving import Service, service_of
from dedup.service.shapes import OFFSET, Completion, Creation, Status, problems
from dedup.service.standing import offset_of, status_of_standing
from dedup.store.tables import UploadState
from dedup.store.uploads import Declaration

COLLECTION = "/v1/submissions"
CHUNK_TYPE = "application/offset+octet-stream"
COMPLETIONS_AT_ONCE = 4  # each reads a whole file and then waits for the one intake lock

router = APIRouter(tags=["submissions"])

Creator = Annotated[Caller, Depends(authorised(Scope.WRITE, begins_upload=True))]
Writer = Annotated[Caller, Depends(authorised(Scope.WRITE))]
SubmissionPath = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The submission's id")]
Language = Annotated[str, Header(alias="Accept-Language", description="nl or en, for titles")]
_DIGEST = {"pattern": PATTERN}

_LOCATION = {"Location": {"description": "The upload's address", "schema": {"type": "string"}}}
_LENGTH = {"Upload-Length": {"description": "Bytes that were declared", "schema": {"type": "integer"}}}
_STATE = {"Upload-State": {"description": "The submission's state", "schema": {"type": "string"}}}


@router.post(
    COLLECTION,
    status_code=201,
    response_model=Status,
    responses={
        201: {"description": "An upload was begun", "headers": _LOCATION | OFFSET},
        200: {"description": "It was there already", "model": Status, "headers": _LOCATION | OFFSET},
        **problems(408, 409, 411, 413, 415, 422, 429, 507),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Creation"}}},
        }
    },
)
async def create(
    request: Request,
    caller: Creator,
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key", pattern="^[A-Za-z0-9_-]{16,128}$")],
    accept_language: Language = "",
) -> Response:
    """Begin an upload, or find the one that is there."""
    service, language = service_of(request), preferred_language(accept_language)
    media_type(request, "application/json")
    declared = _declaration(await small_body(request, service.limits))

    def work() -> tuple[Standing, bool, Status]:
        sender = service.sender(caller)
        standing, new = create_upload(declared, idempotency_key, sender)
        return standing, new, status_of_standing(standing, sender, language=language)

    standing, new, status = await to_thread.run_sync(work)
    address = f"{service.issuer}{COLLECTION}/{declared.submission_id}"
    headers = {"Location": address, "Upload-Offset": str(offset_of(standing))}
    return JSONResponse(status.model_dump(), 201 if new else 200, headers=headers)


@router.head(
    COLLECTION + "/{submission_id}",
    responses={200: {"description": "How far it is", "headers": OFFSET | _LENGTH | _STATE}, **problems(404, 410)},
    response_class=Response,
)
async def ask(request: Request, caller: Writer, submission_id: SubmissionPath) -> Response:
    """Say how far an upload is."""
    service = service_of(request)

    def work() -> Standing:
        with service.store.registry.read() as session:
            standing = standing_of(session, caller.vendor, submission_id)
        if standing.upload is not None and standing.state in {UploadState.ABORTED, UploadState.EXPIRED}:
            refuse_unless_open(standing.upload)
        return standing

    standing = await to_thread.run_sync(work)
    return Response(
        headers={
            "Upload-Offset": str(offset_of(standing)),
            "Upload-Length": str(standing.declared.bytes),
            "Upload-State": standing.state.value,
        }
    )


@router.patch(
    COLLECTION + "/{submission_id}",
    status_code=204,
    response_class=Response,
    responses={
        204: {"description": "The chunk is stored", "headers": OFFSET},
        **problems(404, 408, 409, 410, 411, 413, 415, 429, 507),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {CHUNK_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def append(
    request: Request,
    caller: Writer,
    submission_id: SubmissionPath,
    upload_offset: Annotated[str, Header(alias="Upload-Offset", pattern="^(0|[1-9][0-9]{0,12})$")],
    content_digest: Annotated[str, Header(alias="Content-Digest", json_schema_extra=_DIGEST)],
) -> Response:
    """Append a chunk, whole or not at all."""
    service = service_of(request)
    media_type(request, CHUNK_TYPE)
    chunk = Chunk(int(upload_offset), content_length(request), sha256_of(content_digest))
    appending = await to_thread.run_sync(lambda: begin_append(submission_id, chunk, service.sender(caller)))
    try:
        offset = await _take(request, appending, service)
    finally:
        await to_thread.run_sync(appending.close)
    return Response(status_code=204, headers={"Upload-Offset": str(offset)})


@router.post(
    COLLECTION + "/{submission_id}/complete",
    response_model=Completion,
    responses={200: {"description": "Accepted, now or before"}, **problems(404, 409, 410, 422, 507)},
)
async def complete(
    request: Request,
    caller: Writer,
    submission_id: SubmissionPath,
    repr_digest: Annotated[str, Header(alias="Repr-Digest", json_schema_extra=_DIGEST)],
) -> Response:
    """Check the whole file and accept it."""
    service = service_of(request)
    sha256 = sha256_of(repr_digest).hex()

    def work() -> Receipt | Rejection:
        return complete_upload(submission_id, sha256, service.sender(caller))

    answer = await to_thread.run_sync(work, limiter=_completions(request))
    if isinstance(answer, Rejection):
        return rejected(request, answer)
    accepted = answer.submission
    return JSONResponse(
        Completion(
            submission_id=accepted.id,
            provider=accepted.provider,
            snapshot_date=accepted.snapshot_date.isoformat(),
            received_at=timestamp(accepted.received_at),
            duplicate=answer.duplicate,
            receipt=answer.token,
        ).model_dump()
    )


@router.delete(
    COLLECTION + "/{submission_id}",
    status_code=204,
    response_class=Response,
    responses={204: {"description": "What was sent is dropped"}, **problems(404, 409, 410)},
)
async def abort(request: Request, caller: Writer, submission_id: SubmissionPath) -> Response:
    """Drop what was sent."""
    service = service_of(request)
    await to_thread.run_sync(lambda: abort_upload(submission_id, service.sender(caller)))
    return Response(status_code=204)


async def _take(request: Request, appending: Appending, service: Service) -> int:
    async for piece in pieces(request, service.limits):
        await to_thread.run_sync(appending.write, piece)
    return await to_thread.run_sync(lambda: appending.finish(service.clock()))


def _declaration(body: bytes) -> Declaration:
    try:
        creation = Creation.model_validate(parse_json(body))
        return Declaration(creation.submission_id, creation.provider, creation.day(), creation.bytes, creation.sha256)
    except (ValueError, ValidationError) as error:
        message = "The body has to be exactly submission_id, provider, snapshot_date, bytes and sha256."
        raise ServiceError("request.malformed", message) from error


def _completions(request: Request) -> CapacityLimiter:
    limiter: CapacityLimiter = request.app.state.completions
    return limiter
