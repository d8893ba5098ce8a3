"""What this machine can do at most with one core: how fast it copies, hashes and encrypts bytes.

A stage that does nothing else with its bytes could not be faster; how far each stage is from that says what is left.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BYTES = 64 << 20
_TURNS = 3


def machine_limits() -> dict[str, float]:
    """Return bytes per second of one core for `copy` (of memory), `sha256` and `aes` (AES-256, bare blocks)."""
    # Ones: what is only zero has no pages of its own before the clock starts.
    source, target = np.ones(_BYTES, np.uint8), np.ones(_BYTES, np.uint8)
    encryptor = Cipher(algorithms.AES(bytes(32)), modes.ECB()).encryptor()  # nosec B305 # measures the bare cipher
    room = bytearray(_BYTES + 15)
    return {
        "copy": _rate(lambda: np.copyto(target, source)),
        "sha256": _rate(lambda: hashlib.sha256(source.data)),
        "aes": _rate(lambda: encryptor.update_into(source.data, room)),
    }


def _rate(work: Callable[[], object]) -> float:
    """Return bytes per second in the best of a few turns."""
    best = float("inf")
    for _ in range(_TURNS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return _BYTES / best
