"""The inner loop of the second keying: one shuffle per field for all entries of a block, then the mask.

The shuffle is Fisher-Yates, inside out, with numbers from a cipher's stream: one 64-bit word gives several, by multiply
and shift, as long as the product of their ranges stays within 2^40 (Brackett-Rozinsky and Lemire, "Batched Ranged
Random Integer Generation", 2024). Then each outcome of a word has a probability within a factor 1 ± 2^-24 of uniform,
and a permutation of 256 bits, which takes 46 words, within 1 ± 2^-18.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

MAX_PRODUCT = 1 << 40
MAX_BITS = 4096
LANES = 8  # records whose bits are shuffled together, one bit of a byte each


def _word_ends() -> NDArray[np.int64]:
    """Return for each word of a field's stream the bit position at which its numbers end; the last is MAX_BITS."""
    ends, product = [], 1
    for position in range(MAX_BITS):
        if product * (position + 1) > MAX_PRODUCT:
            ends.append(position)
            product = 1
        product *= position + 1
    return np.array([*ends, MAX_BITS], np.int64)


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


@njit(cache=True, nogil=True)
def _shuffle(lanes: NDArray[np.uint8], out: NDArray[np.uint8], bits: int, words: NDArray[np.uint64]) -> None:
    """Put lanes[0:bits] into `out` in an order drawn from `words`."""
    position = 0
    word = 0
    low_half = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    while position < bits:
        random = words[word]
        end = min(WORD_ENDS[word], bits)
        word += 1
        while position < end:
            # random * (position + 1) as a 128-bit product: its upper half is the number, its lower half what is left.
            span = np.uint64(position + 1)
            low = (random & low_half) * span
            high = (random >> half) * span + (low >> half)
            random = (high << half) | (low & low_half)
            drawn = high >> half
            out[position] = out[drawn]
            out[drawn] = lanes[position]
            position += 1


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
                token_out[goal + member] = new_token[i]
            word = 0
            for f in range(len(bits)):
                begin, size = start[f], bits[f] // 8
                lanes[:size] = 0
                present = 0
                for member in range(members):
                    if (presence[row[source + member]] >> presence_bit[f]) & 1:
                        present |= 1 << member
                        for byte in range(size):
                            lanes[byte] |= SPREAD[sketch[source + member, begin + byte]] << np.uint64(member)
                if present:
                    _shuffle(lane_bytes, shuffled_bytes, bits[f], stream_words[i, word:])
                for member in range(members):
                    if (present >> member) & 1:
                        for byte in range(size):
                            lane = (shuffled[byte] >> np.uint64(member)) & LOW_BITS
                            mask = stream[i, mask_start + begin + byte]
                            sketch_out[goal + member, begin + byte] = np.uint8((lane * GATHER) >> np.uint64(56)) ^ mask
                    else:
                        sketch_out[goal + member, begin : begin + size] = 0
                word += words[f]
