"""A bundle's rows as bytes: batches of encoded records beside their attributes (`docs/spec/bundle-v1.md`, section 4).

All numbers are big-endian. A batch is: u32 n; u32 length and UTF-8 JSON object of columns of length n; presence, n u32;
edd_week, n i32; then for each pass of the model, in its order: u32 e; rows, e u32; tokens, e times 16 bytes; sketches,
e times the pass's width. Nothing follows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.columns import ID, check_columns, malformed
from dedup.bundle.kernels import (
    DUTIFUL,
    ENDS_EARLY,
    GOES_ON,
    HIDDEN_SKETCH,
    MAX_ENTRIES_PER_ROW,
    NO_SUCH_ROW,
    ROW_BYTES,
    TOO_MANY,
    UNSORTED,
    find_entries,
)
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries
from dedup.weeks import MISSING_WEEK

MAX_BATCH_BYTES = 64 << 20
MAX_BATCH_ROWS = 65_536
MAX_STATISTICS_BYTES = 256 << 10

_FAULTS = {
    ENDS_EARLY: "it ends before its content does",
    NO_SUCH_ROW: "an entry names a row that is not there",
    TOO_MANY: f"a row has more than {MAX_ENTRIES_PER_ROW} entries in one pass",
    UNSORTED: "entries are not sorted by token and row, or one stands twice",
    HIDDEN_SKETCH: "a missing field has a sketch",
    GOES_ON: "bytes follow its last pass",
}
_U32 = np.dtype(">u4")
_I32 = np.dtype(">i4")


@dataclass(frozen=True, slots=True)
class BundleBatch:
    """Some rows of a bundle, sorted by registratie_id.

    `attributes` holds lists of equal length n: the columns of `dedup.fields.ATTRIBUTES`, or for a generic table only
    `registratie_id` (its id column). `records` holds the same n rows, `row` counting from 0 in the batch.
    """

    attributes: dict[str, list[Any]]
    records: EncodedRecords


def write_batch(batch: BundleBatch, model: LinkageModel, *, provider: str = "") -> bytes:
    """Return a batch as bytes; raises `BundleError` (`bundle.batch-malformed`) if `read_batch` would refuse it."""
    records = batch.records
    # What we send has to be what we would take, and a fault is best found at its source.
    check_columns(batch.attributes, len(records), generic=model.table is not None, provider=provider)
    _check_weeks(records.edd_week, batch.attributes, generic=model.table is not None)
    columns = columns_json(batch.attributes, generic=model.table is not None)
    parts = [
        struct.pack(">II", len(records), len(columns)),
        columns,
        records.presence.astype(_U32).tobytes(),
        records.edd_week.astype(_I32).tobytes(),
    ]
    for entries in records.passes:
        parts.append(struct.pack(">I", len(entries.row)))
        parts.append(entries.row.astype(_U32).tobytes())
        parts.append(np.ascontiguousarray(entries.token).tobytes())
        parts.append(np.ascontiguousarray(entries.sketch).tobytes())
    data = b"".join(parts)
    read_raw_batch(data, BatchLayout.of(model))
    return data


def read_batch(data: bytes | memoryview, model: LinkageModel, *, provider: str = "") -> BundleBatch:
    """Read and check one batch; arrays are copies in native byte order.

    With `provider`, every row has to name it as its aanbieder_agb. Raises `BundleError`: `bundle.oversize`,
    `bundle.batch-malformed` with a sentence that says which rule was broken, never a value.
    """
    raw = read_raw_batch(data, BatchLayout.of(model))
    columns = parse_columns(raw.columns)
    check_columns(columns, len(raw.presence), generic=model.table is not None, provider=provider)
    _check_weeks(raw.edd_week, columns, generic=model.table is not None)
    passes = tuple(
        _copy_entries(raw, index, linkage_pass.number, model.sketch_bytes(linkage_pass))
        for index, linkage_pass in enumerate(model.passes)
    )
    return BundleBatch(columns, EncodedRecords(raw.presence, raw.edd_week, passes))


@dataclass(frozen=True, slots=True)
class BatchLayout:
    """What a model says of a batch's bytes, in the form that the kernels take (see `find_entries`)."""

    width: NDArray[np.int64]
    carried: NDArray[np.int64]
    bit: NDArray[np.int64]
    begin: NDArray[np.int64]
    no_field: np.uint32  # the presence bits that stand for no field

    @classmethod
    def of(cls, model: LinkageModel) -> BatchLayout:
        """Return the layout of a model's batches."""
        carried, bit, begin = [0], [], []
        for linkage_pass in model.passes:
            at = 0
            for position, field in enumerate(model.fields):
                if field.name not in linkage_pass.omits:
                    bit.append(position)
                    begin.append(at)
                    at += field.bits // 8
            carried.append(len(bit))
        return cls(
            width=np.array([model.sketch_bytes(linkage_pass) for linkage_pass in model.passes], np.int64),
            carried=np.array(carried, np.int64),
            bit=np.array(bit, np.int64),
            begin=np.array(begin, np.int64),
            no_field=~np.uint32((1 << len(model.fields)) - 1),
        )


