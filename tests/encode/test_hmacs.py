"""HMAC-SHA-256 of many messages is that of the RFC and of OpenSSL, whatever their lengths and how many there are."""

from __future__ import annotations

import hmac

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.encode.hmacs import HmacSha256, Messages

KEY = bytes(range(32))
LENGTHS = st.one_of(st.integers(0, 20), st.integers(50, 70), st.integers(110, 140), st.just(70_000))

# RFC 4231, the cases whose keys are no longer than a block.
PUBLISHED = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
]


def digests(key: bytes, messages: list[bytes], behind: bytes = b"") -> list[bytes]:
    return [digest.tobytes() for digest in HmacSha256(key).digests(Messages.of(messages), behind=behind)]


@pytest.mark.parametrize(("key", "message", "digest"), PUBLISHED)
def test_published_digests(key: bytes, message: bytes, digest: str) -> None:
    assert [made.hex() for made in digests(key, [message])] == [digest]


def test_every_length_up_to_three_blocks() -> None:
    """Several blocks, the last of them with and without room for the length, side by side in any order."""
    messages = [bytes([size]) * size for size in range(193)]
    expected = [hmac.digest(KEY, message, "sha256") for message in messages]
    assert digests(KEY, messages) == expected
    assert digests(KEY, messages[::-1]) == expected[::-1]


@given(
    key=st.binary(max_size=64),
    lengths=st.lists(LENGTHS, max_size=40),
    behind=st.binary(max_size=80),
    seed=st.integers(0, 255),
)
@settings(max_examples=60, deadline=None)
def test_any_messages(key: bytes, lengths: list[int], behind: bytes, seed: int) -> None:
    messages = [np.random.default_rng([seed, i]).bytes(length) for i, length in enumerate(lengths)]
    assert digests(key, messages, behind) == [hmac.digest(key, behind + message, "sha256") for message in messages]


def test_a_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 64 bytes"):
        HmacSha256(bytes(65))


def test_digests_that_are_not_those_of_openssl_stop_the_run() -> None:
    """The check compares what was compiled with OpenSSL: here it finds other padding under it."""
    hasher = HmacSha256(KEY)
    hasher._pads[1, 5] ^= 1
    with pytest.raises(RuntimeError, match="not that of OpenSSL"):
        hasher.digests(Messages.of([b"a value"]))
