"""Uploads that nobody goes on with: they expire, and what a crash or an abort left of part files is removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dedup.intake.parts import locked_part, remove_part, unless_changed
from dedup.intake.upload_terms import UploadError
from dedup.store.audit import INTAKE, AuditEvent
from dedup.store.bundles import PART_SUFFIX, BundleStore
from dedup.store.failpoints import reach
from dedup.store.tables import UploadState
from dedup.store.uploads import (
    Upload,
    count_settled,
    forget_settled,
    open_parts,
    settle_upload,
    untouched_uploads,
)

FORGET_AFTER = timedelta(days=30)  # so long a vendor can ask what became of an upload that came to nothing


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: uploads that expired, part files removed, settled uploads forgotten."""

    expired: int
    parts: int
    forgotten: int


def sweep_uploads(store: BundleStore, *, now: datetime, upload_seconds: int) -> Swept:
    """Let untouched uploads expire and remove part files that no open upload needs; safe beside a running server."""
    with store.registry.read() as session:
        untouched = untouched_uploads(session, now - timedelta(seconds=upload_seconds))
    expired = sum(_expire(store, upload, now, upload_seconds) for upload in untouched)
    # Listed before the registry is asked: an upload is in the registry before it has a file.
    present = [path.name.removesuffix(PART_SUFFIX) for path in store.uploads.glob(f"*{PART_SUFFIX}")]
    with store.registry.read() as session:
        needed = open_parts(session)
        forgettable = count_settled(session, now - FORGET_AFTER)
    parts = sum(remove_part(store, part) for part in present if part not in needed)
    if forgettable:
        ground = f"settled more than {FORGET_AFTER.days} days ago"
        with store.registry.write(AuditEvent("upload.forgotten", now, INTAKE, f"{forgettable} uploads", ground)) as s:
            forget_settled(s, now - FORGET_AFTER)
    return Swept(expired, parts, forgettable)


def _expire(store: BundleStore, upload: Upload, now: datetime, upload_seconds: int) -> bool:
    """Let one upload expire, unless a call is working on it or has changed it."""
    ground = f"not touched for {upload_seconds} seconds"
    event = AuditEvent("upload.expired", now, INTAKE, upload.declared.submission_id, ground)
    try:
        with locked_part(store, upload, now), unless_changed(), store.registry.write(event) as session:
            settle_upload(session, upload, UploadState.EXPIRED, at=now)
    except UploadError:
        return False
    reach("upload.expired")
    remove_part(store, upload.part)
    return True
