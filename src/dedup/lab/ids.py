"""Ids as bytes behind one another: sorted, chosen and hashed by the million without a Python object for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

_WORD = 8


@dataclass(frozen=True, eq=False, slots=True)
class Ids:
    """n ids in UTF-8: id i is `letters[start[i]:start[i + 1]]`; `start` is int64[n + 1], `letters` uint8."""

    start: NDArray[np.int64]
    letters: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self.start) - 1

    def __getitem__(self, part: slice) -> Ids:
        """Return the ids of a slice without a step."""
        first, last, _ = part.indices(len(self))
        start = self.start[first : last + 1]
        return Ids(start - start[0], self.letters[start[0] : start[-1]])

    def text(self, index: int) -> str:
        """Return one id as text."""
        return bytes(self.letters[self.start[index] : self.start[index + 1]]).decode("utf-8")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ids)
            and np.array_equal(self.start, other.start)
            and np.array_equal(self.letters, other.letters)
        )

    @classmethod
    def of(cls, texts: Sequence[str]) -> Ids:
        """Return the ids that are given as text."""
        encoded = [text.encode("utf-8") for text in texts]
        start = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return cls(start, np.frombuffer(b"".join(encoded), np.uint8))

    def take(self, index: NDArray[np.signedinteger]) -> Ids:
        """Return the ids at these places."""
        lengths = self.start[1:][index] - self.start[:-1][index]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        letters = np.empty(int(start[-1]), np.uint8)
        _copy_letters(self.start, self.letters, index.astype(np.int64), start, letters)
        return Ids(start, letters)

    def order(self) -> NDArray[np.int64]:
        """Return the places of the ids in ascending order, equal ones in the order in which they stand.

        The order is that of their UTF-8 bytes, which is that of Python's text. Eight bytes are sorted by at a time, and
        only what is equal so far goes on to the next eight.
        """
        order = np.arange(len(self), dtype=np.int64)
        tied = np.arange(len(self), dtype=np.int64)  # places in `order` that are not settled
        group = np.zeros(len(self), np.int64)  # of each of them: equal so far
        longest = int(np.diff(self.start).max(initial=0))
        for at in range(0, longest, _WORD):
            words = _words(self.start, self.letters, order[tied], at)
            by_word = np.lexsort((words, group)) if at else np.argsort(words, kind="stable")
            order[tied] = order[tied][by_word]
            words, group = words[by_word], group[by_word]
            new = np.ones(len(tied), np.bool_)
            new[1:] = (words[1:] != words[:-1]) | (group[1:] != group[:-1])
            alone = new & np.append(new[1:], True)
            group = np.cumsum(new)[~alone]
            tied = tied[~alone]
            if not len(tied):
                break
        return order

    def first_double(self) -> int:
        """Return the first place at which an id equals the one before it, or -1; the ids are in order."""
        return int(_first_double(self.start, self.letters))

    def to_arrow(self) -> pa.Array:
        """Return the ids as an Arrow array that shares their letters."""
        return pa.LargeStringArray.from_buffers(len(self), pa.py_buffer(self.start), pa.py_buffer(self.letters))


def join_ids(parts: Sequence[Ids]) -> Ids:
    """Return the ids of all parts behind one another."""
    ends = np.cumsum([0, *(len(part.letters) for part in parts)])
    starts = [part.start[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
    return Ids(
        np.concatenate([*starts, ends[-1:]]).astype(np.int64),
        np.concatenate([np.empty(0, np.uint8), *(part.letters for part in parts)]),
    )


@njit(cache=True, nogil=True)
def _words(
    start: NDArray[np.int64], letters: NDArray[np.uint8], index: NDArray[np.int64], at: int
) -> NDArray[np.uint64]:
    """Return eight bytes of each id, from `at` on, as a number; what is past its end counts as zero."""
    words = np.empty(len(index), np.uint64)
    for i in range(len(index)):
        begin, end = start[index[i]] + at, start[index[i] + 1]
        word = np.uint64(0)
        for byte in range(_WORD):
            word <<= np.uint64(8)
            if begin + byte < end:
                word |= np.uint64(letters[begin + byte])
        words[i] = word
    return words


@njit(cache=True, nogil=True)
def _copy_letters(
    start: NDArray[np.int64],
    letters: NDArray[np.uint8],
    index: NDArray[np.int64],
    new_start: NDArray[np.int64],
    new_letters: NDArray[np.uint8],
) -> None:
    for i in range(len(index)):
        source, goal = start[index[i]], new_start[i]
        for byte in range(new_start[i + 1] - goal):
            new_letters[goal + byte] = letters[source + byte]


@njit(cache=True, nogil=True)
def _first_double(start: NDArray[np.int64], letters: NDArray[np.uint8]) -> int:
    for i in range(1, len(start) - 1):
        length = start[i + 1] - start[i]
        if length == start[i] - start[i - 1]:
            same = True
            for byte in range(length):
                if letters[start[i] + byte] != letters[start[i - 1] + byte]:
                    same = False
                    break
            if same:
                return i
    return -1
