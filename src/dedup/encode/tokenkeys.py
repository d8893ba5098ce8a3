"""Tokens as 64-bit numbers, so that the tokens of many values are made and looked up by compiled loops.

A *key* stands for a token of a field: the field's number, the token's kind, and two parts of 24 bits (two characters, a
position and a character, or the number of a year, month or day). Whole values have no key.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedup.encode.tokens import BIGRAM, DAY, LAST_POSITION, MONTH, YEAR, positioned
from dedup.model.linkage import TokenRule

U64 = NDArray[np.uint64]

_BIGRAM, _POSITION, _YEAR, _MONTH, _DAY = range(5)
_LAST_POSITION = np.uint64(LAST_POSITION)
_EDGE = np.uint64(ord("_"))
_ZERO = np.uint64(ord("0"))
_TEN = np.uint64(10)
_PART_BITS = np.uint64(24)
_KIND_BITS = np.uint64(48)
_FIELD_SHIFT = 56
_PART = (1 << 24) - 1
_DATE_PARTS = 5
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, an odd number (Knuth's multiplicative hashing)


def keys_of(rule: TokenRule, field_number: int, values: Sequence[str]) -> tuple[U64, NDArray[np.int64]]:
    """Return the keys of all values under a rule (not `whole`), and how many each value has; a key may stand twice."""
    text = np.frombuffer("".join(values).encode("utf-32-le"), dtype="<u4")
    length = np.fromiter(map(len, values), dtype=np.int64, count=len(values))
    field = np.uint64(field_number << _FIELD_SHIFT)
    if rule is TokenRule.BIGRAMS:
        counts = length + 1
    elif rule is TokenRule.DATE:
        counts = length + _DATE_PARTS
    else:
        counts = length
    keys = np.empty(int(counts.sum()), dtype=np.uint64)
    if rule is TokenRule.BIGRAMS:
        _bigrams(text, length, field, keys)
    else:
        _positions(text, length, field, rule is TokenRule.DATE, keys)
    return keys, counts


def token_of_key(key: int) -> bytes:
    """Return the field's number and the token that a key stands for: what is hashed."""
    field, kind = key >> _FIELD_SHIFT, key >> int(_KIND_BITS) & 0xFF
    first, second = key >> int(_PART_BITS) & _PART, key & _PART
    if kind == _BIGRAM:
        token = (BIGRAM + chr(first) + chr(second)).encode()
    elif kind == _POSITION:
        token = positioned(first, chr(second))
    elif kind == _YEAR:
        token = f"{YEAR}{first:04d}".encode()
    else:
        token = f"{MONTH if kind == _MONTH else DAY}{first:02d}".encode()
    return bytes([field]) + token


class KeyNumbers:
    """Numbers keys from 0 in the order in which they are first seen: a hash table with open addressing."""

    def __init__(self) -> None:
        self._count = 0
        self._key: U64 = np.empty(0, dtype=np.uint64)
        self._number: NDArray[np.int32] = np.empty(0, dtype=np.int32)

    def __len__(self) -> int:
        """Return how many different keys were seen."""
        return self._count

    def number(self, keys: U64) -> tuple[NDArray[np.int32], U64]:
        """Return the number of each key, and the keys that were not seen before, in the order of their numbers."""
        self._make_room(len(keys))
        numbers = np.empty(len(keys), dtype=np.int32)
        new = np.empty(len(keys), dtype=np.uint64)
        found = int(_number(keys, self._key, self._number, self._count, numbers, new))
        self._count += found
        return numbers, new[:found]

    def _make_room(self, more: int) -> None:
        size = 1 << (2 * (self._count + more)).bit_length()
        if size <= len(self._key):
            return
        known = self._number >= 0
        keys, numbers = self._key[known], self._number[known]
        self._key, self._number = np.empty(size, dtype=np.uint64), np.full(size, -1, dtype=np.int32)
        ordered = keys[np.argsort(numbers)]
        _number(ordered, self._key, self._number, 0, np.empty(len(keys), dtype=np.int32), np.empty_like(ordered))


@njit(cache=True)
def _bigrams(text: NDArray[np.uint32], length: NDArray[np.int64], field: np.uint64, keys: U64) -> None:
    at, key = 0, 0
    for size in length:
        left = _EDGE
        for i in range(size):
            right = np.uint64(text[at + i])
            keys[key] = field | (left << _PART_BITS) | right
            left = right
            key += 1
        keys[key] = field | (left << _PART_BITS) | _EDGE
        key += 1
        at += size


@njit(cache=True)
def _positions(text: NDArray[np.uint32], length: NDArray[np.int64], field: np.uint64, date: bool, keys: U64) -> None:
    at, key = 0, 0
    positioned_kind = field | (np.uint64(_POSITION) << _KIND_BITS)
    for size in length:
        for i in range(size):
            position = min(np.uint64(i), _LAST_POSITION)
            keys[key] = positioned_kind | (position << _PART_BITS) | np.uint64(text[at + i])
            key += 1
        if date:
            year, month, day = (
                _digits(text[at : at + 4]),
                _digits(text[at + 4 : at + 6]),
                _digits(text[at + 6 : at + 8]),
            )
            keys[key] = _dated(field, _YEAR, year)
            keys[key + 1] = _dated(field, _MONTH, month)
            keys[key + 2] = _dated(field, _DAY, day)
            # Day and month in each other's role as well.
            keys[key + 3] = _dated(field, _MONTH, day)
            keys[key + 4] = _dated(field, _DAY, month)
            key += _DATE_PARTS
        at += size


@njit(cache=True)
def _dated(field: np.uint64, kind: int, number: np.uint64) -> np.uint64:
    return field | (np.uint64(kind) << _KIND_BITS) | (number << _PART_BITS)


@njit(cache=True)
def _digits(text: NDArray[np.uint32]) -> np.uint64:
    number = np.uint64(0)
    for character in text:
        number = number * _TEN + (np.uint64(character) - _ZERO)
    return number


@njit(cache=True)
def _number(
    keys: U64, slot_key: U64, slot_number: NDArray[np.int32], count: int, numbers: NDArray[np.int32], new: U64
) -> int:
    mask = np.uint64(len(slot_key) - 1)
    found = 0
    for i in range(len(keys)):
        mixed = keys[i] * _MIX
        slot = (mixed ^ (mixed >> np.uint64(32))) & mask
        while slot_number[slot] >= 0 and slot_key[slot] != keys[i]:
            slot = (slot + np.uint64(1)) & mask
        if slot_number[slot] < 0:
            slot_key[slot] = keys[i]
            slot_number[slot] = count + found
            new[found] = keys[i]
            found += 1
        numbers[i] = slot_number[slot]
    return found
