"""Encoded records as a pandas frame: one row per record, one column per field of the model, filled or missing.

A column is light: it points into the encoded records that all columns of a frame share. Nothing of a value can be seen
in it but whether it is there; what two sketches have in common only a comparison tells, and only inside a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray, ExtensionDtype, take

from dedup.errors import DedupError
from dedup.model.linkage import Field, LinkageModel
from dedup.model.records import EncodedRecords


class ToolkitError(DedupError):
    """Frames, pairs or features that the toolkit's plug-ins cannot work on."""


@dataclass(frozen=True, slots=True, repr=False)
class Sketch:
    """One filled cell of a frame; it shows its size and nothing else."""

    bits: int

    def __repr__(self) -> str:
        return f"{self.bits} bits"


@dataclass(frozen=True, eq=False, slots=True)
class EncodedTable:
    """The encoded records that the columns of a frame share, and the model that they were encoded with."""

    records: EncodedRecords
    model: LinkageModel


class SketchDtype(ExtensionDtype):
    """The type of a column of sketches, `sketch[given_name]`."""

    type = Sketch
    na_value = pd.NA
    _metadata = ("field",)

    def __init__(self, field: str) -> None:
        self.field = field

    @property
    def name(self) -> str:  # type: ignore[override]  # pandas asks for either, its stubs for one
        """Return the type with its field."""
        return f"sketch[{self.field}]"

    @classmethod
    def construct_array_type(cls) -> Any:
        """Return the type of array that holds sketches."""
        return SketchArray


class SketchArray(ExtensionArray):
    """A column of sketches: `row` is int64[n], each cell's record in `table`, -1 for a cell of no record."""

    def __init__(self, table: EncodedTable, field: Field, row: NDArray[np.int64]) -> None:
        self.table, self.field, self.row = table, field, row

    @classmethod
    def _from_sequence(cls, scalars: Any, *, dtype: Any = None, copy: bool = False) -> SketchArray:
        if isinstance(scalars, SketchArray) and dtype in (None, scalars.dtype):
            return scalars.copy() if copy else scalars
        raise ToolkitError("toolkit.no-sketches", "Sketches come from dedup encode; they cannot be made of values.")

    @classmethod
    def _concat_same_type(cls, to_concat: Sequence[SketchArray]) -> SketchArray:
        first = to_concat[0]
        if any(array.table is not first.table for array in to_concat):
            raise ToolkitError(
                "toolkit.other-frame",
                "Frames that were made apart cannot be put together; make one with encoded_frame, or link the two.",
            )
        return cls(first.table, first.field, np.concatenate([array.row for array in to_concat]))

    @property
    def dtype(self) -> SketchDtype:
        """Return the column's type."""
        return SketchDtype(self.field.name)

    @property
    def nbytes(self) -> int:
        """Return the bytes of the column itself, without the records that it shares."""
        return self.row.nbytes

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, item: Any) -> Any:
        item = pd.api.indexers.check_array_indexer(self, item)
        if isinstance(item, int | np.integer):
            return pd.NA if self[[int(item)]].isna()[0] else Sketch(self.field.bits)
        return SketchArray(self.table, self.field, self.row[item])

    def __eq__(self, other: object) -> Any:
        """Return which cells are one record's: sketches tell nothing of equal values by themselves."""
        if not isinstance(other, SketchArray) or len(other) != len(self):
            return NotImplemented
        return (self.row == other.row) & (self.row >= 0) & (self.table is other.table)

    def isna(self) -> NDArray[np.bool_]:
        """Return where the field is missing."""
        bit = np.uint32(self.table.model.fields.index(self.field))
        filled = (self.table.records.presence[self.row] >> bit) & np.uint32(1)
        return np.asarray((self.row < 0) | (filled == 0), dtype=np.bool_)

    def take(self, indices: Any, *, allow_fill: bool = False, fill_value: Any = None) -> SketchArray:
        """Return the cells at `indices`; with `allow_fill`, -1 stands for a missing one, which is all that may fill."""
        if allow_fill and not (fill_value is None or pd.isna(fill_value)):
            raise ToolkitError("toolkit.no-sketches", "A column of sketches can only be filled up with missing ones.")
        row = take(self.row, indices, fill_value=-1 if allow_fill else None, allow_fill=allow_fill)
        return SketchArray(self.table, self.field, np.asarray(row, dtype=np.int64))

    def copy(self) -> SketchArray:
        """Return another column of the same records."""
        return SketchArray(self.table, self.field, self.row.copy())


def encoded_frame(
    ids: Sequence[str], records: EncodedRecords, model: LinkageModel, *, index_name: str | None = None
) -> pd.DataFrame:
    """Return a frame with the index `ids` and a column of sketches per field of the model.

    Record i of `records` is `ids[i]`. The index is named after the model's id column, or `index_name`. Raises
    `ToolkitError` (`toolkit.ids`) when there are not as many ids as records, or one stands twice.
    """
    if len(ids) != len(records) or len(set(ids)) < len(ids):
        raise ToolkitError("toolkit.ids", "Every record needs an id of its own.")
    table = EncodedTable(records, model)
    row = np.arange(len(records), dtype=np.int64)
    named = index_name or (model.table.id_column if model.table else "registratie_id")
    columns = {field.name: pd.Series(SketchArray(table, field, row)) for field in model.fields}
    return pd.DataFrame(columns).set_axis(pd.Index(ids, name=named), axis=0)


def sketches_in(frame: pd.DataFrame) -> SketchArray:
    """Return a column of sketches of a frame; raises `ToolkitError` (`toolkit.no-sketches`) when there is none."""
    for name in frame.columns:
        array = frame[name].array
        if isinstance(array, SketchArray):
            return array
    raise ToolkitError("toolkit.no-sketches", "The frame has no column of sketches; encoded_frame makes one.")
