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
from numpy.typing import NDArray

from dedup.bundle.canonical import canonical_json, parse_json
from dedup.bundle.columns import check_columns, malformed
from dedup.errors import BundleError
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries
from dedup.weeks import MISSING_WEEK

MAX_BATCH_BYTES = 64 << 20
MAX_BATCH_ROWS = 65_536
MAX_STATISTICS_BYTES = 256 << 10
MAX_ENTRIES_PER_ROW = 64  # in one pass; surname parts times first names stay far below

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
    columns = canonical_json(batch.attributes)
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
    # What we send has to be what we would take, and a fault is best found at its source.
    read_batch(data, model, provider=provider)
    return data


def read_batch(data: bytes | memoryview, model: LinkageModel, *, provider: str = "") -> BundleBatch:
    """Read and check one batch; arrays are copies in native byte order.

    With `provider`, every row has to name it as its aanbieder_agb. Raises `BundleError`: `bundle.oversize`,
    `bundle.batch-malformed` with a sentence that says which rule was broken, never a value.
    """
    cursor = _Cursor(memoryview(data))
    n = cursor.u32()
    if not 1 <= n <= MAX_BATCH_ROWS:
        raise BundleError("bundle.oversize", f"A batch has no rows, or more than {MAX_BATCH_ROWS}.")
    try:
        columns = parse_json(bytes(cursor.take(cursor.u32())))
    except ValueError as error:
        raise malformed("its columns are not unambiguous JSON") from error
    presence = cursor.array(_U32, n).astype(np.uint32)
    edd_week = cursor.array(_I32, n).astype(np.int32)
    check_columns(columns, n, generic=model.table is not None, provider=provider)
    _check_records(presence, edd_week, columns, model)
    passes = tuple(_read_pass(cursor, linkage_pass, model, presence) for linkage_pass in model.passes)
    if cursor.left():
        raise malformed("bytes follow its last pass")
    return BundleBatch(columns, EncodedRecords(presence, edd_week, passes))


def follows(batch: BundleBatch, last_id: str) -> str:
    """Return the batch's last registratie_id after checking that its first one comes after `last_id`.

    Raises `BundleError` (`bundle.batch-malformed`): ids ascend through the whole bundle.
    """
    ids = batch.attributes["registratie_id"]
    if ids[0] <= last_id:
        raise malformed("its first registratie_id does not come after the batch before it")
    return str(ids[-1])


def _check_records(
    presence: NDArray[np.uint32], edd_week: NDArray[np.int32], columns: dict[str, list[Any]], model: LinkageModel
) -> None:
    if (presence & ~np.uint32((1 << len(model.fields)) - 1)).any():
        raise malformed("a presence bit stands for no field of the model")
    if model.table is not None:
        if (edd_week != MISSING_WEEK).any():
            raise malformed("a generic table has no expected dates of delivery")
    elif not np.array_equal(edd_week, np.asarray(columns["edd_week"], dtype=np.int64)):
        raise malformed("the expected weeks of delivery differ between columns and records")


def _read_pass(cursor: _Cursor, linkage_pass: Pass, model: LinkageModel, presence: NDArray[np.uint32]) -> PassEntries:
    n, width, count = len(presence), model.sketch_bytes(linkage_pass), cursor.u32()
    row = cursor.array(_U32, count).astype(np.uint32)
    token = cursor.array(np.dtype(np.uint8), count * TOKEN_BYTES).reshape(count, TOKEN_BYTES).copy()
    sketch = cursor.array(np.dtype(np.uint8), count * width).reshape(count, width).copy()
    if count:
        _check_order(row, token, n)
        _check_absent(row, sketch, presence, linkage_pass, model)
    return PassEntries(linkage_pass.number, row, token, sketch)


def _check_order(row: NDArray[np.uint32], token: NDArray[np.uint8], n: int) -> None:
    if row.max() >= n:
        raise malformed("an entry names a row that is not there")
    if np.bincount(row).max() > MAX_ENTRIES_PER_ROW:
        raise malformed(f"a row has more than {MAX_ENTRIES_PER_ROW} entries in one pass")
    halves = token.view(">u8").astype(np.uint64)
    high, low = halves[:, 0], halves[:, 1]
    equal_high, equal_low = high[1:] == high[:-1], low[1:] == low[:-1]
    ascending = (
        (high[1:] > high[:-1]) | (equal_high & (low[1:] > low[:-1])) | (equal_high & equal_low & (row[1:] > row[:-1]))
    )
    if not ascending.all():
        raise malformed("entries are not sorted by token and row, or one stands twice")


def _check_absent(
    row: NDArray[np.uint32],
    sketch: NDArray[np.uint8],
    presence: NDArray[np.uint32],
    linkage_pass: Pass,
    model: LinkageModel,
) -> None:
    """Refuse a sketch that is not zero although its field is missing: it would carry what nobody declared."""
    entry_presence = presence[row]
    start = 0
    for position, field in enumerate(model.fields):
        if field.name in linkage_pass.omits:
            continue
        end = start + field.bits // 8
        absent = (entry_presence >> np.uint32(position)) & np.uint32(1) == 0
        if sketch[absent, start:end].any():
            raise malformed("a missing field has a sketch")
        start = end


class _Cursor:
    """Reads one batch from front to back and never past its end."""

    def __init__(self, data: memoryview) -> None:
        if len(data) > MAX_BATCH_BYTES:
            raise BundleError("bundle.oversize", f"A batch is larger than {MAX_BATCH_BYTES >> 20} MiB.")
        self._data = data
        self._at = 0

    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> memoryview:
        if count > self.left():
            raise malformed("it ends before its content does")
        part = self._data[self._at : self._at + count]
        self._at += count
        return part

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * dtype.itemsize), dtype=dtype)
