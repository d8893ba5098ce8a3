"""The two views of a snapshot: encodings without attributes, attributes without encodings, under different keys.

The link view has one row per registration: `row_number` (63 random bits, new at each ingest, in ascending order, so the
rows lie in random order), `edd_week`, `presence`, and for each pass N a list `pass_N` of entries (token and sketches as
one fixed-size binary). The attribute store has `row_number`, the columns of `dedup.fields.ATTRIBUTES`, `first_seen` and
`tokens_changed`, in order of registratie_id. Whoever holds one view learns nothing of the other; whoever may have both
joins them by row number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.errors import StoreError
from dedup.fields import ATTRIBUTES, AttributeType
from dedup.model.linkage import LinkageModel
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries
from dedup.store.objects import ObjectDigest, ObjectStore
from dedup.store.submissions import ViewDigests

Scalar = TypeVar("Scalar", bound=np.generic)
Entropy = Callable[[int], bytes]

_ORIGIN = b"dedup"
_COLUMN_TYPES = {
    AttributeType.TEXT: pa.string(),
    AttributeType.WEEK: pa.int32(),
    AttributeType.NUMBER: pa.int32(),
    AttributeType.YES_NO: pa.int8(),
}
ATTRIBUTE_SCHEMA = pa.schema(
    [pa.field("row_number", pa.int64())]
    + [pa.field(name, _COLUMN_TYPES[kind]) for name, kind in ATTRIBUTES.items()]
    + [pa.field("first_seen", pa.date32()), pa.field("tokens_changed", pa.date32())]
)


@dataclass(frozen=True, slots=True)
class EncodingOrigin:
    """What two link views must share to be compared at all; written into each of them."""

    model_digest: str
    epoch_key_id: str
    ingest_key_id: str


def save_views(
    link_views: ObjectStore,
    attribute_store: ObjectStore,
    *,
    records: EncodedRecords,
    attributes: Mapping[str, Sequence[Any]],
    model: LinkageModel,
    origin: EncodingOrigin,
    entropy: Entropy,
) -> ViewDigests:
    """Store the two views of one snapshot; value i of each attribute and record i are of the same registration.

    `attributes` has the columns of `ATTRIBUTES`, `first_seen` and `tokens_changed` (a date, or None when they never
    did). `entropy(n)` gives n random bytes, for the row numbers only.
    """
    numbers = _row_numbers(len(records), entropy)
    link_table = _link_table(records, numbers, model, origin)
    attribute_table = _attribute_table({**attributes, "row_number": numbers})
    return ViewDigests(
        # Random bytes do not shrink, and column statistics would only repeat part of them.
        link_view=link_views.put(
            _parquet(link_table, compression="none", use_dictionary=False, write_statistics=False)
        ),
        attributes=attribute_store.put(_parquet(attribute_table, compression="zstd")),
    )


def load_link_views(
    store: ObjectStore, digests: Sequence[ObjectDigest], *, model: LinkageModel
) -> tuple[NDArray[np.int64], EncodedRecords]:
    """Read link views and put them one behind the other: row numbers int64[n], and the n records.

    The records lie in random order; what is made of them must not depend on it. Raises `StoreError`:
    `store.mixed-origins` when the views come from different epochs, models or ingest keys, `store.other-model` when
    that is another model than `model`, or what `ObjectStore.get` raises.
    """
    tables = [pq.read_table(pa.BufferReader(store.get(digest)), use_threads=False) for digest in digests]
    _check_origins(tables, model)
    numbers = _concatenated(tables, "row_number", np.dtype(np.int64))
    if len(np.unique(numbers)) != len(numbers):
        # Two equal numbers of 63 random bits do not happen by chance: one view was read twice.
        raise StoreError("store.view-twice", "The same link view was named twice.")
    passes = tuple(
        _read_pass(tables, linkage_pass.number, TOKEN_BYTES + model.sketch_bytes(linkage_pass))
        for linkage_pass in model.passes
    )
    records = EncodedRecords(
        presence=_concatenated(tables, "presence", np.dtype(np.uint32)),
        edd_week=_concatenated(tables, "edd_week", np.dtype(np.int32)),
        passes=passes,
    )
    return numbers, records


def load_attributes(store: ObjectStore, digests: Sequence[ObjectDigest]) -> pd.DataFrame:
    """Read attribute stores into one frame, sorted by provider and registratie_id, whatever the order of `digests`.

    Columns: those of `ATTRIBUTES`, `row_number` (int64), `first_seen` (date), `tokens_changed` (date or None). Raises
    what `ObjectStore.get` raises.
    """
    tables = [pq.read_table(pa.BufferReader(store.get(digest)), use_threads=False) for digest in digests]
    table = pa.concat_tables([ATTRIBUTE_SCHEMA.empty_table(), *tables])
    frame: pd.DataFrame = table.sort_by([("aanbieder_agb", "ascending"), ("registratie_id", "ascending")]).to_pandas()
    return frame


def rows_of(row_numbers: NDArray[np.int64], attributes: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each record of the link view its row in `attributes`: how the two views are joined.

    Raises `StoreError` (`store.views-differ`) when they do not hold exactly the same row numbers.
    """
    wanted = attributes["row_number"].to_numpy()
    order = np.argsort(wanted)
    place = np.searchsorted(wanted, row_numbers, sorter=order)
    rows = order[np.minimum(place, len(order) - 1)] if len(order) else np.empty(0, dtype=np.int64)
    if len(wanted) != len(row_numbers) or not np.array_equal(wanted[rows], row_numbers):
        raise StoreError("store.views-differ", "The link views and the attribute stores hold different registrations.")
    return rows


