"""Normalised attributes of a whole table, dictionary-coded: every distinct value is stored and worked on once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ValueSets:
    """For each of n records a set of normalised values (none when missing).

    Record i has the values `values[c]` for c in `codes[offsets[i]:offsets[i + 1]]`; `offsets` is int64[n + 1],
    `codes` is int32[total], `values` holds distinct non-empty strings, some of which no record here may have. Its
    representation leaves them out: identifiers stay out of tracebacks.
    """

    values: tuple[str, ...] = field(repr=False)
    offsets: NDArray[np.int64]
    codes: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.offsets) - 1

    def part(self, first: int, last: int) -> ValueSets:
        """Return the sets of the records from `first` to before `last`, or to the end; `values` stays whole."""
        offsets = self.offsets[first : last + 1]
        return ValueSets(self.values, offsets - offsets[0], self.codes[offsets[0] : offsets[-1]])

    def of(self, record: int) -> tuple[str, ...]:
        """Return one record's values; for messages to the source and tests, not for bulk work."""
        return tuple(self.values[c] for c in self.codes[self.offsets[record] : self.offsets[record + 1]])


def _joined_sets(parts: Sequence[ValueSets]) -> ValueSets:
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return ValueSets(parts[0].values, offsets, np.concatenate([part.codes for part in parts]))


@dataclass(frozen=True, slots=True)
class NormalisedTable:
    """A checked and normalised extract or person table, ready to encode; it never leaves the source.

    `ids` names the n records (registratie_id, or the table's id column) in ascending order; `attributes` holds one
    `ValueSets` per attribute of the model; `edd_week` is int32[n] (-1 missing); `clear` holds the columns of
    `dedup.fields.ATTRIBUTES` (as `clear_attributes` makes them; `sharing` is still the clear verdeling_id), or is None
    for a generic table.
    """

    ids: tuple[str, ...]
    attributes: dict[str, ValueSets]
    edd_week: NDArray[np.int32]
    clear: Mapping[str, NDArray[Any]] | None = field(repr=False)

    def part(self, first: int, last: int) -> NormalisedTable:
        """Return the records from `first` to before `last`, or to the end."""
        return NormalisedTable(
            ids=self.ids[first:last],
            attributes={name: values.part(first, last) for name, values in self.attributes.items()},
            edd_week=self.edd_week[first:last],
            clear=None if self.clear is None else {name: part[first:last] for name, part in self.clear.items()},
        )


def shares_values(one: NormalisedTable, other: NormalisedTable) -> bool:
    """Tell tables that were read together: their codes stand for the very same values."""
    return all(sets.values is other.attributes[name].values for name, sets in one.attributes.items())


def joined(tables: Sequence[NormalisedTable]) -> NormalisedTable:
    """Return the records of tables that share their values as one table, one table's behind another's."""
    clear = [table.clear for table in tables if table.clear is not None]
    return NormalisedTable(
        ids=tuple(chain.from_iterable(table.ids for table in tables)),
        attributes={name: _joined_sets([table.attributes[name] for table in tables]) for name in tables[0].attributes},
        edd_week=np.concatenate([table.edd_week for table in tables]),
        clear={name: np.concatenate([columns[name] for columns in clear]) for name in clear[0]} if clear else None,
    )
