"""What tests of bundles share: reading one whole, taking one apart, and putting it together again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from dedup.bundle.canonical import canonical_json
from dedup.bundle.container import HEAD, MANIFEST_KIND, SEALED_MAGIC
from dedup.bundle.keys import SigningKey, unb64url
from dedup.bundle.payload import BundleBatch
from dedup.bundle.reader import open_bundle
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel

Make = Callable[..., Any]
SEALED_HEAD = HEAD.size


def code_of(action: Callable[[], Any]) -> str:
    """Return the code of the error that `action` raises; its sentence has to be one."""
    with pytest.raises(BundleError) as caught:
        action()
    assert caught.value.message.endswith(".")
    return caught.value.code


def read_all(path: Path, model: LinkageModel, party: Any, **options: Any) -> list[BundleBatch]:
    arguments = {"opened_with": party.server, "trusted": party.trusted, **options}
    with open_bundle(path, model=model, **arguments) as bundle:
        return list(bundle.batches)


def parts_of(sealed: bytes) -> tuple[bytes, bytes]:
    """Return the manifest's token and the body."""
    _, length = HEAD.unpack_from(sealed)
    return sealed[HEAD.size : HEAD.size + length], sealed[HEAD.size + length :]


def payload_of(token: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(unb64url(token.decode().split(".")[1]))
    return document


def joined(token: bytes, body: bytes, magic: bytes = SEALED_MAGIC) -> bytes:
    return HEAD.pack(magic, len(token)) + token + body


def resigned(sealed: bytes, key: SigningKey, *, header: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """Return the bundle with members of its manifest changed and signed again, as an insider could."""
    token, body = parts_of(sealed)
    payload = canonical_json({**payload_of(token), **changes})
    header = header or {"alg": "ES256", "kid": key.key_id, "typ": MANIFEST_KIND}
    return joined(jws.serialize_compact(header, payload, ECKey.import_key(key.key)).encode(), body)
