"""A bundle's manifest: what the bundle is, for whom, under which epoch and model, and the digest of its body.

In a sealed bundle the manifest is a compact JWS (RFC 7515) under ES256 by the vendor's signing key; in an unsealed
evaluation bundle it is the bare JSON. Either way the JSON is canonical, so there is one way to write a manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.keyfiles import timestamp
from dedup.bundle.keys import KeyId, b64url, unb64url
from dedup.bundle.sealing import CHUNK_BYTES, SEALED_KEY_BYTES, SUITE_NAME
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel

SCHEME = "dedup/v1"
MAX_BODY_BYTES = 1 << 40

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEX16 = re.compile(r"[0-9a-f]{32}")
_HEX32 = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PROVIDER = re.compile(r"([0-9]{8})?")


@dataclass(frozen=True, slots=True)
class BundleHeader:
    """What the sender states about a bundle before its body is there.

    `submission_id` is 16 random bytes in hex and names this submission for ever; `vendor` a short code; `provider` the
    AGB code, empty for a generic table; `created_at` an aware moment; `epoch_key_id` the linkage key's id.
    """

    submission_id: str
    vendor: str
    provider: str
    snapshot_date: date
    created_at: datetime
    epoch_key_id: str


@dataclass(frozen=True, slots=True)
class Sealing:
    """How the body was sealed: to which server key, and the content key under HPKE."""

    key_id: KeyId
    sealed_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest whose form was checked; `sealing` and `signed_by` are None for an unsealed evaluation bundle."""

    submission_id: str
    vendor: str
    provider: str
    snapshot_date: date
    created_at: str
    epoch_key_id: str
    model_name: str
    model_digest: str
    body_bytes: int
    body_sha256: str
    sealing: Sealing | None = None
    signed_by: KeyId | None = None


def manifest_of(
    header: BundleHeader, model: LinkageModel, *, body_bytes: int, body_sha256: str, sealing: Sealing | None
) -> Manifest:
    """Return the manifest of a body that is written; raises `BundleError` when a reader would refuse it."""
    manifest = Manifest(
        submission_id=header.submission_id,
        vendor=header.vendor,
        provider=header.provider,
        snapshot_date=header.snapshot_date,
        created_at=timestamp(header.created_at),
        epoch_key_id=header.epoch_key_id,
        model_name=model.name,
        model_digest=model.digest,
        body_bytes=body_bytes,
        body_sha256=body_sha256,
        sealing=sealing,
    )
    parse_manifest(manifest_json(manifest))
    return manifest


def manifest_json(manifest: Manifest) -> bytes:
    """Return the manifest as canonical JSON, without who signed it."""
    sealing = manifest.sealing and {
        "chunk_bytes": CHUNK_BYTES,
        "key_id": manifest.sealing.key_id,
        "sealed_key": b64url(manifest.sealing.sealed_key),
        "suite": SUITE_NAME,
    }
    return canonical_json(
        {
            "body_bytes": manifest.body_bytes,
            "body_sha256": manifest.body_sha256,
            "created_at": manifest.created_at,
            "epoch_key_id": manifest.epoch_key_id,
            "model_digest": manifest.model_digest,
            "model_name": manifest.model_name,
            "provider": manifest.provider,
            "scheme": SCHEME,
            "sealing": sealing,
            "snapshot_date": manifest.snapshot_date.isoformat(),
            "submission_id": manifest.submission_id,
            "vendor": manifest.vendor,
        }
    )


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest's JSON and check every member.

    Raises `BundleError`: `bundle.scheme` (another version), `bundle.manifest-malformed`.
    """
    try:
        document = parse_json(data)
        if not isinstance(document, dict):
            raise ValueError("not an object")
        if document.get("scheme") != SCHEME:
            raise BundleError("bundle.scheme", f"The bundle is not of scheme {SCHEME}, the only one read here.")
        if not _MOMENT.fullmatch(_text(document, "created_at")) or not _DAY.fullmatch(_text(document, "snapshot_date")):
            raise ValueError("not a moment or a day")
        datetime.fromisoformat(document["created_at"])
        manifest = Manifest(
            submission_id=_text(document, "submission_id", _HEX16),
            vendor=_text(document, "vendor", _CODE),
            provider=_text(document, "provider", _PROVIDER),
            snapshot_date=date.fromisoformat(document["snapshot_date"]),
            created_at=document["created_at"],
            epoch_key_id=_text(document, "epoch_key_id", _KEY_ID),
            model_name=_text(document, "model_name", _CODE),
            model_digest=_text(document, "model_digest", _HEX32),
            body_bytes=_size(document.get("body_bytes")),
            body_sha256=_text(document, "body_sha256", _HEX32),
            sealing=_parse_sealing(document.get("sealing")),
        )
        if manifest_json(manifest) != data:
            raise ValueError("not canonical, or members too many")
    except ValueError as error:
        raise malformed("its JSON is not a canonical manifest of this version") from error
    return manifest


def _parse_sealing(document: Any) -> Sealing | None:
    if document is None:
        return None
    if not isinstance(document, dict):
        raise ValueError("not an object")
    sealed_key = unb64url(_text(document, "sealed_key"))
    if len(sealed_key) != SEALED_KEY_BYTES:
        raise ValueError("wrong length")
    return Sealing(KeyId(_text(document, "key_id", _KEY_ID)), sealed_key)


def _text(document: Mapping[str, Any], name: str, pattern: re.Pattern[str] | None = None) -> str:
    value = document.get(name)
    if not isinstance(value, str) or (pattern and not pattern.fullmatch(value)):
        raise ValueError("not the text that is wanted")
    return value


def _size(value: Any) -> int:
    if type(value) is not int or not 0 < value <= MAX_BODY_BYTES:
        raise ValueError("not a size")
    return value


def malformed(rule: str) -> BundleError:
    """Return the error for a manifest that breaks a rule."""
    return BundleError("bundle.manifest-malformed", f"The bundle's manifest cannot be used: {rule}.")
