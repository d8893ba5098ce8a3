"""The inner loop of the second keying: one shuffle per field for all entries of a block, then the mask.

Every step of a shuffle waits for the one before it, so four blocks are shuffled side by side to keep the CPU busy.

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
ABREAST = 4  # groups of such records that are shuffled side by side


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
def _below(random: np.uint64, span: np.uint64) -> np.uint64:
    """Return a number below `span`: the upper half of the product; its lower half is what it leaves unused."""
    return _upper_half(random, span)  # type: ignore[call-arg]  # numba passes the context itself


@njit(cache=True, nogil=True)
def _shuffle(
    lanes: NDArray[np.uint8],
    out: NDArray[np.uint8],
    start: int,
    bits: int,
    words: NDArray[np.uint64],
    run: NDArray[np.int64],
    first: int,
) -> None:
    """Put `bits` of lanes[k], from `start` on, into out[k] in an order drawn from words[run[k], first:], for all k."""
    end = start + bits
    lanes0, lanes1, lanes2, lanes3 = lanes[0, start:end], lanes[1, start:end], lanes[2, start:end], lanes[3, start:end]
    out0, out1, out2, out3 = out[0, start:end], out[1, start:end], out[2, start:end], out[3, start:end]
    words0, words1, words2, words3 = words[run[0]], words[run[1]], words[run[2]], words[run[3]]
    count, position, word = np.uint64(bits), np.uint64(0), 0
    while position < count:
        random0, random1 = words0[first + word], words1[first + word]
        random2, random3 = words2[first + word], words3[first + word]
        word_end = min(WORD_ENDS[word], count)
        word += 1
        while position < word_end:
            span = position + np.uint64(1)
            drawn0, drawn1 = _below(random0, span), _below(random1, span)
            drawn2, drawn3 = _below(random2, span), _below(random3, span)
            random0 *= span
            random1 *= span
            random2 *= span
            random3 *= span
            out0[position], out1[position] = out0[drawn0], out1[drawn1]
            out2[position], out3[position] = out2[drawn2], out3[drawn3]
            out0[drawn0], out1[drawn1] = lanes0[position], lanes1[position]
            out2[drawn2], out3[drawn3] = lanes2[position], lanes3[position]
            position = span


@njit(cache=True, nogil=True)
def rekey_runs(
    order: NDArray[np.uint32],
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
    """Rekey runs of entries with equal tokens: run i is order[first[i]:][:length[i]], written from target[i] on.

    Of a run, up to eight entries at a time are shuffled together; four such groups make a turn.
    """
    width = sketch.shape[1]
    lanes = np.zeros((ABREAST, width), np.uint64)
    shuffled = np.zeros((ABREAST, width), np.uint64)
    lane_bytes, shuffled_bytes = lanes.view(np.uint8), shuffled.view(np.uint8)
    mask_start = words.sum() * 8
    run, begins, members = np.zeros(ABREAST, np.int64), np.zeros(ABREAST, np.int64), np.zeros(ABREAST, np.int64)
    i, done = 0, 0
    while i < len(first):
        anyone = np.uint32(0)
        for k in range(ABREAST):
            members[k] = 0
            if i == len(first):
                continue
            run[k], begins[k] = i, done
            members[k] = min(LANES, length[i] - done)
            source, goal = first[i] + done, target[i] + done
            for member in range(members[k]):
                entry = order[source + member]
                row_out[goal + member] = row[entry]
                anyone |= presence[row[entry]]
                for byte in range(TOKEN_BYTES):
                    token_out[goal + member, byte] = new_token[i, byte]
                if member == 0:
                    for byte in range(width):
                        lanes[k, byte] = SPREAD[sketch[entry, byte]]
                else:
                    for byte in range(width):
                        lanes[k, byte] |= SPREAD[sketch[entry, byte]] << np.uint64(member)
            done += members[k]
            if done == length[i]:
                i, done = i + 1, 0
        word = 0
        for f in range(len(bits)):
            if (anyone >> np.uint32(presence_bit[f])) & np.uint32(1):
                _shuffle(lane_bytes, shuffled_bytes, start[f] * 8, bits[f], stream_words, run, word)
            word += words[f]
        for k in range(ABREAST):
            mask = stream[run[k], mask_start:]
            for member in range(members[k]):
                goal = target[run[k]] + begins[k] + member
                shift = np.uint64(member)
                for byte in range(width):
                    lane = (shuffled[k, byte] >> shift) & LOW_BITS
                    sketch_out[goal, byte] = np.uint8((lane * GATHER) >> np.uint64(56)) ^ mask[byte]
                known = presence[row_out[goal]]
                for f in range(len(bits)):
                    if (known >> np.uint32(presence_bit[f])) & np.uint32(1) == 0:
                        for byte in range(start[f], start[f] + bits[f] // 8):
                            sketch_out[goal, byte] = 0
