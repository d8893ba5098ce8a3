"""The outside of a bundle: all that can be checked without a key that opens it, and without reading what is in it.

The web server knows this much of a bundle; `dedup.bundle.reader` goes on from here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from io import BufferedReader
from pathlib import Path

from dedup.bundle.container import MANIFEST_KIND, Container, check_body, read_container
from dedup.bundle.keys import KeyId
from dedup.bundle.manifest import Manifest, malformed, parse_manifest
from dedup.bundle.signing import SignedStatement, take_apart, verify
from dedup.bundle.vendors import TrustedVendors
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel


def read_manifest(path: Path, *, trusted: TrustedVendors | None, withdrawn: Collection[KeyId] = ()) -> Manifest:
    """Return the manifest of a bundle after checking its form, signature, length and body digest.

    With `trusted`, the bundle must be sealed and signed by one of these vendors, for a provider that it may deliver
    for; without, a signature is not verified and an unsealed evaluation bundle is accepted (evaluation only).
    `withdrawn` holds the ids of keys that vendors signed with before. Whether a key that is trusted has expired is
    intake's to say: what was accepted while it was good stays so.

    Raises `BundleError`: `bundle.unreadable`, `bundle.not-a-bundle`, `bundle.truncated`, `bundle.trailing-bytes`,
    `bundle.oversize`, `bundle.unsealed`, `bundle.signature-malformed`, `bundle.signature-algorithm`,
    `bundle.key-withdrawn`, `bundle.vendor-unknown`, `bundle.signature-wrong`, `bundle.vendor-mismatch`,
    `bundle.provider-not-allowed`, `bundle.scheme`, `bundle.manifest-malformed`, `bundle.altered`.
    """
    with opened(path) as file:
        manifest, container = stated(file, trusted, withdrawn)
        check_body(file, container.body_start, manifest.body_bytes, manifest.body_sha256)
        return manifest


def check_fits(manifest: Manifest, *, model: LinkageModel, epochs: Collection[str] | None = None) -> None:
    """Raise `BundleError` (`bundle.wrong-model`, `bundle.wrong-epoch`) unless the bundle was made for this linkage."""
    if manifest.model_digest != model.digest:
        raise BundleError("bundle.wrong-model", "The bundle was encoded with another linkage model than this server's.")
    if epochs is not None and manifest.epoch_key_id not in epochs:
        raise BundleError("bundle.wrong-epoch", "The bundle was encoded with a linkage key that is not in use.")


def opened(path: Path) -> BufferedReader:
    """Open the file; raises `BundleError` (`bundle.unreadable`)."""
    try:
        return path.open("rb")
    except OSError as error:
        raise BundleError("bundle.unreadable", f"The bundle cannot be read: {error.strerror}.") from error


def stated(
    file: BufferedReader, trusted: TrustedVendors | None, withdrawn: Collection[KeyId] = ()
) -> tuple[Manifest, Container]:
    """Return what the bundle states of itself; whether its body is the stated one remains to be checked."""
    container = read_container(file)
    if container.sealed:
        return _signed_manifest(container, trusted, withdrawn), container
    if trusted is not None:
        raise BundleError("bundle.unsealed", "This is an unsealed evaluation bundle; only sealed ones are accepted.")
    return bare_manifest(container.manifest), container


def sealed_manifest(statement: SignedStatement) -> Manifest:
    """Return the manifest of a sealed bundle; raises `BundleError` (`bundle.scheme`, `bundle.manifest-malformed`).

    Whose signature the statement bears is for the caller to verify.
    """
    manifest = parse_manifest(statement.payload)
    if manifest.sealing is None:
        raise malformed("a sealed bundle has to say how it was sealed")
    return dataclasses.replace(manifest, signed_by=statement.key_id)


def bare_manifest(text: bytes) -> Manifest:
    """Return the manifest of an unsealed evaluation bundle; raises as `sealed_manifest`."""
    manifest = parse_manifest(text)
    if manifest.sealing is not None:
        raise malformed("an unsealed bundle cannot say how it was sealed")
    return manifest


def _signed_manifest(container: Container, trusted: TrustedVendors | None, withdrawn: Collection[KeyId]) -> Manifest:
    statement = take_apart(container.manifest, kind=MANIFEST_KIND)
    vendor = None
    if trusted is not None:
        vendor = trusted.get(statement.key_id)
        if vendor is None and statement.key_id in withdrawn:
            raise BundleError("bundle.key-withdrawn", "The bundle is signed with a key that was withdrawn.")
        if vendor is None:
            raise BundleError("bundle.vendor-unknown", "The bundle is signed with a key that no registered vendor has.")
        verify(statement, vendor.key)
    manifest = sealed_manifest(statement)
    if vendor is not None:
        if manifest.vendor != vendor.vendor:
            raise BundleError(
                "bundle.vendor-mismatch",
                "The bundle names another vendor than the one that signed it; encode with --vendor and the code under "
                "which the operator registered the key.",
            )
        if manifest.provider not in vendor.providers:
            raise BundleError(
                "bundle.provider-not-allowed", "The vendor that signed the bundle may not deliver for this provider."
            )
    return manifest
