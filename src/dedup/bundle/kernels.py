"""Loops over a batch's bytes: where the entries of each pass lie, whether they follow the rules, and which to take.

They read the bytes where they are, so a batch is looked through without a copy, and give up Python's lock meanwhile.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedup.model.records import TOKEN_BYTES

ROW_BYTES = 4
MAX_ENTRIES_PER_ROW = 64  # in one pass; surname parts times first names stay far below
# What `find_entries` says of a batch; DUTIFUL is the one without a fault.
DUTIFUL, ENDS_EARLY, NO_SUCH_ROW, TOO_MANY, UNSORTED, HIDDEN_SKETCH, GOES_ON = range(7)


@njit(cache=True, nogil=True)
def _number(data: NDArray[np.uint8], at: int) -> np.uint32:
    """Return the big-endian u32 at a place."""
    return np.uint32(
        np.uint32(data[at]) << np.uint32(24)
        | np.uint32(data[at + 1]) << np.uint32(16)
        | np.uint32(data[at + 2]) << np.uint32(8)
        | np.uint32(data[at + 3])
    )


@njit(cache=True, nogil=True)
def _half(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Return the big-endian u64 at a place: half a token."""
    return np.uint64(np.uint64(_number(data, at)) << np.uint64(32) | np.uint64(_number(data, at + 4)))


@njit(cache=True, nogil=True)
def find_entries(
    data: NDArray[np.uint8],
    at: int,
    presence: NDArray[np.uint32],
    width: NDArray[np.int64],
    carried: NDArray[np.int64],
    bit: NDArray[np.int64],
    begin: NDArray[np.int64],
    place: NDArray[np.int64],
) -> int:
    """Fill `place` [passes, 2] with where each pass's rows start and how many entries it has; return what is wrong.

    `at` is where the first pass starts; `width` is each pass's bytes of sketch; the fields that pass p carries are
    carried[p] to carried[p + 1] in `bit` (their presence bits) and `begin` (their first bytes).
    """
    rows = len(presence)
    per_row = np.empty(rows, np.uint8)
    for p in range(len(width)):
        if at + 4 > len(data):
            return ENDS_EARLY
        count = int(_number(data, at))
        at += 4
        tokens = at + count * ROW_BYTES
        sketches = tokens + count * TOKEN_BYTES
        end = sketches + count * width[p]
        if end > len(data):
            return ENDS_EARLY
        place[p, 0] = at
        place[p, 1] = count
        per_row[:] = 0
        last_high, last_low, last_row = np.uint64(0), np.uint64(0), -1
        for i in range(count):
            row = int(_number(data, at + i * ROW_BYTES))
            if row >= rows:
                return NO_SUCH_ROW
            if per_row[row] == MAX_ENTRIES_PER_ROW:
                return TOO_MANY
            per_row[row] += np.uint8(1)
            high, low = _half(data, tokens + i * TOKEN_BYTES), _half(data, tokens + i * TOKEN_BYTES + 8)
            if high < last_high or (high == last_high and (low < last_low or (low == last_low and row <= last_row))):
                return UNSORTED
            last_high, last_low, last_row = high, low, row
            sketch = sketches + i * width[p]
            for f in range(carried[p], carried[p + 1]):
                # A field that is missing and has a sketch would carry what nobody declared.
                if (presence[row] >> np.uint32(bit[f])) & np.uint32(1) == 0:
                    stop = begin[f + 1] if f + 1 < carried[p + 1] else width[p]
                    for byte in range(begin[f], stop):
                        if data[sketch + byte]:
                            return HIDDEN_SKETCH
        at = end
    return DUTIFUL if at == len(data) else GOES_ON


@njit(cache=True, nogil=True)
def mark_tokens(
    data: NDArray[np.uint8], start: int, entries: int, seen: NDArray[np.uint64], shards: NDArray[np.int64]
) -> None:
    """Note the block tokens of one pass of a batch in a table of bits [2 * words]: seen once, and seen again.

    A token's bit is chosen by its first bits, which are those of a hash. Two tokens can share one: then both look as if
    they were seen again. A token that was seen again never looks as if it was not. Each of the `shards`, 2^k of them,
    is told how many tokens have its number as their first k bits.
    """
    shift, shard_shift = _slot_shift(len(seen)), _shard_shift(len(shards))
    tokens = start + entries * ROW_BYTES
    for i in range(entries):
        half = _half(data, tokens + i * TOKEN_BYTES)
        shards[(half >> np.uint64(1)) >> shard_shift] += 1
        slot = half >> shift
        # The two words lie side by side, and there is no branch: the CPU can wait for many of them at a time.
        word, mask = (slot >> np.uint64(6)) << np.uint64(1), np.uint64(1) << (slot & np.uint64(63))
        once = seen[word]
        seen[word + np.uint64(1)] |= once & mask
        seen[word] = once | mask


