"""Bring one bundle to the server and its receipt back: create, append, complete (docs/spec/upload-v1.md, section 3).

Nothing is kept in between. The Idempotency-Key is the file's digest, so a client that was killed and is started again
finds its own upload, asks how far it is, and goes on from there.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any, BinaryIO

from dedup.bundle.canonical import canonical_json
from dedup.bundle.outside import opened
from dedup.send.bundlefile import BundleFile
from dedup.send.errors import NoServerError, SendError, ServerRefusedError
from dedup.send.receipt import HeldReceipt, verified_receipt
from dedup.send.server import NOT_THE_PROTOCOL, Answer, PassingTroubleError, UploadServer

SMALLEST_CHUNK = 32 << 10
LARGEST_CHUNK = 8 << 20
GONE = 410
ACCEPTED = frozenset({"accepted", "ingested", "superseded"})
_MOST_BEGINNINGS = 3
_COLLECTION = "/v1/submissions"

Told = Callable[[int], None]


def send_bundle(bundle: BundleFile, server: UploadServer, told: Told = lambda _bytes: None) -> HeldReceipt:
    """Upload a bundle, or what is missing of it, and return its verified receipt; `told` hears how much is there.

    Raises `SendError` and `ServerRefusedError`.
    """
    check_fits_server(bundle, server)
    for attempt in range(1, _MOST_BEGINNINGS + 1):
        address, answer = _create(bundle, server)
        if answer.get("state") in ACCEPTED and answer.get("receipt"):
            return _receipt(answer, bundle, server, duplicate=True)
        try:
            with opened(bundle.path) as file:
                _append_all(file, address, bundle, server, told)
            break
        except ServerRefusedError as refused:  # it expired, or the server lost it: begin again
            if refused.status != GONE or attempt == _MOST_BEGINNINGS:
                raise
    done = server.call(
        "POST", f"{address}/complete", headers={"Repr-Digest": digest_field(bytes.fromhex(bundle.sha256))}
    )
    if done.status != 200:
        raise done.refused()
    server.patience.progressed()
    document = done.json()
    return _receipt(document, bundle, server, duplicate=document.get("duplicate") is True)


def check_fits_server(bundle: BundleFile, server: UploadServer) -> None:
    """Raise `SendError` for a bundle that the server has said it will refuse: sealed to another key, too large, ..."""
    says, sealing = server.says, bundle.manifest.sealing
    if sealing is None or sealing.key_id not in says.sealing:
        raise SendError(
            "send.sealed-to-another",
            "The bundle is sealed to a key that is not, or no longer, this server's: encode it again.",
        )
    if bundle.manifest.model_digest not in says.models:
        raise SendError(
            "send.other-model", "The bundle was encoded with a linkage model that this server does not take."
        )
    if bundle.size > says.bundle_bytes:
        raise SendError(
            "send.too-large", f"The bundle is larger than the {says.bundle_bytes} bytes that this server takes."
        )


def digest_field(sha256: bytes) -> str:
    """Return a digest as RFC 9530 writes it in a header."""
    return f"sha-256=:{base64.b64encode(sha256).decode('ascii')}:"


def creation_of(bundle: BundleFile) -> bytes:
    """Return the body that asks for an upload of this bundle."""
    return canonical_json(
        {
            "submission_id": bundle.manifest.submission_id,
            "provider": bundle.manifest.provider,
            "snapshot_date": bundle.manifest.snapshot_date.isoformat(),
            "bytes": bundle.size,
            "sha256": bundle.sha256,
        }
    )


def _create(bundle: BundleFile, server: UploadServer) -> tuple[str, dict[str, Any]]:
    """Begin this file's upload, or find the one that is there; returns its address and what the server says of it."""
    headers = {"Idempotency-Key": bundle.sha256, "Content-Type": "application/json"}
    answer = server.call("POST", _COLLECTION, headers=headers, content=creation_of(bundle))
    if answer.status not in {200, 201}:
        raise answer.refused()
    server.patience.progressed()
    return server.absolute(answer.headers.get("Location", "")), answer.json()


def _append_all(file: BinaryIO, address: str, bundle: BundleFile, server: UploadServer, told: Told) -> None:
    """Append from where the server is until it has all; chunks shrink when the network breaks, else they grow."""
    largest = min(LARGEST_CHUNK, server.says.chunk_bytes)
    chunk_bytes = largest
    offset = _offset(server.call("HEAD", address), bundle)
    while offset < bundle.size:
        told(offset)
        file.seek(offset)
        chunk = file.read(min(chunk_bytes, bundle.size - offset))
        if not chunk:
            raise SendError("send.changed", "The bundle became shorter while it was sent; start again.")
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            "Content-Digest": digest_field(hashlib.sha256(chunk).digest()),
        }
        try:
            answer = server.call_once("PATCH", address, headers=headers, content=chunk)
        except PassingTroubleError as trouble:
            chunk_bytes = max(min(SMALLEST_CHUNK, largest), chunk_bytes // 4)
            server.patience.wait(trouble.why, trouble.wait)
            before, offset = offset, _offset(server.call("HEAD", address), bundle)
            if offset > before:  # it was stored; only the answer was lost
                server.patience.progressed()
            continue
        if answer.status == 409 and "Upload-Offset" in answer.headers:
            before, offset = offset, _offset(answer, bundle)
            if offset > before:
                server.patience.progressed()
            server.patience.wait("Another sender of the same bundle is at work")
            continue
        if answer.status != 204:
            raise answer.refused()
        server.patience.progressed()
        offset = _offset(answer, bundle)
        chunk_bytes = min(largest, chunk_bytes * 2)
    told(offset)


def _offset(answer: Answer, bundle: BundleFile) -> int:
    """Return how many bytes the server has; raises the refusal that the answer is instead."""
    if answer.status >= 400 and answer.status != 409:
        raise answer.refused()
    if answer.headers.get("Upload-State", "open") != "open":
        return bundle.size  # settled by another sender: completing says how
    value = answer.headers.get("Upload-Offset", "")
    if not (value.isascii() and value.isdigit()) or int(value) > bundle.size:
        raise NoServerError("send.answer", NOT_THE_PROTOCOL)
    return int(value)


def _receipt(document: dict[str, Any], bundle: BundleFile, server: UploadServer, *, duplicate: bool) -> HeldReceipt:
    return verified_receipt(document.get("receipt"), bundle, server.says.receipts, duplicate=duplicate)
