"""The inner loop of the second keying: one shuffle per field for all entries of a block, then the mask.

The shuffle is Fisher-Yates, inside out, with numbers from a cipher's stream: one 64-bit word gives several, by multiply
and shift, as long as the product of their ranges stays within 2^40 (Brackett-Rozinsky and Lemire, "Batched Ranged
Random Integer Generation", 2024). Then each outcome of a word has a probability within a factor 1 ± 2^-24 of uniform,
and a permutation of 256 bits, which takes 46 words, within 1 ± 2^-18.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.core.cgutils import ir  # type: ignore[attr-defined]  # llvmlite, by the way of its only user
from numba.extending import intrinsic
from numpy.typing import NDArray

from dedup.model.records import TOKEN_BYTES

MAX_PRODUCT = 1 << 40
MAX_BITS = 4096
LANES = 8  # records whose bits are shuffled together, one bit of a byte each


def _word_ends() -> NDArray[np.uint64]:
    """Return for each word of a field's stream the bit position at which its numbers end; the last is MAX_BITS."""
    ends, product = [], 1
    for position in range(MAX_BITS):
        if product * (position + 1) > MAX_PRODUCT:
            ends.append(position)
            product = 1
        product *= position + 1
    return np.array([*ends, MAX_BITS], np.uint64)


def _spread() -> NDArray[np.uint64]:
    """Return for each byte value its eight bits as the lowest bits of eight bytes, the highest bit first in memory."""
    return np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).view("<u8").ravel().astype(np.uint64)


WORD_ENDS = _word_ends()
SPREAD = _spread()
LOW_BITS = np.uint64(0x0101010101010101)
GATHER = np.uint64(0x8040201008040201)  # multiplied with spread bits, brings them together in the highest byte


def words_needed(bits: int) -> int:
    """Return how many 64-bit words of stream a permutation of `bits` bits takes."""
    if not 0 < bits <= MAX_BITS:
        raise ValueError(f"a field has 1 to {MAX_BITS} bits")
    return int(np.searchsorted(WORD_ENDS, bits)) + 1


@intrinsic
def _upper_half(_typing_context: Any, _one: Any, _other: Any) -> Any:
    """Return the upper 64 bits of the product of two uint64, which the CPU gives and numpy has no name for."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@njit(cache=True, nogil=True)
def number_blocks(seed: NDArray[np.uint64], counter: NDArray[np.uint64], blocks: NDArray[np.uint64]) -> None:
    """Fill `blocks` [tokens, blocks, 2] with each token's seed [tokens, 2] xor each counter [blocks, 2]."""
    for i in range(seed.shape[0]):
        for b in range(counter.shape[0]):
            blocks[i, b, 0] = seed[i, 0] ^ counter[b, 0]
            blocks[i, b, 1] = seed[i, 1] ^ counter[b, 1]


@njit(cache=True, nogil=True)
def _shuffle(
    lanes: NDArray[np.uint8], out: NDArray[np.uint8], bits: int, words: NDArray[np.uint64], first: int
) -> None:
    """Put lanes[0:bits] into `out` in an order drawn from `words`, from the word `first` on."""
    count, position, word = np.uint64(bits), np.uint64(0), 0
    while position < count:
        random = words[first + word]
        end = min(WORD_ENDS[word], count)
        word += 1
        while position < end:
            # Of the product, the upper half is a number below `span`, and the lower half is what it leaves unused.
            span = position + np.uint64(1)
            drawn = _upper_half(random, span)  # type: ignore[call-arg,var-annotated]  # numba passes the context itself
            random *= span
            out[position] = out[drawn]
            out[drawn] = lanes[position]
            position = span


@njit(cache=True, nogil=True)
def rekey_runs(
    first: NDArray[np.int64],
    length: NDArray[np.int64],
    target: NDArray[np.int64],
    new_token: NDArray[np.uint8],
    stream: NDArray[np.uint8],
    stream_words: NDArray[np.uint64],
    row: NDArray[np.uint32],
    sketch: NDArray[np.uint8],
    presence: NDArray[np.uint32],
    start: NDArray[np.int64],
    bits: NDArray[np.int64],
    presence_bit: NDArray[np.int64],
    words: NDArray[np.int64],
    row_out: NDArray[np.uint32],
    token_out: NDArray[np.uint8],
    sketch_out: NDArray[np.uint8],
) -> None:
    """Rekey runs of entries with equal tokens: run i is length[i] entries from first[i], written from target[i] on."""
    lanes = np.empty(MAX_BITS // 8, np.uint64)
    shuffled = np.empty(MAX_BITS // 8, np.uint64)
    lane_bytes, shuffled_bytes = lanes.view(np.uint8), shuffled.view(np.uint8)
    mask_start = words.sum() * 8
    for i in range(len(first)):
        for group in range(0, length[i], LANES):
            members = min(LANES, length[i] - group)
            source, goal = first[i] + group, target[i] + group
            for member in range(members):
                row_out[goal + member] = row[source + member]
                for byte in range(TOKEN_BYTES):
                    token_out[goal + member, byte] = new_token[i, byte]
            word = 0
            for f in range(len(bits)):
                begin, size = start[f], bits[f] // 8
                for byte in range(size):
                    lanes[byte] = 0
                present = 0
                for member in range(members):
                    if (presence[row[source + member]] >> presence_bit[f]) & 1:
                        present |= 1 << member
                        for byte in range(size):
                            lanes[byte] |= SPREAD[sketch[source + member, begin + byte]] << np.uint64(member)
                if present:
                    _shuffle(lane_bytes, shuffled_bytes, bits[f], stream_words[i], word)
                for member in range(members):
                    if (present >> member) & 1:
                        for byte in range(size):
                            lane = (shuffled[byte] >> np.uint64(member)) & LOW_BITS
                            mask = stream[i, mask_start + begin + byte]
                            sketch_out[goal + member, begin + byte] = np.uint8((lane * GATHER) >> np.uint64(56)) ^ mask
                    else:
                        for byte in range(size):
                            sketch_out[goal + member, begin + byte] = 0
                word += words[f]
