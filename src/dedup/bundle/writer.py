"""Writes a bundle: the rows stream through sealing into a file beside the target, then the signed whole takes its name.

Memory holds one batch, one chunk and a body of at most `SMALL_BODY_BYTES`, whatever the size of the extract.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import shutil
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dedup.bundle.canonical import canonical_json
from dedup.bundle.container import HEAD, MANIFEST_KIND, SEALED_MAGIC, UNSEALED_MAGIC
from dedup.bundle.filewrite import replacing
from dedup.bundle.keys import Entropy, SealingPublicKey, SigningKey
from dedup.bundle.manifest import BundleHeader, Manifest, Sealing, manifest_json, manifest_of
from dedup.bundle.payload import MAX_STATISTICS_BYTES, BundleBatch, follows, write_batch
from dedup.bundle.sealing import CONTENT_KEY_BYTES, bundle_info, seal_chunks, seal_secret
from dedup.bundle.signing import sign
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel

_COPY_BYTES = 1 << 20
# A body up to this size (most: some 1,300 registrations) waits in memory for the manifest before it, others in a file.
SMALL_BODY_BYTES = 1 << 20


def write_bundle(
    path: Path,
    *,
    header: BundleHeader,
    statistics: Mapping[str, Any],
    batches: Iterable[BundleBatch],
    model: LinkageModel,
    seal_to: SealingPublicKey | None,
    sign_with: SigningKey | None,
    entropy: Entropy = secrets.token_bytes,
) -> Manifest:
    """Write a bundle to `path`, replacing what is there in one step; on an error `path` is as it was.

    With `seal_to` and `sign_with` it is a submission; with neither it is an unsealed evaluation bundle. `statistics`
    are counts and codes about the extract, for the server's data-quality reports; never a value. Raises `BundleError`:
    `bundle.seal-and-sign` (one key without the other), `bundle.oversize`, `bundle.batch-malformed`,
    `bundle.manifest-malformed`, `bundle.unwritable`.
    """
    if (seal_to is None) != (sign_with is None):
        raise BundleError("bundle.seal-and-sign", "A bundle is both sealed and signed, or neither; one key is missing.")
    manifest_of(header, model, body_bytes=1, body_sha256="0" * 64, sealing=None)  # a bad header fails before the work
    payload = _payload(statistics, batches, model, header.provider)
    sealing = None
    if seal_to is not None and sign_with is not None:
        content_key = entropy(CONTENT_KEY_BYTES)
        info = bundle_info(seal_to.key_id, sign_with.key_id, header.submission_id)
        sealing = Sealing(seal_to.key_id, seal_secret(content_key, seal_to.key, info))
        payload = seal_chunks(payload, content_key, bytes.fromhex(header.submission_id))
    try:
        with tempfile.SpooledTemporaryFile(SMALL_BODY_BYTES, dir=str(path.parent)) as body, replacing(path) as target:
            digest, length = hashlib.sha256(), 0
            for part in payload:
                body.write(part)
                digest.update(part)
                length += len(part)
            manifest = manifest_of(header, model, body_bytes=length, body_sha256=digest.hexdigest(), sealing=sealing)
            magic, statement = UNSEALED_MAGIC, manifest_json(manifest)
            if sign_with is not None:
                magic, statement = SEALED_MAGIC, sign(statement, sign_with, kind=MANIFEST_KIND).encode("ascii")
            target.write(HEAD.pack(magic, len(statement)) + statement)
            body.seek(0)
            shutil.copyfileobj(body, target, _COPY_BYTES)
    except OSError as error:
        raise BundleError("bundle.unwritable", f"The bundle cannot be written: {error.strerror}.") from error
    return dataclasses.replace(manifest, signed_by=sign_with.key_id if sign_with else None)


def _payload(
    statistics: Mapping[str, Any], batches: Iterable[BundleBatch], model: LinkageModel, provider: str
) -> Iterator[bytes]:
    preamble = canonical_json(statistics)
    if len(preamble) > MAX_STATISTICS_BYTES:
        raise BundleError("bundle.oversize", f"The statistics are larger than {MAX_STATISTICS_BYTES} bytes.")
    yield struct.pack(">I", len(preamble)) + preamble
    last_id = ""
    for batch in batches:
        data = write_batch(batch, model, provider=provider)
        last_id = follows(batch, last_id)
        yield struct.pack(">Q", len(data))
        yield data
