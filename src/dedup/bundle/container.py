"""The outside of a bundle file: magic, the manifest's length, the manifest, the body, and nothing after it."""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from io import BufferedReader

from dedup.errors import BundleError

SEALED_MAGIC = b"DEDUPB1\x00"
UNSEALED_MAGIC = b"DEDUPE1\x00"  # evaluation only: neither sealed nor signed
MAX_MANIFEST_BYTES = 16_384
MANIFEST_KIND = "dedup-bundle"
HEAD = struct.Struct(">8sI")


@dataclass(frozen=True, slots=True)
class Container:
    """A bundle file taken apart: whether it is sealed, its manifest's bytes, and where its body starts."""

    sealed: bool
    manifest: bytes
    body_start: int


@dataclass(frozen=True, slots=True)
class FileState:
    """Which file it is, and when it was last changed: two equal states are the same bytes, to the clock's precision."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, file: BufferedReader) -> FileState:
        """Return the state of an open file."""
        stat = os.fstat(file.fileno())
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def read_container(file: BufferedReader) -> Container:
    """Read the head of a bundle file from its start.

    Raises `BundleError`: `bundle.not-a-bundle`, `bundle.truncated`, `bundle.oversize`.
    """
    head = file.read(HEAD.size)
    if head[:8] not in {SEALED_MAGIC, UNSEALED_MAGIC}:
        raise BundleError("bundle.not-a-bundle", "The file is not a bundle: it does not start as one.")
    if len(head) < HEAD.size:
        raise truncated()
    magic, length = HEAD.unpack(head)
    if length > MAX_MANIFEST_BYTES:
        raise BundleError("bundle.oversize", f"The bundle's manifest is larger than {MAX_MANIFEST_BYTES} bytes.")
    manifest = file.read(length)
    if len(manifest) < length:
        raise truncated()
    return Container(magic == SEALED_MAGIC, manifest, HEAD.size + length)


def check_body(file: BufferedReader, start: int, body_bytes: int, body_sha256: str) -> None:
    """Check that the body has the length and SHA-256 that the manifest states.

    Raises `BundleError`: `bundle.truncated`, `bundle.trailing-bytes`, `bundle.altered`.
    """
    _check_length(file, start, body_bytes)
    file.seek(start)
    if hashlib.file_digest(file, "sha256").hexdigest() != body_sha256:
        raise _altered()


def read_body(file: BufferedReader, start: int, body_bytes: int, body_sha256: str) -> bytes:
    """Return a body that fits in memory after the same checks, on the very bytes that are returned."""
    _check_length(file, start, body_bytes)
    file.seek(start)
    body = file.read(body_bytes)
    if hashlib.sha256(body).hexdigest() != body_sha256:
        raise _altered()
    return body


def _check_length(file: BufferedReader, start: int, body_bytes: int) -> None:
    length = os.fstat(file.fileno()).st_size - start
    if length < body_bytes:
        raise truncated()
    if length > body_bytes:
        raise BundleError("bundle.trailing-bytes", "The bundle goes on after its body.")


def _altered() -> BundleError:
    return BundleError("bundle.altered", "The bundle's body is not the one that its manifest describes.")


def truncated() -> BundleError:
    """Return the error for a bundle that ends too early."""
    return BundleError("bundle.truncated", "The bundle ends too early; it was cut off on its way.")
