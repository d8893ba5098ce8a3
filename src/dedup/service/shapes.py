"""The JSON that the upload calls take and give (docs/spec/upload-v1.md); the frozen OpenAPI document is made of it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dedup.service.problems import MEDIA_TYPE

SubmissionId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Agb = Annotated[str, Field(pattern="^[0-9]{8}$")]
Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"})]
Moment = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
Count = Annotated[int, Field(ge=0)]
MAX_BYTES = 1 << 40


def _whole(value: Any) -> Any:
    """Return a number without a fraction as the integer that JSON Schema says it is."""
    return int(value) if type(value) is float and value.is_integer() else value


class Creation(BaseModel):
    """What a vendor declares of a bundle; exactly these members."""

    model_config = ConfigDict(extra="forbid", strict=True)

    submission_id: SubmissionId
    provider: Agb
    snapshot_date: Day
    bytes: Annotated[int, Field(ge=1, le=MAX_BYTES), BeforeValidator(_whole)]
    sha256: Sha256

    def day(self) -> date:
        """Return the snapshot date; raises `ValueError` for a text that is none."""
        return date.fromisoformat(self.snapshot_date)


class Reason(BaseModel):
    """Why a submission is rejected; `errors` where there was more to say."""

    code: str
    title: str
    detail: str
    errors: list[dict[str, str]]


class Summary(BaseModel):
    """How a submission stands."""

    submission_id: SubmissionId
    provider: Agb
    snapshot_date: Day
    state: str = Field(
        json_schema_extra={
            "enum": ["open", "accepted", "ingested", "superseded", "rejected", "aborted", "expired"],
        }
    )
    bytes: Count
    offset: Count
    sha256: Sha256
    created_at: Moment
    received_at: Moment | None
    expires_at: Moment | None
    problem: Reason | None


class Status(Summary):
    """How a submission stands, and its receipt once it is accepted."""

    receipt: str | None


class Page(BaseModel):
    """A part of a vendor's submissions, the newest first; `next` is the cursor for those before them."""

    submissions: list[Summary]
    next: str | None


class Completion(BaseModel):
    """An acceptance: what was accepted, and the signed receipt for it."""

    submission_id: SubmissionId
    provider: Agb
    snapshot_date: Day
    received_at: Moment
    duplicate: bool
    receipt: str


class Freshness(BaseModel):
    """How old a snapshot is today."""

    days: int
    state: str = Field(json_schema_extra={"enum": ["fresh", "late", "outdated"]})


class Counts(BaseModel):
    """What the encoder counted; null for what it did not say."""

    rows: Count | None
    accepted: Count | None
    refused: Count | None
    withheld: Count | None
    counts_by_code: dict[str, int]


class Opened(Counts):
    """What was in a bundle, and when it was opened."""

    at: Moment


class Previous(Counts):
    """What was in the snapshot before, and by how much `accepted` changed since."""

    snapshot_date: Day
    change: int | None


class Report(BaseModel):
    """The validation report of a submission."""

    submission_id: SubmissionId
    provider: Agb
    snapshot_date: Day
    state: str = Field(json_schema_extra={"enum": ["accepted", "ingested", "superseded", "rejected"]})
    received_at: Moment | None
    bytes: Count
    problem: Reason | None
    freshness: Freshness
    opened: Opened | None
    previous: Previous | None


_TEXT = {"type": "string"}
OFFSET = {"Upload-Offset": {"description": "Bytes that are stored", "schema": {"type": "integer"}}}
_LATER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
_SCHEME = {"WWW-Authenticate": {"description": "RFC 6750", "schema": _TEXT}}
_MEANS = {
    400: "Malformed, or not what its digest says",
    401: "No token that is good",
    403: "Not allowed to this vendor or token",
    404: "Not there, or another vendor's",
    405: "Another method is needed",
    408: "The body came too slowly",
    409: "Not in this state, or not at this offset",
    410: "Aborted or expired",
    411: "A Content-Length is needed",
    413: "Too large",
    415: "Another media type is needed",
    422: "The bundle, or the Idempotency-Key, cannot be taken",
    429: "Too much for now",
    500: "A fault of the server",
    503: "Not now",
    507: "No room on the disk",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of refusals with these statuses, and of those that every call can meet."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({400, 401, 403, 500, 503, *statuses}):
        headers = {401: _SCHEME, 403: _SCHEME, 409: OFFSET, 429: _LATER, 503: _LATER}.get(status)
        found[status] = {
            "description": _MEANS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        } | ({"headers": headers} if headers else {})
    return found
