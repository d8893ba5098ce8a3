"""The terms of uploading: how much, how long, and how an upload is refused."""

from __future__ import annotations

from dataclasses import dataclass

from dedup.intake.receipts import IntakeError
from dedup.settings import Settings


class UploadError(IntakeError):
    """An upload that is refused, a code `upload.what`; `offset` is where it stands, `retry_after` seconds to wait."""

    def __init__(self, code: str, message: str, *, offset: int | None = None, retry_after: int | None = None) -> None:
        super().__init__(code, message)
        self.offset = offset
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class UploadTerms:
    """The limits of `[service]` in `settings.toml`; sizes in bytes."""

    chunk_bytes: int = 8 << 20
    open_uploads: int = 300
    daily_bytes: int = 32 << 30
    keep_free_bytes: int = 1 << 30
    lock_seconds: int = 10

    @classmethod
    def of(cls, settings: Settings) -> UploadTerms:
        """Read the limits; what the file leaves out has its default."""
        default = cls()
        return cls(
            chunk_bytes=settings.count("service", "chunk_bytes", default.chunk_bytes),
            open_uploads=settings.count("service", "open_uploads", default.open_uploads),
            daily_bytes=settings.count("service", "daily_bytes", default.daily_bytes),
            keep_free_bytes=settings.count("service", "keep_free_bytes", default.keep_free_bytes),
            lock_seconds=settings.count("service", "lock_seconds", default.lock_seconds),
        )
