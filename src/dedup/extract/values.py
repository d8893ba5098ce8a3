"""Normalised attributes of a whole table, dictionary-coded: every distinct value is stored and worked on once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ValueSets:
    """For each of n records a set of normalised values (none when missing).

    Record i has the values `values[c]` for c in `codes[offsets[i]:offsets[i + 1]]`; `offsets` is int64[n + 1],
    `codes` is int32[total], `values` holds distinct non-empty strings.
    """

    values: tuple[str, ...]
    offsets: NDArray[np.int64]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.offsets) - 1

    def of(self, record: int) -> tuple[str, ...]:
        """Return one record's values; for messages to the source and tests, not for bulk work."""
        return tuple(self.values[c] for c in self.codes[self.offsets[record] : self.offsets[record + 1]])


@dataclass(frozen=True, slots=True)
class NormalisedTable:
    """A checked and normalised extract or person table, ready to encode; it never leaves the source.

    `ids` names the n records (registratie_id, or the table's id column) in ascending order; `attributes` holds one
    `ValueSets` per attribute of the model; `edd_week` is int32[n] (-1 missing); `clear` is a frame of n rows with the
    columns of `dedup.fields.ATTRIBUTES` (except `sharing`, which still holds the clear verdeling_id), or None for a
    generic table.
    """

    ids: tuple[str, ...]
    attributes: dict[str, ValueSets]
    edd_week: NDArray[np.int32]
    clear: pd.DataFrame | None
