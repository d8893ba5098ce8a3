"""Bundles as the web server sees them: a signed manifest, and a body that it cannot open, so any bytes will do."""

import hashlib
import secrets
from datetime import date, datetime

from dedup.bundle.container import SEALED_MAGIC
from dedup.bundle.keys import KeyId, SigningKey
from dedup.bundle.manifest import BundleHeader, Sealing, manifest_json, manifest_of
from dedup.bundle.sealing import SEALED_KEY_BYTES
from dedup.bundle.signing import sign
from dedup.model.linkage import LinkageModel
from dedup.store.uploads import Declaration


def sealed_bundle(
    model: LinkageModel,
    *,
    sign_with: SigningKey,
    sealed_to: KeyId,
    snapshot_date: date,
    created_at: datetime,
    submission_id: str = "",
    vendor: str = "vitaal",
    provider: str = "12345678",
    epoch: str = "epoch-1",
    body: bytes = b"sealed",
) -> bytes:
    """Return the bytes of a bundle that passes intake."""
    manifest = manifest_of(
        BundleHeader(submission_id or secrets.token_hex(16), vendor, provider, snapshot_date, created_at, epoch),
        model,
        body_bytes=len(body),
        body_sha256=hashlib.sha256(body).hexdigest(),
        sealing=Sealing(sealed_to, bytes(SEALED_KEY_BYTES)),
    )
    statement = sign(manifest_json(manifest), sign_with, kind="dedup-bundle").encode("ascii")
    return SEALED_MAGIC + len(statement).to_bytes(4, "big") + statement + body


def declaration_of(data: bytes, submission_id: str, snapshot_date: date, *, provider: str = "12345678") -> Declaration:
    """Return what a vendor would declare of these bytes."""
    return Declaration(submission_id, provider, snapshot_date, len(data), hashlib.sha256(data).hexdigest())
