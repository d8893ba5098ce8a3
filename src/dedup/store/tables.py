"""The registry's tables: one schema for SQLite and PostgreSQL. The migrations make it, these classes read and write it.

No table holds an identifier of a client, nor what a provider calls a registration (registratie_id): that stands here as
an HMAC under a key that the registry does not hold. Pairs and findings are objects, under the keys of the views.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DIGEST = String(64)  # SHA-256 as hex
PROVIDER = String(8)  # AGB code


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite, which has no time zones, keeps it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (the base class's signature)
        """Refuse a moment without time zone, which would be read as another moment elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment in the registry needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (as above)
        """Return the moment in UTC, whatever the database made of it."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SubmissionState(StrEnum):
    """How far a submission is; from `accepted` it becomes `rejected` or `ingested`, from there `superseded`."""

    ACCEPTED = "accepted"  # durable, receipt given, not yet opened
    REJECTED = "rejected"  # it turned out to be unusable when it was opened
    INGESTED = "ingested"  # its entries and its attributes are stored and count
    SUPERSEDED = "superseded"  # a newer snapshot of the same provider and epoch is in


class UploadState(StrEnum):
    """How far an upload is; one that was accepted lives on as a submission, with the states of that."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"  # it is not what was declared, or no bundle that this server takes
    ABORTED = "aborted"  # its vendor took it back
    EXPIRED = "expired"  # its vendor did not go on with it


class View(StrEnum):
    """The halves of what is kept, and what joins them; each has its own folder.

    The two halves each have a key-encryption key of their own; what joins them can be read with both keys only.
    """

    LINK = "link"
    ATTRIBUTES = "attributes"
    JOINED = "joined"


class RunState(StrEnum):
    """How far a nightly run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


def _enum(kind: type[StrEnum]) -> Enum:
    return Enum(
        kind, native_enum=False, create_constraint=False, length=16, values_callable=lambda k: [m.value for m in k]
    )


class Base(DeclarativeBase):
    """The declarative base; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class SubmissionRow(Base):
    """One accepted submission; a bundle that intake refused leaves an audit event only."""

    __tablename__ = "submissions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    vendor: Mapped[str] = mapped_column(String(64))
    provider: Mapped[str] = mapped_column(PROVIDER)
    snapshot_date: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    file_sha256: Mapped[str] = mapped_column(DIGEST)
    file_bytes: Mapped[int] = mapped_column(BigInteger)
    body_sha256: Mapped[str] = mapped_column(DIGEST)
    epoch_key_id: Mapped[str] = mapped_column(String(64))
    model_digest: Mapped[str] = mapped_column(DIGEST)
    state: Mapped[SubmissionState] = mapped_column(_enum(SubmissionState))
    reason_code: Mapped[str | None] = mapped_column(String(64))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    registrations: Mapped[int | None] = mapped_column(Integer)
    # The two objects that its entries are in, often shared with others; kept when superseded, until they are rewritten.
    link_view: Mapped[str | None] = mapped_column(DIGEST)
    entry_map: Mapped[str | None] = mapped_column(DIGEST)
    attributes: Mapped[str | None] = mapped_column(DIGEST)
    statistics: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    __table_args__ = (
        Index(None, "provider", "epoch_key_id", "state"),
        Index(None, "state"),
        Index(None, "vendor", "received_at"),
    )


class UploadRow(Base):
    """A vendor's upload of one submission, as far as it is; `part` names the file that its bytes are in.

    A new attempt takes the row over under a new part, so that a late call for the earlier one finds nothing to change.
    """

    __tablename__ = "uploads"

    vendor: Mapped[str] = mapped_column(String(64), primary_key=True)
    submission_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    part: Mapped[str] = mapped_column(String(32))
    idempotency_key: Mapped[str] = mapped_column(String(128))
    provider: Mapped[str] = mapped_column(PROVIDER)
    snapshot_date: Mapped[date] = mapped_column(Date)
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(DIGEST)
    offset: Mapped[int] = mapped_column(BigInteger)  # this many bytes are on disk for good
    state: Mapped[UploadState] = mapped_column(_enum(UploadState))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime)
    faults: Mapped[list[dict[str, str]] | None] = mapped_column(JSON)  # code and detail of each, when it is rejected

    __table_args__ = (
        Index(None, "vendor", "idempotency_key", unique=True),
        Index(None, "vendor", "created_at"),
        Index(None, "state", "touched_at"),
    )


class UploadDayRow(Base):
    """How many bytes a vendor sent on one day."""

    __tablename__ = "upload_days"

    vendor: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)


class RunRow(Base):
    """One nightly run."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    night: Mapped[date] = mapped_column(Date)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[RunState] = mapped_column(_enum(RunState))
    result_digest: Mapped[str | None] = mapped_column(DIGEST)


class StageRow(Base):
    """What a stage made of one input: the truth about what is done, whichever run did it."""

    __tablename__ = "stages"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    input_digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    output_digest: Mapped[str] = mapped_column(DIGEST)
    output_object: Mapped[str | None] = mapped_column(DIGEST)
    output_view: Mapped[View | None] = mapped_column(_enum(View))  # where that object is kept
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SeenRow(Base):
    """When the server first saw a registration, since when it has its present identifiers, and since when it is gone.

    `registration` is HMAC(ingest key, provider and registratie_id), `identity` an HMAC over its block tokens.
    """

    __tablename__ = "registrations_seen"

    provider: Mapped[str] = mapped_column(PROVIDER, primary_key=True)
    epoch_key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    registration: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    identity: Mapped[bytes] = mapped_column(LargeBinary(32))
    first_seen: Mapped[date] = mapped_column(Date)
    identity_since: Mapped[date] = mapped_column(Date)
    identity_changes: Mapped[int] = mapped_column(Integer)
    gone_since: Mapped[date | None] = mapped_column(Date)  # the day of the first snapshot without it

    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 (the form that SQLAlchemy reads)


class TokenRow(Base):
    """One access token of the web server, by the SHA-256 of it: the token itself is kept nowhere."""

    __tablename__ = "access_tokens"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    vendor: Mapped[str] = mapped_column(String(64), index=True)
    key_id: Mapped[str] = mapped_column(String(64))  # whose signature it was given for
    scopes: Mapped[str] = mapped_column(String(64))  # separated by spaces
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class UsedAssertionRow(Base):
    """An assertion that a token was given for, by the SHA-256 of its key's id and its `jti`: it is good once."""

    __tablename__ = "used_assertions"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime, index=True)  # when it would no longer be good anyway


class SwitchRow(Base):
    """One kill switch that is set; `vendor` is empty for those that concern all."""

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    vendor: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(128))
    set_by: Mapped[str] = mapped_column(String(64))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditRow(Base):
    """One link of the audit chain; the database itself refuses to change or delete it."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    event: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(32))
    organisation: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(128), index=True)
    ground: Mapped[str] = mapped_column(String(128))
    previous_hash: Mapped[str] = mapped_column(DIGEST)
    hash: Mapped[str] = mapped_column(DIGEST)
