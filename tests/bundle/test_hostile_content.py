"""What a registered vendor could seal and sign, and bytes changed anywhere: refused, and never a bug."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from dedup.bundle.canonical import canonical_json
from dedup.bundle.container import MANIFEST_KIND
from dedup.bundle.keys import b64url
from dedup.bundle.outside import read_manifest
from dedup.bundle.payload import write_batch
from dedup.bundle.sealing import CHUNK_BYTES, bundle_info, seal_chunks, seal_secret
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel

from .reading import SEALED_HEAD, Make, code_of, joined, read_all


def hostile(party: Any, content: bytes, make_header: Make, model: LinkageModel) -> bytes:
    """Return a bundle with any content, sealed and signed correctly: what a registered vendor could do."""
    header, key = make_header(), b"\7" * 32
    body = b"".join(seal_chunks([content], key, bytes.fromhex(header.submission_id)))
    info = bundle_info(party.server.key_id, party.vendor.key_id, header.submission_id)
    payload = {
        "body_bytes": len(body),
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "created_at": "2026-11-22T01:15:00Z",
        "epoch_key_id": "epoch-1",
        "model_digest": model.digest,
        "model_name": model.name,
        "provider": header.provider,
        "scheme": "dedup/v1",
        "sealing": {
            "chunk_bytes": CHUNK_BYTES,
            "key_id": party.server.key_id,
            "sealed_key": b64url(seal_secret(key, party.server.public().key, info)),
            "suite": "HPKE-P256-SHA256-A256GCM",
        },
        "snapshot_date": "2026-11-22",
        "submission_id": header.submission_id,
        "vendor": "acme",
    }
    header_json = {"alg": "ES256", "kid": party.vendor.key_id, "typ": MANIFEST_KIND}
    token = jws.serialize_compact(header_json, canonical_json(payload), ECKey.import_key(party.vendor.key))
    return joined(token.encode(), body)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "bundle.payload-malformed"),
        (b"\0\0\0\2{}\0", "bundle.payload-malformed"),
        (b"\0\0\0\2[]", "bundle.payload-malformed"),
        (b'\0\0\0\x0d{"a":1,"a":2}', "bundle.payload-malformed"),
        (b"\0\0\0\x09" + b'{"a":NaN}', "bundle.payload-malformed"),
        (b"\xff\xff\xff\xff{}", "bundle.oversize"),
        (b"\0\0\0\2{}" + b"\0\0\0\0\0\0\0\5\0\0\0\0", "bundle.payload-malformed"),
        (b"\0\0\0\2{}" + b"\xff" * 8, "bundle.oversize"),
        (b"\0\0\0\2{}" + b"\0" * 8, "bundle.batch-malformed"),
        (b"\0\0\0\2{}" + b"\0" * 7 + b"\4" + b"\0" * 4, "bundle.oversize"),
    ],
)
def test_hostile_content_under_a_good_seal_is_refused(
    tmp_path: Path, model: LinkageModel, party: Any, make_header: Make, content: bytes, code: str
) -> None:
    path = tmp_path / "hostile.bundle"
    path.write_bytes(hostile(party, content, make_header, model))
    assert code_of(lambda: read_all(path, model, party)) == code


def test_rows_that_repeat_in_a_later_batch_are_refused(
    tmp_path: Path, model: LinkageModel, party: Any, make_header: Make, make_batch: Make
) -> None:
    data = write_batch(make_batch(model, 3), model)
    content = b"\0\0\0\2{}" + 2 * (struct.pack(">Q", len(data)) + data)
    path = tmp_path / "twice.bundle"
    path.write_bytes(hostile(party, content, make_header, model))
    assert code_of(lambda: read_all(path, model, party)) == "bundle.batch-malformed"


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, sealed: bytes, model: LinkageModel, party: Any, data: st.DataObject
) -> None:
    """Any bytes changed or cut, anywhere in the file: always a `BundleError`, never another error, never success."""
    changed = bytearray(sealed)
    # Half of the changes hit the head and the manifest, which are a small part of the file.
    limit = data.draw(st.sampled_from([SEALED_HEAD, 900, len(sealed)]))
    for at in data.draw(st.sets(st.integers(0, limit - 1), max_size=4)):
        changed[at] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()) or changed == sealed:
        del changed[data.draw(st.integers(0, len(changed) - 1)) :]
    path = tmp_path_factory.getbasetemp() / "fuzz.bundle"
    path.write_bytes(changed)
    with pytest.raises(BundleError):
        read_all(path, model, party)
    with pytest.raises(BundleError):
        read_manifest(path, trusted=party.trusted)
