"""Encoded records as arrays: what a bundle carries, what ingest keys again, what the engine links.

An *entry* is one record in one block: a block token (16 bytes) and the sketches of the record's fields under that
block's hash functions. All entries of one pass have the same width, so they lie in plain arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class PassEntries:
    """The entries of one pass, sorted by token and then row; equal (token, row) pairs stand once.

    `row` is uint32[e], an index into the records; `token` is uint8[e, 16]; `sketch` is uint8[e, w], the pass's fields
    one after another in the model's order without those that the pass omits (w = `LinkageModel.sketch_bytes(pass)`).
    """

    number: int
    row: NDArray[np.uint32]
    token: NDArray[np.uint8]
    sketch: NDArray[np.uint8]


def empty_entries(number: int, count: int, width: int) -> PassEntries:
    """Return room for so many entries of pass `number` whose sketches take `width` bytes."""
    return PassEntries(
        number=number,
        row=np.empty(count, np.uint32),
        token=np.empty((count, TOKEN_BYTES), np.uint8),
        sketch=np.empty((count, width), np.uint8),
    )


def part_of(entries: PassEntries, part: slice) -> PassEntries:
    """Return some entries of a pass, in the same memory."""
    return PassEntries(entries.number, entries.row[part], entries.token[part], entries.sketch[part])


@dataclass(frozen=True, slots=True)
class EncodedRecords:
    """n records: presence bits, EDD weeks and their entries, one `PassEntries` per pass of the model, in its order.

    `presence` is uint32[n], bit i set where the model's i-th field has a value; `edd_week` is int32[n], a week
    ordinal, -1 where missing (or where the model has no such thing).
    """

    presence: NDArray[np.uint32]
    edd_week: NDArray[np.int32]
    passes: tuple[PassEntries, ...]

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.presence)
