"""SHA-256 of sixteen short messages side by side, for HMAC: every step is one for all of them.

A library hashes one message in a call, and nine tenths of the time of a short one is the call. Here word k of message
l lies at `k * LANES + l`, so that loops over the messages become vector instructions. No branch and no place in memory
depends on what is hashed, only on how long it is. Definitions: FIPS 180-4 (SHA-256, 6.2) and RFC 2104 (HMAC).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]

LANES = 16
BLOCK_BYTES = 64
DIGEST_WORDS = 8
_LENGTH_BYTES = 9  # what ends a message: a bit, and its length in bits as a u64
_ALL = np.uint32(0xFFFFFFFF)

# FIPS 180-4, 5.3.3 and 4.2.2.
_INITIAL: U32 = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19], dtype=np.uint32
)
# fmt: off
_ROUND: U32 = np.array([
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
], dtype=np.uint32)
# fmt: on


@njit(cache=True, nogil=True)
def hmac_sha256(pads: U8, behind: U8, text: U8, end: I64, digest: U32) -> None:
    """Fill `digest` (uint32[n, 8]) with the HMACs of n messages: `behind`, then text[end[i - 1] : end[i]].

    `pads` is uint8[2, 64]: the key exclusive-or RFC 2104's inner and outer padding.
    """
    schedule = np.empty(BLOCK_BYTES * LANES, dtype=np.uint32)
    state = np.empty(DIGEST_WORDS * LANES, dtype=np.uint32)
    work = np.empty_like(state)
    live = np.empty(LANES, dtype=np.uint32)
    inner = _keyed(pads[0], schedule, state, work, live)
    outer = _keyed(pads[1], schedule, state, work, live)
    for first in range(0, len(end), LANES):
        last = min(first + LANES, len(end))
        state[:] = inner
        block = 0
        while _lay_block(block, first, last, behind, text, end, schedule, live):
            _compress(state, schedule, work, live)
            block += 1
        schedule[: DIGEST_WORDS * LANES] = state
        schedule[DIGEST_WORDS * LANES : 16 * LANES] = 0
        schedule[DIGEST_WORDS * LANES : (DIGEST_WORDS + 1) * LANES] = np.uint32(1 << 31)
        schedule[15 * LANES : 16 * LANES] = np.uint32(8 * BLOCK_BYTES + 32 * DIGEST_WORDS)
        state[:] = outer
        live[:] = _ALL
        _compress(state, schedule, work, live)
        for i in range(first, last):
            for word in range(DIGEST_WORDS):
                digest[i, word] = state[word * LANES + i - first]


@njit(cache=True, nogil=True)
def _keyed(pad: U8, schedule: U32, state: U32, work: U32, live: U32) -> U32:
    """Return the state of all lanes after a padded key."""
    for k in range(16):
        at = 4 * k
        word = pad[at] << 24 | pad[at + 1] << 16 | pad[at + 2] << 8 | pad[at + 3]
        schedule[k * LANES : (k + 1) * LANES] = np.uint32(word)
    for word in range(DIGEST_WORDS):
        state[word * LANES : (word + 1) * LANES] = _INITIAL[word]
    live[:] = _ALL
    _compress(state, schedule, work, live)
    return state.copy()


@njit(cache=True, nogil=True)
def _lay_block(block: int, first: int, last: int, behind: U8, text: U8, end: I64, schedule: U32, live: U32) -> bool:
    """Write the block of this number of each message from `first` to before `last`; return whether any has one.

    The key's block stands before the message's and counts in its length. `live` is set where a message has the block.
    """
    schedule[: 16 * LANES] = np.uint32(0)
    live[:] = np.uint32(0)
    begin = block * BLOCK_BYTES
    found = False
    for i in range(first, last):
        lane = i - first
        start = end[i - 1] if i else 0
        size = len(behind) + end[i] - start
        if begin >= size + _LENGTH_BYTES:
            continue
        found = True
        live[lane] = _ALL
        for at in range(begin, min(begin + BLOCK_BYTES, size)):
            byte = behind[at] if at < len(behind) else text[start + at - len(behind)]
            schedule[((at - begin) >> 2) * LANES + lane] |= np.uint32(byte) << np.uint32(24 - 8 * (at & 3))
        if begin <= size < begin + BLOCK_BYTES:
            schedule[((size - begin) >> 2) * LANES + lane] |= np.uint32(0x80) << np.uint32(24 - 8 * (size & 3))
        if size + _LENGTH_BYTES <= begin + BLOCK_BYTES:
            bits = 8 * (BLOCK_BYTES + size)
            schedule[14 * LANES + lane] = np.uint32(bits >> 32)
            schedule[15 * LANES + lane] = np.uint32(bits & 0xFFFFFFFF)
    return found


@njit(cache=True, nogil=True)
def _compress(state: U32, schedule: U32, work: U32, live: U32) -> None:
    """Take one more block of the live lanes into their state; its 16 words are the first of `schedule` (64 words)."""
    for t in range(16 * LANES, 64 * LANES):
        early, late = schedule[t - 15 * LANES], schedule[t - 2 * LANES]
        early = _rotated(early, 7) ^ _rotated(early, 18) ^ (early >> np.uint32(3))
        late = _rotated(late, 17) ^ _rotated(late, 19) ^ (late >> np.uint32(10))
        schedule[t] = np.uint32(schedule[t - 16 * LANES] + early + schedule[t - 7 * LANES] + late)
    work[:] = state
    for t in range(0, 64, 4):
        k0, k1, k2, k3 = _ROUND[t], _ROUND[t + 1], _ROUND[t + 2], _ROUND[t + 3]
        for w in range(t * LANES, (t + 1) * LANES):
            i = w - t * LANES
            a, b, c, d = work[i], work[i + LANES], work[i + 2 * LANES], work[i + 3 * LANES]
            e, f, g, h = work[i + 4 * LANES], work[i + 5 * LANES], work[i + 6 * LANES], work[i + 7 * LANES]
            # Letters change places from round to round instead of their values; after four rounds e stands for a.
            d, h = _turned(a, b, c, d, e, f, g, h, k0, schedule[w])
            c, g = _turned(h, a, b, c, d, e, f, g, k1, schedule[w + LANES])
            b, f = _turned(g, h, a, b, c, d, e, f, k2, schedule[w + 2 * LANES])
            a, e = _turned(f, g, h, a, b, c, d, e, k3, schedule[w + 3 * LANES])
            work[i], work[i + LANES], work[i + 2 * LANES], work[i + 3 * LANES] = e, f, g, h
            work[i + 4 * LANES], work[i + 5 * LANES], work[i + 6 * LANES], work[i + 7 * LANES] = a, b, c, d
    for i in range(DIGEST_WORDS * LANES):
        state[i] += work[i] & live[i % LANES]


@njit(cache=True, nogil=True)
def _turned(
    a: np.uint32, b: np.uint32, c: np.uint32, d: np.uint32, e: np.uint32, f: np.uint32, g: np.uint32, h: np.uint32,
    constant: np.uint32, word: np.uint32,
) -> tuple[np.uint32, np.uint32]:  # fmt: skip
    """Return the d and h that one round makes: the next e and a."""
    chosen = (e & f) ^ (~e & g)
    majority = (a & b) ^ (a & c) ^ (b & c)
    first = np.uint32(h + (_rotated(e, 6) ^ _rotated(e, 11) ^ _rotated(e, 25)) + chosen + constant + word)
    second = (_rotated(a, 2) ^ _rotated(a, 13) ^ _rotated(a, 22)) + majority
    return np.uint32(d + first), np.uint32(first + second)


@njit(cache=True, nogil=True)
def _rotated(word: np.uint32, by: int) -> np.uint32:
    return np.uint32((word >> np.uint32(by)) | (word << np.uint32(32 - by)))
