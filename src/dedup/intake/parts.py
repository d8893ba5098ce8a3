"""The file that an upload's bytes are in: one process works on it at a time, and what was not committed is cut off."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from dedup.errors import StoreError
from dedup.intake.upload_terms import UploadError
from dedup.store.audit import INTAKE, AuditEvent
from dedup.store.bundles import BundleStore
from dedup.store.durable import PRIVATE_FILE
from dedup.store.tables import UploadState
from dedup.store.uploads import Upload, is_unchanged, settle_upload

BUSY_SECONDS = 1  # a broken connection's call ends within the time-out of its body; most end at once


def lock_part(store: BundleStore, upload: Upload, now: datetime) -> int:
    """Open and lock an upload's part file, cut back to what was committed; closing the descriptor lets go of it.

    Raises `UploadError`: `upload.busy` while another call has it or when one has changed the upload, `upload.lost` when
    the file is shorter than what was committed, as after restoring a backup; such an upload ends here.
    """
    path = store.part_path(upload.part)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        if not _locked(descriptor):
            raise UploadError("upload.busy", "Another call is working on this upload.", retry_after=BUSY_SECONDS)
        with store.registry.read() as session:
            if not is_unchanged(session, upload):
                raise UploadError("upload.busy", "Another call has changed this upload.", retry_after=BUSY_SECONDS)
        if os.fstat(descriptor).st_size < upload.offset:
            _give_up(store, upload, now)
            raise UploadError("upload.lost", "The server no longer has what was sent; create the upload again.")
        os.ftruncate(descriptor, upload.offset)
        os.lseek(descriptor, upload.offset, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked_part(store: BundleStore, upload: Upload, now: datetime) -> Iterator[int]:
    """Hold an upload's part file for as long as the block runs; raises what `lock_part` raises."""
    descriptor = lock_part(store, upload, now)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def remove_part(store: BundleStore, part: str) -> bool:
    """Remove a part file that no open upload needs; returns False while another call has it."""
    path = store.part_path(part)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        if not _locked(descriptor):
            return False
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
    return True


@contextmanager
def unless_changed() -> Iterator[None]:
    """Refuse with `UploadError` (`upload.busy`) what the registry does not take: another call changed the upload."""
    try:
        yield
    except StoreError as error:
        if error.code != "store.upload-changed":
            raise
        message = "The upload was changed by another call meanwhile."
        raise UploadError("upload.busy", message, retry_after=BUSY_SECONDS) from error


def _give_up(store: BundleStore, upload: Upload, now: datetime) -> None:
    event = AuditEvent("upload.lost", now, INTAKE, upload.declared.submission_id, "its part file is not whole")
    with unless_changed(), store.registry.write(event) as session:
        settle_upload(session, upload, UploadState.EXPIRED, at=now)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
