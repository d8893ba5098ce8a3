"""Chunks of a sealed body cannot be dropped, swapped, repeated, cut off or moved."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from dedup.bundle.sealing import CHUNK_BYTES, TAG_BYTES, open_chunks, seal_chunks
from dedup.errors import BundleError

KEY = bytes(range(32))
ID = bytes(range(16))
PLAIN = bytes(i % 251 for i in range(3 * CHUNK_BYTES + 5))
SEALED_CHUNK = CHUNK_BYTES + TAG_BYTES


def opened(sealed: bytes, key: bytes = KEY, submission: bytes = ID) -> bytes:
    return b"".join(open_chunks(io.BytesIO(sealed), len(sealed), key, submission))


@pytest.fixture(scope="module")
def chunks() -> list[bytes]:
    sealed = b"".join(seal_chunks([PLAIN], KEY, ID))
    return [sealed[at : at + SEALED_CHUNK] for at in range(0, len(sealed), SEALED_CHUNK)]


def test_what_was_sealed_is_opened(chunks: list[bytes]) -> None:
    assert len(chunks) == 4
    assert opened(b"".join(chunks)) == PLAIN


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES])
@pytest.mark.parametrize("step", [1000, CHUNK_BYTES, 1 << 22])
def test_the_parts_that_are_written_leave_no_trace(size: int, step: int) -> None:
    parts = [PLAIN[at : min(at + step, size)] for at in range(0, size, step)]
    sealed = list(seal_chunks(parts, KEY, ID))
    assert b"".join(sealed) == b"".join(seal_chunks([PLAIN[:size]], KEY, ID))
    assert len(sealed) == max(1, -(-size // CHUNK_BYTES))
    assert opened(b"".join(sealed)) == PLAIN[:size]


@pytest.mark.parametrize(
    "tamper",
    [
        lambda c: [c[0], c[2], c[1], c[3]],
        lambda c: [c[0], c[1], c[3]],
        lambda c: [c[0], c[1], c[2]],
        lambda c: [c[0], c[0], c[1], c[2], c[3]],
        lambda c: [*c, c[3]],
        lambda c: [c[0], c[1], c[2], c[3][:-1]],
        lambda c: [c[3]],
    ],
)
def test_chunks_out_of_place_are_refused(chunks: list[bytes], tamper: Callable[[list[bytes]], list[bytes]]) -> None:
    with pytest.raises(BundleError) as caught:
        opened(b"".join(tamper(chunks)))
    assert caught.value.code == "bundle.altered"


def test_chunks_of_another_submission_are_refused(chunks: list[bytes]) -> None:
    with pytest.raises(BundleError):
        opened(b"".join(chunks), submission=bytes(16))