@njit(cache=True, nogil=True)
def find_again(
    data: NDArray[np.uint8],
    start: int,
    entries: int,
    seen: NDArray[np.uint64],
    shards: NDArray[np.int64],
    again: NDArray[np.bool_],
) -> None:
    """Tell of each entry of one pass whether its token was seen again, and count these for each shard."""
    shift, shard_shift = _slot_shift(len(seen)), _shard_shift(len(shards))
    tokens = start + entries * ROW_BYTES
    for i in range(entries):
        half = _half(data, tokens + i * TOKEN_BYTES)
        slot = half >> shift
        word = (slot >> np.uint64(6)) << np.uint64(1)
        found = (seen[word + np.uint64(1)] >> (slot & np.uint64(63))) & np.uint64(1)
        again[i] = found
        shards[(half >> np.uint64(1)) >> shard_shift] += np.int64(found)


@njit(cache=True, nogil=True)
def take_again(
    data: NDArray[np.uint8],
    start: int,
    again: NDArray[np.bool_],
    first_row: int,
    at: NDArray[np.int64],
    row: NDArray[np.uint32],
    token: NDArray[np.uint8],
    sketch: NDArray[np.uint8],
) -> None:
    """Copy the entries of one pass whose token was seen `again`, rows counting from `first_row`.

    The entries of shard k go to at[k] and on, which is counted up.
    """
    shard_shift, entries = _shard_shift(len(at)), len(again)
    tokens = start + entries * ROW_BYTES
    sketches = tokens + entries * TOKEN_BYTES
    width = sketch.shape[1]
    for i in range(entries):
        if again[i]:
            source = tokens + i * TOKEN_BYTES
            shard = (_half(data, source) >> np.uint64(1)) >> shard_shift
            goal = at[shard]
            at[shard] = goal + 1
            row[goal] = np.uint32(first_row) + _number(data, start + i * ROW_BYTES)
            for byte in range(TOKEN_BYTES):
                token[goal, byte] = data[source + byte]
            for byte in range(width):
                sketch[goal, byte] = data[sketches + i * width + byte]


@njit(cache=True, nogil=True)
def _shard_shift(shards: int) -> np.uint64:
    """Return by how much the upper 63 bits of half a token are shifted to number one of 2^k shards."""
    shift = np.uint64(63)
    while shards > 1:
        shards >>= 1
        shift -= np.uint64(1)
    return shift


@njit(cache=True, nogil=True)
def _slot_shift(words: int) -> np.uint64:
    """Return by how much half a token is shifted to number a bit in a table of 2 * 2^k words of 64 bits."""
    shift = np.uint64(64 - 6)
    while words > 2:
        words >>= 1
        shift -= np.uint64(1)
    return shift


_QUOTE, _COMMA = 34, 44
_OF_AN_ID = np.zeros(256, np.bool_)
_OF_AN_ID[np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-", np.uint8)] = True


@njit(cache=True, nogil=True)
def split_ids(text: NDArray[np.uint8], start: NDArray[np.int64], letters: NDArray[np.uint8], longest: int) -> int:
    """Split ids that stand in JSON, `"a","b"`, into `letters` and where each starts in it; return how many there are.

    Returns -1 unless all are ascending and of 1 to `longest` digits, letters A-Z and a-z, and hyphens.
    """
    found, at, filled, before = 0, 0, 0, 0
    start[0] = 0
    while at < len(text):
        if found + 1 >= len(start) or text[at] != _QUOTE:
            return -1
        at += 1
        length = 0
        while at + length < len(text) and _OF_AN_ID[text[at + length]]:
            letters[filled + length] = text[at + length]
            length += 1
        at += length
        if at >= len(text) or text[at] != _QUOTE or not 1 <= length <= longest:
            return -1
        if found and not _ascends(letters, before, filled, filled + length):
            return -1
        before = filled
        filled += length
        at += 1
        found += 1
        start[found] = filled
        if at < len(text):
            if text[at] != _COMMA or at + 1 == len(text):
                return -1
            at += 1
    return found


@njit(cache=True, nogil=True)
def _ascends(letters: NDArray[np.uint8], first: int, second: int, end: int) -> bool:
    """Tell whether letters[first:second] come before letters[second:end] in order."""
    for i in range(min(second - first, end - second)):
        if letters[first + i] != letters[second + i]:
            return bool(letters[first + i] < letters[second + i])
    return second - first < end - second