@dataclass(frozen=True, slots=True)
class RawBatch:
    """A batch whose records follow all rules and whose columns nobody looked at.

    `data` is uint8[bytes] and not copied; `place` int64[passes, 2] says where each pass's rows start in it and how many
    entries it has: rows, tokens and sketches lie behind one another.
    """

    data: NDArray[np.uint8]
    columns: bytes
    presence: NDArray[np.uint32]
    edd_week: NDArray[np.int32]
    place: NDArray[np.int64]


def read_raw_batch(data: bytes | memoryview, layout: BatchLayout) -> RawBatch:
    """Find the parts of a batch and check its records, as `read_batch` does; raises the same errors."""
    cursor = _Cursor(memoryview(data))
    n = cursor.u32()
    if not 1 <= n <= MAX_BATCH_ROWS:
        raise BundleError("bundle.oversize", f"A batch has no rows, or more than {MAX_BATCH_ROWS}.")
    columns = bytes(cursor.take(cursor.u32()))
    presence = cursor.array(_U32, n).astype(np.uint32)
    edd_week = cursor.array(_I32, n).astype(np.int32)
    if (presence & layout.no_field).any():
        raise malformed("a presence bit stands for no field of the model")
    whole = np.frombuffer(data, np.uint8)
    whole.flags.writeable = False
    place = np.zeros((len(layout.width), 2), np.int64)
    fault = find_entries(whole, cursor.at, presence, layout.width, layout.carried, layout.bit, layout.begin, place)
    if fault != DUTIFUL:
        raise malformed(_FAULTS[fault])
    return RawBatch(whole, columns, presence, edd_week, place)


def columns_json(columns: dict[str, list[Any]], *, generic: bool) -> bytes:
    """Return checked columns as canonical JSON.

    Only the ids of a generic table can hold what two libraries escape differently; the others are written ten times as
    fast as by `json`.
    """
    return canonical_json(columns) if generic else orjson.dumps(columns, option=orjson.OPT_SORT_KEYS)


def parse_columns(columns: bytes) -> Any:
    """Return a batch's columns; raises `BundleError` (`bundle.batch-malformed`)."""
    try:
        return parse_json(columns)
    except ValueError as error:
        raise malformed("its columns are not unambiguous JSON") from error


def follows(batch: BundleBatch, last_id: str) -> str:
    """Return the batch's last registratie_id after checking that its first one comes after `last_id`.

    Raises `BundleError` (`bundle.batch-malformed`): ids ascend through the whole bundle.
    """
    ids = batch.attributes[ID]
    if ids[0] <= last_id:
        raise malformed("its first registratie_id does not come after the batch before it")
    return str(ids[-1])


def _check_weeks(edd_week: NDArray[np.int32], columns: dict[str, list[Any]], *, generic: bool) -> None:
    if generic:
        if (edd_week != MISSING_WEEK).any():
            raise malformed("a generic table has no expected dates of delivery")
    elif not np.array_equal(edd_week, np.asarray(columns["edd_week"], dtype=np.int64)):
        raise malformed("the expected weeks of delivery differ between columns and records")


def _copy_entries(raw: RawBatch, index: int, number: int, width: int) -> PassEntries:
    start, count = raw.place[index].tolist()
    tokens = start + count * ROW_BYTES
    sketches = tokens + count * TOKEN_BYTES
    return PassEntries(
        number=number,
        row=raw.data[start:tokens].view(_U32).astype(np.uint32),
        token=raw.data[tokens:sketches].reshape(count, TOKEN_BYTES).copy(),
        sketch=raw.data[sketches : sketches + count * width].reshape(count, width).copy(),
    )


class _Cursor:
    """Reads one batch from front to back and never past its end."""

    def __init__(self, data: memoryview) -> None:
        if len(data) > MAX_BATCH_BYTES:
            raise BundleError("bundle.oversize", f"A batch is larger than {MAX_BATCH_BYTES >> 20} MiB.")
        self._data = data
        self.at = 0

    def left(self) -> int:
        return len(self._data) - self.at

    def take(self, count: int) -> memoryview:
        if count > self.left():
            raise malformed("it ends before its content does")
        part = self._data[self.at : self.at + count]
        self.at += count
        return part

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * dtype.itemsize), dtype=dtype)