def _row_numbers(count: int, entropy: Entropy) -> NDArray[np.int64]:
    while True:
        numbers = np.frombuffer(entropy(8 * count), dtype=np.int64) & np.int64(2**63 - 1)
        if len(np.unique(numbers)) == count:
            return numbers


def _link_table(
    records: EncodedRecords, numbers: NDArray[np.int64], model: LinkageModel, origin: EncodingOrigin
) -> pa.Table:
    order = np.argsort(numbers)
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    columns = {
        "row_number": pa.array(numbers[order]),
        "edd_week": pa.array(records.edd_week[order]),
        "presence": pa.array(records.presence[order]),
    }
    for linkage_pass, entries in zip(model.passes, records.passes, strict=True):
        columns[f"pass_{linkage_pass.number}"] = _entry_lists(entries, position)
    metadata = {
        _ORIGIN: json.dumps(
            {
                "scheme": "dedup/v1",
                "model_digest": origin.model_digest,
                "epoch_key_id": origin.epoch_key_id,
                "ingest_key_id": origin.ingest_key_id,
            },
            sort_keys=True,
        ).encode()
    }
    return pa.table(columns).replace_schema_metadata(metadata)


def _attribute_table(columns: Mapping[str, Sequence[Any] | NDArray[np.int64]]) -> pa.Table:
    arrays = [pa.array(columns[field.name], type=field.type) for field in ATTRIBUTE_SCHEMA]
    return pa.table(arrays, schema=ATTRIBUTE_SCHEMA).sort_by("registratie_id")


def _entry_lists(entries: PassEntries, position: NDArray[np.int64]) -> pa.ListArray:
    """Return the entries grouped by record, records in their new order, a record's entries by token."""
    rows = position[entries.row]
    by_row = np.argsort(rows, kind="stable")
    joined = np.hstack([entries.token, entries.sketch])[by_row]
    width = joined.shape[1]
    values = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(joined), [None, pa.py_buffer(joined)])
    offsets = np.zeros(len(position) + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=len(position)), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _parquet(table: pa.Table, **options: object) -> memoryview:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return memoryview(sink.getvalue())


def _check_origins(tables: Iterable[pa.Table], model: LinkageModel) -> None:
    origins = {(table.schema.metadata or {}).get(_ORIGIN) for table in tables}
    if len(origins) > 1:
        message = "The link views come from different epochs, models or ingest keys and cannot be compared."
        raise StoreError("store.mixed-origins", message)
    for origin in origins:
        if origin is None or json.loads(origin)["model_digest"] != model.digest:
            message = f"The link views were not made with the linkage model {model.name} as it is now."
            raise StoreError("store.other-model", message)


def _concatenated(tables: Sequence[pa.Table], column: str, dtype: np.dtype[Scalar]) -> NDArray[Scalar]:
    parts = [table[column].to_numpy() for table in tables]
    return np.concatenate([np.empty(0, dtype=dtype), *parts])


def _read_pass(tables: Sequence[pa.Table], number: int, width: int) -> PassEntries:
    """Gather one pass's entries of all tables, sorted by token and then record."""
    rows, blocks, start = [np.empty(0, dtype=np.uint32)], [np.empty((0, width), dtype=np.uint8)], 0
    for table in tables:
        lists = table[f"pass_{number}"].combine_chunks()
        lengths = np.diff(lists.offsets.to_numpy())
        rows.append(np.repeat(np.arange(start, start + len(lengths), dtype=np.uint32), lengths))
        values = lists.flatten()
        data = np.frombuffer(values.buffers()[1] or b"", dtype=np.uint8)
        first = values.offset * width
        blocks.append(data[first : first + len(values) * width].reshape(-1, width))
        start += len(lengths)
    row, joined = np.concatenate(rows), np.concatenate(blocks)
    halves = np.ascontiguousarray(joined[:, :TOKEN_BYTES]).view(">u8").astype(np.uint64)
    # Stable, and rows ascend already: equal tokens stay in the order of their records.
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    joined = joined[order]
    return PassEntries(
        number=number,
        row=row[order],
        token=np.ascontiguousarray(joined[:, :TOKEN_BYTES]),
        sketch=np.ascontiguousarray(joined[:, TOKEN_BYTES:]),
    )
