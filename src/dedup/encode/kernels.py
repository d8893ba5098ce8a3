"""The compiled steps of a sketch: gather token sets, lay out the counter blocks of their votes, count the votes.

Votes are counted 64 bits at a time: plane p of a counter holds bit p of 64 counts, so that adding a vote to 64 counts
takes a few instructions. For the arrays see `dedup.encode.tokentable.TokenTable`.
"""

from __future__ import annotations

import sys

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

MAX_CIPHER_BLOCKS = 32  # of one vote: a field of 4,096 bits
IV_WORDS = 2  # a cipher block is two 64-bit words
FEW = 16  # fewer than twice as many votes are counted in registers: nearly all

_SWAP = sys.byteorder == "little"
_BYTES = np.uint64(0x00FF00FF00FF00FF)
_PAIRS = np.uint64(0x0000FFFF0000FFFF)

# Row 0 counts from 0, row 1 (for the casting vote) from 0x8000. The counter is big-endian in a cipher block's last two
# bytes; here as native words, whatever the machine's order.
_counter_bytes = np.zeros((2, MAX_CIPHER_BLOCKS, 8), dtype=np.uint8)
_counter_bytes[:, :, 7] = np.arange(MAX_CIPHER_BLOCKS)
_counter_bytes[1, :, 6] = 0x80
COUNTER_WORDS: U64 = _counter_bytes.view(np.uint64).reshape(2, MAX_CIPHER_BLOCKS)
IV_MASK = np.frombuffer(b"\xff" * 6 + b"\x00\x00", dtype=np.uint64)[0]


@njit(cache=True, nogil=True)
def gather_sets(
    field_start: I64, value_of: I32, value_start: I64, token_of: I32, seen: I32, start: I32, token: I32
) -> None:
    """Write every record's token sets, each token once, record by record and field by field.

    `field_start` is [fields, n + 1] into `value_of`; `seen` is int32[tokens] of working space, all -1.
    """
    at, which = 0, 0
    for r in range(field_start.shape[1] - 1):
        for f in range(field_start.shape[0]):
            start[which] = at
            for v in range(field_start[f, r], field_start[f, r + 1]):
                for t in range(value_start[value_of[v]], value_start[value_of[v] + 1]):
                    if seen[token_of[t]] != which:
                        seen[token_of[t]] = which
                        token[at] = token_of[t]
                        at += 1
            which += 1
    start[which] = at


@njit(cache=True, nogil=True)
def count_blocks(row: I64, field: I64, size: I64, start: I32, fields: int, needed: I64) -> None:
    """Fill `needed` (int64[e]) with the cipher blocks of each entry: `size[i]` for each vote on its i-th field."""
    for e in range(row.shape[0]):
        total = 0
        for i in range(field.shape[0]):
            s = row[e] * fields + field[i]
            if start[s + 1] > start[s]:
                total += ((start[s + 1] - start[s]) | 1) * size[i]
        needed[e] = total


@njit(cache=True, nogil=True)
def lay_out(
    entries: tuple[int, int],
    row: I64,
    field: I64,
    size: I64,
    start: I32,
    fields: int,
    token: I32,
    hashed: U64,
    secret: U64,
    counter: U64,
    iv_mask: int,
    out: U64,
) -> None:
    """Write the counter blocks of a range of entries to `out` (uint64[2 * blocks]), vote by vote.

    Where the number of tokens is even, the token of the smallest IV casts one more vote, from another counter on.
    """
    at = 0
    for e in range(entries[0], entries[1]):
        for i in range(field.shape[0]):
            s = row[e] * fields + field[i]
            even = (start[s + 1] - start[s]) % 2 == 0
            least_high, least_low = np.uint64(0), np.uint64(0)
            for t in range(start[s], start[s + 1]):
                high = secret[e, 0] ^ hashed[token[t], 0]
                low = (secret[e, 1] ^ hashed[token[t], 1]) & iv_mask
                for c in range(size[i]):
                    out[at] = high
                    out[at + 1] = low | counter[0, c]
                    at += 2
                if even and (t == start[s] or _before(high, low, least_high, least_low)):
                    least_high, least_low = high, low
            if even and start[s + 1] > start[s]:
                for c in range(size[i]):
                    out[at] = least_high
                    out[at + 1] = least_low | counter[1, c]
                    at += 2


