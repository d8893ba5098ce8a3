"""A bundle as its sender looks at it before anything is sent: sealed, whole, the vendor's own, and its digest."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from dedup.bundle.container import MANIFEST_KIND, check_body, read_container
from dedup.bundle.manifest import Manifest
from dedup.bundle.outside import opened, sealed_manifest
from dedup.bundle.signing import take_apart, verify
from dedup.errors import BundleError
from dedup.send.credentials import Credentials
from dedup.send.errors import SendError


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A sealed bundle on disk: what it says of itself, and the SHA-256 (hex) and length of the whole file."""

    path: Path
    manifest: Manifest
    sha256: str
    size: int


def look_at(path: Path, credentials: Credentials) -> BundleFile:
    """Check a bundle as far as its sender can, without the server's keys.

    Raises `BundleError` for a file that is unsealed, cut off, altered or not a bundle, or whose signature by the
    vendor's own key is wrong; `SendError` (`send.other-vendor`) for another vendor's.
    """
    with opened(path) as file:
        container = read_container(file)
        if not container.sealed:
            raise BundleError(
                "bundle.unsealed",
                "This is an unsealed evaluation bundle; it is not sent. Encode with --seal-to and --sign-with.",
            )
        statement = take_apart(container.manifest, kind=MANIFEST_KIND)
        if statement.key_id == credentials.signing_key.key_id:
            verify(statement, credentials.signing_key.public())
        manifest = sealed_manifest(statement)
        if manifest.vendor != credentials.vendor:
            raise SendError(
                "send.other-vendor",
                "The bundle names another vendor than the credentials; encode with --vendor and its code.",
            )
        check_body(file, container.body_start, manifest.body_bytes, manifest.body_sha256)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return BundleFile(path, manifest, digest, os.fstat(file.fileno()).st_size)
