"""The three compiled steps of a sketch: count cipher blocks, lay out the counter blocks, take minima and pack bits.

All three walk in the same order: entries, the pass's fields, the record's values, the value's tokens. A token that two
values share is walked twice, which a minimum does not notice. For the arrays see `dedup.encode.sketch.TokenTable`.
"""

from __future__ import annotations

import sys

import numpy as np
from numba import njit
from numpy.typing import NDArray

I32 = NDArray[np.int32]  # tables are read at random, so they are kept small
I64 = NDArray[np.int64]
U16 = NDArray[np.uint16]
U64 = NDArray[np.uint64]

COUNTERS = 512  # blocks of eight numbers each: enough for a field of 4,096 bits
IV_WORDS = 2  # a cipher block is two 64-bit words

_SWAP = sys.byteorder == "little"

# The counter is big-endian in a cipher block's last two bytes; here as native words, whatever the machine's order.
_counter_bytes = np.zeros((COUNTERS, 8), dtype=np.uint8)
_counter_bytes[:, 6] = np.arange(COUNTERS) >> 8
_counter_bytes[:, 7] = np.arange(COUNTERS) & 0xFF
COUNTER_WORDS: U64 = _counter_bytes.view(np.uint64).ravel()
IV_MASK = np.frombuffer(b"\xff" * 6 + b"\x00\x00", dtype=np.uint64)[0]


@njit(cache=True, nogil=True)
def count_blocks(row: I64, field_bits: I64, field_start: I32, value_of: I32, value_start: I32, needed: I64) -> None:
    """Fill `needed` (int64[e]) with the number of cipher blocks that each entry's tokens take."""
    for e in range(row.shape[0]):
        total = 0
        for f in range(field_bits.shape[0]):
            for v in range(field_start[f, row[e]], field_start[f, row[e] + 1]):
                total += (value_start[value_of[v] + 1] - value_start[value_of[v]]) * (field_bits[f] // 8)
        needed[e] = total


@njit(cache=True, nogil=True)
def lay_out(
    entries: tuple[int, int],
    row: I64,
    field_bits: I64,
    field_start: I32,
    value_of: I32,
    value_start: I32,
    token_of: I32,
    hashed: U64,
    secret: U64,
    counter: U64,
    iv_mask: int,
    out: U64,
) -> None:
    """Write the counter blocks of a range of entries to `out` (uint64[2 * blocks]): IV and counter, token by token."""
    at = 0
    for e in range(entries[0], entries[1]):
        for f in range(field_bits.shape[0]):
            for v in range(field_start[f, row[e]], field_start[f, row[e] + 1]):
                for t in range(value_start[value_of[v]], value_start[value_of[v] + 1]):
                    size = field_bits[f] // 8
                    high = secret[e, 0] ^ hashed[token_of[t], 0]
                    low = (secret[e, 1] ^ hashed[token_of[t], 1]) & iv_mask
                    _write_counters(high, low, counter[:size], out[at : at + 2 * size])
                    at += 2 * size


@njit(cache=True, nogil=True)
def _write_counters(high: int, low: int, counter: U64, out: U64) -> None:
    # A slice of its own lets the compiler see that no index is negative, and use vector stores: three times as fast.
    for c in range(counter.shape[0]):
        out[2 * c] = high
        out[2 * c + 1] = low | counter[c]


@njit(cache=True, nogil=True)
def take_minima(
    entries: tuple[int, int],
    row: I64,
    field_bits: I64,
    field_start: I32,
    value_of: I32,
    value_start: I32,
    numbers: U16,
    minimum: U16,
    sketch: NDArray[np.uint8],
) -> None:
    """Write the bits of a range of entries to `sketch` (uint8[e, w]) from their cipher output, `numbers` (uint16).

    Bit i of a field is the lowest bit of the smallest i-th number over its tokens; without tokens it stays zero.
    `minimum` is working space as wide as the widest field.
    """
    at = 0
    for e in range(entries[0], entries[1]):
        byte = 0
        for f in range(field_bits.shape[0]):
            bits = field_bits[f]
            tokens = 0
            for v in range(field_start[f, row[e]], field_start[f, row[e] + 1]):
                tokens += value_start[value_of[v] + 1] - value_start[value_of[v]]
            if tokens > 0:
                _minimum_of(tokens, bits, numbers[at : at + tokens * bits], minimum)
                at += tokens * bits
                for b in range(bits // 8):
                    packed = 0
                    for i in range(8):
                        packed = (packed << 1) | (minimum[b * 8 + i] & 1)
                    sketch[e, byte + b] = packed
            byte += bits // 8


@njit(cache=True, nogil=True)
def _minimum_of(tokens: int, bits: int, numbers: U16, minimum: U16) -> None:
    # Kept in 16 bits throughout, so that the compiler makes one vector instruction of many minima.
    for i in range(bits):
        minimum[i] = np.uint16(0xFFFF)
    for t in range(tokens):
        for i in range(bits):
            raw = numbers[t * bits + i]
            number = np.uint16((raw << 8) | (raw >> 8)) if _SWAP else raw
            minimum[i] = min(number, minimum[i])
