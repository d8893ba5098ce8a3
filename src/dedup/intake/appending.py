"""Append a chunk to an upload: stored whole, on disk and committed, before anybody hears of it, or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime

from dedup.intake.parts import lock_part, unless_changed
from dedup.intake.upload_terms import UploadError
from dedup.intake.uploads import Sender, check_quota, check_room, open_upload
from dedup.store.durable import sync_folder
from dedup.store.failpoints import reach
from dedup.store.uploads import Upload, bytes_of_day, note_appended


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a caller says of a chunk: where it begins, how many bytes it has, and their SHA-256."""

    offset: int
    length: int
    sha256: bytes


class Appending:
    """A chunk that is coming in: `write` its bytes as they come, `finish` it, and `close` it whatever happened."""

    def __init__(self, upload: Upload, chunk: Chunk, sender: Sender, descriptor: int) -> None:
        self._upload = upload
        self._chunk = chunk
        self._sender = sender
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._received = 0
        self._kept = upload.offset

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes; raises `UploadError` (`upload.length`) when they are more than was said."""
        self._received += len(data)
        if self._received > self._chunk.length:
            raise _wrong_length()
        self._digest.update(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def finish(self, now: datetime) -> int:
        """Keep the chunk, and return the offset after it.

        Raises `UploadError`: `upload.length`, `upload.digest`, `upload.busy` (it was aborted or expired meanwhile).
        """
        if self._received != self._chunk.length:
            raise _wrong_length()
        if self._digest.digest() != self._chunk.sha256:
            raise UploadError("upload.digest", "The chunk does not have the digest that was said of it.")
        reach("upload.written")
        store, end = self._sender.intake.store, self._upload.offset + self._received
        os.fsync(self._descriptor)
        if self._upload.offset == 0:
            sync_folder(store.uploads)
        reach("upload.synced")
        declared = self._upload.declared
        event = self._sender.event(
            "upload.appended", declared.submission_id, f"bytes {self._upload.offset} to {end} of {declared.bytes}"
        )
        with unless_changed(), store.registry.write(event) as session:
            note_appended(session, self._upload, end, at=now)
        self._kept = end
        reach("upload.appended")
        return end

    def close(self) -> None:
        """Let go of the upload; a chunk that was not kept is cut off."""
        try:
            os.ftruncate(self._descriptor, self._kept)
        finally:
            os.close(self._descriptor)


def begin_append(submission_id: str, chunk: Chunk, sender: Sender) -> Appending:
    """Get ready to take a chunk.

    Raises `UploadError`: those of `open_upload`, `upload.offset`, `upload.chunk-too-large`, `upload.length`,
    `upload.quota`, `upload.no-room`, and those of `lock_part`.
    """
    store = sender.intake.store
    with store.registry.read() as session:
        upload = open_upload(session, sender.vendor, submission_id)
        sent = bytes_of_day(session, sender.vendor, sender.intake.now.astimezone(UTC).date())
    if chunk.offset != upload.offset:
        raise UploadError("upload.offset", "The upload is at another offset.", offset=upload.offset)
    if chunk.length > sender.terms.chunk_bytes:
        raise UploadError("upload.chunk-too-large", f"A chunk has at most {sender.terms.chunk_bytes} bytes.")
    if not 0 < chunk.length <= upload.declared.bytes - upload.offset:
        raise UploadError("upload.length", "The chunk is empty, or goes past the length that was declared.")
    check_quota(sent, chunk.length, sender)
    check_room(chunk.length, sender)
    return Appending(upload, chunk, sender, lock_part(store, upload, sender.intake.now))


def _wrong_length() -> UploadError:
    return UploadError("upload.length", "The chunk does not have the length that was said of it.")
