"""HMAC-SHA-256 of very many short messages under one key: what the encoder spends most of its keys on."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.encode.sha256 import BLOCK_BYTES, DIGEST_WORDS, LANES, hmac_sha256

DIGEST_BYTES = 4 * DIGEST_WORDS
_PADDING = np.array([[0x36], [0x5C]], dtype=np.uint8)  # RFC 2104: inner and outer


@dataclass(frozen=True, slots=True, repr=False)
class Messages:
    """n byte strings behind one another: message i is text[end[i - 1] : end[i]], `text` uint8, `end` int64[n]."""

    text: NDArray[np.uint8]
    end: NDArray[np.int64]

    @classmethod
    def of(cls, messages: Iterable[bytes]) -> Messages:
        """Return these byte strings as messages."""
        given = list(messages)
        sizes = np.fromiter(map(len, given), dtype=np.int64, count=len(given))
        return cls(np.frombuffer(b"".join(given), dtype=np.uint8), np.cumsum(sizes))


class HmacSha256:
    """HMAC-SHA-256 (RFC 2104) under one key, computed for sixteen messages at a time."""

    def __init__(self, key: bytes) -> None:
        """Raise `ValueError` for a key longer than a block of the hash function: ours have 32 bytes."""
        if len(key) > BLOCK_BYTES:
            raise ValueError(f"a key has at most {BLOCK_BYTES} bytes")
        self._key = key
        self._pads = np.frombuffer(key.ljust(BLOCK_BYTES, b"\0"), dtype=np.uint8) ^ _PADDING

    def digests(self, messages: Messages, *, behind: bytes = b"") -> NDArray[np.uint8]:
        """Return the digests, uint8[n, 32], of `behind` and each message after it.

        The first ones are computed by OpenSSL as well; raises `RuntimeError` when they differ, for then the compiled
        code is wrong on this machine, and what it made would match nothing.
        """
        words = np.empty((len(messages.end), DIGEST_WORDS), dtype=np.uint32)
        hmac_sha256(self._pads, np.frombuffer(behind, dtype=np.uint8), messages.text, messages.end, words)
        digests = words.astype(">u4").view(np.uint8)
        ends = [0, *messages.end[:LANES].tolist()]
        for digest, (first, last) in zip(digests, pairwise(ends), strict=False):
            message = behind + messages.text[first:last].tobytes()
            if digest.tobytes() != hmac.digest(self._key, message, "sha256"):
                raise RuntimeError("HMAC-SHA-256 as compiled on this machine is not that of OpenSSL")
        return digests
