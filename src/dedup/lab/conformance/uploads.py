"""Judge uploads that come to nothing: creating, appending, completing and aborting, rightly and wrongly."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from typing import Any

from dedup.lab.conformance.expecting import expected, offset_is, refused, told
from dedup.lab.conformance.finding import Finding, judged, skipped
from dedup.lab.conformance.walk import Walk

_JUNK_BYTES = 3_000
_COLLECTION = "/v1/submissions"


def judge_creation(walk: Walk) -> Generator[Finding, None, tuple[str, bytes]]:
    """Create an upload of bytes that are no bundle, rightly and wrongly; returns its address and the bytes."""
    caller = walk.caller
    junk, key = caller.entropy(_JUNK_BYTES), caller.entropy(16).hex()
    body = _creation(walk, junk)
    created = caller.create(body, key)
    yield expected("create.created", created, 201, "a new upload")
    address = created.headers.get("Location", "")
    if created.status != 201 or not address:
        return "", b""
    yield judged(
        "create.offset",
        created.headers.get("Upload-Offset") == "0",
        "It begins at offset 0.",
        "It lacks Upload-Offset: 0.",
    )
    again = caller.create(body, key)
    yield expected("create.repeated", again, 200, "the same upload for the same key and body")
    yield judged(
        "create.same",
        again.headers.get("Location") == address,
        "A repeated creation names the same upload.",
        "A repeated creation names another upload.",
    )
    reused = caller.create({**body, "bytes": body["bytes"] + 1}, key)
    yield expected("create.key-reused", reused, 422, "no other body under the same key", "upload.key-reused")
    yield refused("create.no-key", caller.create(body, None), "a creation without Idempotency-Key")
    odd: dict[str, tuple[dict[str, Any], str]] = {
        "create.more-members": ({"more": 1}, "a creation with a member too many"),
        "create.other-provider": ({"provider": "00000000"}, "a provider that the vendor may not deliver for"),
        "create.too-large": ({"bytes": caller.statement.bundle_bytes + 1}, "a bundle that is larger than bundle_bytes"),
    }
    for code, (members, what) in odd.items():
        reply = caller.create({**_creation(walk, junk), **members}, caller.entropy(16).hex())
        yield refused(code, reply, what)
    return address, junk


def judge_chunks(walk: Walk, address: str, junk: bytes) -> Iterator[Finding]:
    """Judge appending: chunks that are refused leave nothing behind, those that are taken move the offset."""
    caller, half = walk.caller, len(junk) // 2
    yield offset_is("append.begins-at-zero", caller.call("HEAD", address), 0, len(junk))
    wrong = caller.append(address, 0, junk[:half], digest_of=b"other bytes")
    yield expected("append.wrong-digest", wrong, 400, "no chunk with another chunk's digest", "upload.digest")
    yield offset_is("append.kept-nothing", caller.call("HEAD", address), 0, len(junk))
    ahead = caller.append(address, half, junk[half:])
    yield expected("append.wrong-offset", ahead, 409, "no chunk at another offset", "upload.offset")
    yield judged(
        "append.right-offset",
        ahead.headers.get("Upload-Offset") == "0",
        "A wrong offset is answered with the right one.",
        "A wrong offset is not answered with the right one in Upload-Offset.",
    )
    bare = caller.call("PATCH", address, headers={"Upload-Offset": "0"}, content=junk[:half])
    yield refused("append.no-digest", bare, "a chunk without digest or media type")
    taken = caller.append(address, 0, junk[:half])
    yield expected("append.taken", taken, 204, "a chunk at the right offset with its digest")
    again = caller.append(address, 0, junk[:half])
    yield expected("append.repeated", again, 409, "no chunk twice", "upload.offset")
    early = caller.complete(address, hashlib.sha256(junk).digest())
    yield refused("complete.too-early", early, "completing before all bytes are there")
    beyond = caller.append(address, half, junk[half:] + b"more than was announced")
    yield refused("append.beyond-the-end", beyond, "bytes beyond the announced length")
    yield offset_is("append.resumed", caller.call("HEAD", address), half, len(junk))
    yield expected("append.rest", caller.append(address, half, junk[half:]), 204, "the rest")


def judge_completion(walk: Walk, address: str, junk: bytes) -> Iterator[Finding]:
    """Judge completing: with the wrong digest, and with the right digest of what is no bundle."""
    caller = walk.caller
    wrong = caller.complete(address, hashlib.sha256(b"another file").digest())
    yield refused("complete.wrong-digest", wrong, "completing with another file's digest")
    rejected = caller.complete(address, hashlib.sha256(junk).digest())
    yield expected("complete.no-bundle", rejected, 422, "no receipt for what is no bundle")
    errors = rejected.document.get("errors")
    yield judged(
        "complete.says-why",
        isinstance(errors, list) and bool(errors) and all(map(_says_why, errors)),
        "A rejected bundle is answered with a list of errors, each with code and detail.",
        "A rejected bundle is not answered with a list of errors.",
    )
    again = caller.complete(address, hashlib.sha256(junk).digest())
    yield expected("complete.stays-rejected", again, 422, "the same answer when it is completed again")
    yield refused("complete.no-receipt", caller.call("GET", f"{address}/receipt"), "the receipt of a rejected bundle")


def judge_abort(walk: Walk) -> Iterator[Finding]:
    """Judge aborting an upload."""
    junk, key = walk.caller.entropy(_JUNK_BYTES), walk.caller.entropy(16).hex()
    created = walk.caller.create(_creation(walk, junk), key)
    address = created.headers.get("Location", "")
    yield expected("abort.created", created, 201, "another upload beside the first")
    yield expected("abort.done", walk.caller.call("DELETE", address), 204, "that an open upload can be aborted")
    yield refused("abort.gone", walk.caller.append(address, 0, junk), "a chunk for an aborted upload")


def judge_strangers(walk: Walk, address: str) -> Iterator[Finding]:
    """Judge what one is told of uploads that are another vendor's or nobody's."""
    nobody = f"{_COLLECTION}/{walk.caller.entropy(16).hex()}"
    unknown = walk.caller.call("GET", nobody)
    yield expected("unknown.not-found", unknown, 404, "404 for an upload that nobody made", "upload.unknown")
    code = "unknown.foreign"
    if walk.other is None:
        yield skipped(code, "Whether another vendor's upload looks like none is judged with --other-credentials.")
        return
    walk.other.connect()
    walk.other.ask_for_token(walk.other.assertion())
    calls = [("GET", ""), ("HEAD", ""), ("DELETE", ""), ("GET", "/receipt"), ("GET", "/report")]
    same = all(
        told(walk.other.call(method, f"{address}{tail}")) == told(walk.other.call(method, f"{nobody}{tail}"))
        for method, tail in calls
    )
    yield judged(
        code,
        same,
        "Another vendor's upload answers as none at all.",
        "Another vendor's upload can be told from none at all.",
    )


def _says_why(error: object) -> bool:
    return isinstance(error, dict) and {"code", "detail"} <= set(error)


def _creation(walk: Walk, junk: bytes) -> dict[str, Any]:
    return {
        "submission_id": walk.caller.entropy(16).hex(),
        "provider": walk.provider,
        "snapshot_date": walk.today.isoformat(),
        "bytes": len(junk),
        "sha256": hashlib.sha256(junk).hexdigest(),
    }