@njit(cache=True, nogil=True)
def _before(high: np.uint64, low: np.uint64, other_high: np.uint64, other_low: np.uint64) -> bool:
    """Compare two IVs as bytes."""
    if high == other_high:
        return bool(_big_endian(low) < _big_endian(other_low))
    return bool(_big_endian(high) < _big_endian(other_high))


@njit(cache=True, nogil=True)
def _big_endian(word: np.uint64) -> np.uint64:
    if not _SWAP:
        return word
    word = ((word & _BYTES) << np.uint64(8)) | ((word >> np.uint64(8)) & _BYTES)
    word = ((word & _PAIRS) << np.uint64(16)) | ((word >> np.uint64(16)) & _PAIRS)
    return (word << np.uint64(32)) | (word >> np.uint64(32))


@njit(cache=True, nogil=True)
def take_majorities(
    entries: tuple[int, int],
    row: I64,
    field: I64,
    size: I64,
    start: I32,
    fields: int,
    width: I64,
    stream: U64,
    plane: U64,
    plane_bytes: NDArray[np.uint8],
    sketch: NDArray[np.uint8],
) -> None:
    """Write the bits of a range of entries to `sketch` (uint8[e, w]) from their cipher output, `stream`.

    Bit i of a field is the majority of the i-th bits of its votes; without tokens it stays zero. `width` is each
    field's size in bytes; `plane` (uint64[33, words of the widest field], also as bytes) is working space.
    """
    at = 0
    for e in range(entries[0], entries[1]):
        byte = 0
        for i in range(field.shape[0]):
            s = row[e] * fields + field[i]
            if start[s + 1] > start[s]:
                votes = (start[s + 1] - start[s]) | 1
                if votes == 1:
                    for w in range(IV_WORDS * size[i]):
                        plane[0, w] = stream[at + w]
                elif votes < 2 * FEW:
                    _count_few(stream, at, votes, IV_WORDS * size[i], plane)
                else:
                    _count_many(stream, at, votes, IV_WORDS * size[i], plane)
                at += votes * IV_WORDS * size[i]
                for b in range(width[i]):
                    sketch[e, byte + b] = plane_bytes[0, b]
            byte += width[i]


@njit(cache=True, nogil=True)
def _count_few(stream: U64, at: int, votes: int, words: int, plane: U64) -> None:
    """Write to `plane[0]` where more than half of an odd number of votes, less than 2 * FEW, are one.

    Counts start so that half of the votes and one more reach FEW, the top plane; all planes stay in registers.
    """
    start = np.uint64(FEW - (votes // 2 + 1))
    none, one = np.uint64(0), np.uint64(1)
    for w in range(words):
        p0 = none - (start & one)
        p1 = none - (start >> one & one)
        p2 = none - (start >> np.uint64(2) & one)
        p3 = none - (start >> np.uint64(3) & one)
        p4 = none
        for v in range(votes):
            carry = stream[at + v * words + w]
            p0, carry = p0 ^ carry, p0 & carry
            p1, carry = p1 ^ carry, p1 & carry
            p2, carry = p2 ^ carry, p2 & carry
            p3, carry = p3 ^ carry, p3 & carry
            p4 ^= carry
        plane[0, w] = p4


@njit(cache=True, nogil=True)
def _count_many(stream: U64, at: int, votes: int, words: int, plane: U64) -> None:
    """Do the same for any odd number of votes, with as many planes as it takes."""
    majority = votes // 2 + 1
    top = 0
    while (1 << top) < majority:
        top += 1
    for p in range(top + 1):
        fill = np.uint64(0) - np.uint64(((1 << top) - majority) >> p & 1)
        for w in range(words):
            plane[p, w] = fill
    for v in range(votes):
        for w in range(words):
            carry = stream[at + v * words + w]
            for p in range(top + 1):
                both = plane[p, w] & carry
                plane[p, w] ^= carry
                carry = both
    for w in range(words):
        plane[0, w] = plane[top, w]
