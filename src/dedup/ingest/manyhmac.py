"""HMAC-SHA-256 of very many 16-byte tokens under one key."""

from __future__ import annotations

import hmac

import numpy as np
from numpy.typing import NDArray


def hmac_tokens(key: bytes, number: int, token: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return uint8[e, 32]: HMAC-SHA-256(key, number || token) of each of the e tokens."""
    prefix = bytes([number])
    digests = b"".join(hmac.digest(key, prefix + one.tobytes(), "sha256") for one in token)
    return np.frombuffer(digests, np.uint8).reshape(len(token), 32)
