"""Link views: entries that nothing ties to one another, and the map, under both keys, that says whose they are.

A link view holds entries only, pass by pass in the order of their tokens, entries of one token in random order. Whoever
reads it sees blocks: how many entries share a token, and how far these lie apart. He does not see which entries of
different blocks are of one registration, of which snapshot they are, or which fields an entry lacks: what an absent
field leaves zero is filled with random bits, which lie as far from everything as two strangers' values do.

All else lies in the entry map: for each registration its row number, its snapshot, its presence bits, its EDD week, and
the places of its entries in the link view.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.errors import StoreError
from dedup.model.linkage import LinkageModel
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries
from dedup.store.house import Store
from dedup.store.objects import ObjectDigest
from dedup.store.submissions import LinkDigests

Scalar = TypeVar("Scalar", bound=np.generic)
Entropy = Callable[[int], bytes]

_ORIGIN = b"dedup"
_LINK_VIEW = b"link_view"


@dataclass(frozen=True, slots=True)
class EncodingOrigin:
    """What two link views must share to be compared at all; written into each of them."""

    model_digest: str
    epoch_key_id: str
    ingest_key_id: str


@dataclass(frozen=True, slots=True)
class Bodies:
    """The entries of one pass in any order: `row` is uint32[e], `body` uint8[e, 16 + w], a token and its sketches."""

    number: int
    row: NDArray[np.uint32]
    body: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Linkable:
    """n registrations as they are linked, of one snapshot or of many.

    `numbers` is int64[n], their row numbers; `snapshot` int64[n], indices into `snapshots`, which are submission ids;
    `presence` uint32[n] and `edd_week` int32[n] as in `EncodedRecords`.
    """

    origin: EncodingOrigin
    numbers: NDArray[np.int64]
    snapshots: tuple[str, ...]
    snapshot: NDArray[np.int64]
    presence: NDArray[np.uint32]
    edd_week: NDArray[np.int32]
    passes: tuple[Bodies, ...]

    def __len__(self) -> int:
        """Return the number of registrations."""
        return len(self.numbers)


def linkable(
    records: EncodedRecords,
    numbers: NDArray[np.int64],
    snapshot: str,
    *,
    model: LinkageModel,
    origin: EncodingOrigin,
    entropy: Entropy,
) -> Linkable:
    """Return one snapshot's records ready to be kept, absent fields filled with `entropy(n)`, n random bytes."""
    passes = []
    for linkage_pass, entries in zip(model.passes, records.passes, strict=True):
        body = np.hstack([entries.token, entries.sketch])
        end = TOKEN_BYTES
        for field in model.pass_fields(linkage_pass):
            start, end = end, end + field.bits // 8
            present = records.presence[entries.row] >> np.uint32(model.fields.index(field)) & np.uint32(1)
            absent = np.flatnonzero(present == 0)
            filler = np.frombuffer(entropy(len(absent) * (end - start)), np.uint8)
            body[absent, start:end] = filler.reshape(len(absent), end - start)
        passes.append(Bodies(entries.number, entries.row, body))
    everyone = np.zeros(len(records), np.int64)
    return Linkable(origin, numbers, (snapshot,), everyone, records.presence, records.edd_week, tuple(passes))


def put_link_view(store: Store, content: Linkable, *, entropy: Entropy) -> LinkDigests:
    """Keep a link view and its entry map; `entropy(n)` gives the random bytes that order entries of one token."""
    orders = [_order(entries.body, entropy) for entries in content.passes]
    link_view = store.link_views.put(_entries_table(content, orders))
    return LinkDigests(link_view, store.joined.put(_map_table(content, orders, link_view)))


def get_link_view(store: Store, digests: LinkDigests) -> Linkable:
    """Read a link view and its entry map.

    Raises `StoreError`: `store.views-differ` when they were not made together, or what `ObjectStore.get` raises.
    """
    owners = pq.read_table(pa.BufferReader(store.joined.get(digests.entry_map)), use_threads=False)
    if (owners.schema.metadata or {}).get(_LINK_VIEW, b"").decode("ascii") != digests.link_view:
        raise StoreError("store.views-differ", "A link view and an entry map were not made together.")
    entries = pq.read_table(pa.BufferReader(store.link_views.get(digests.link_view)), use_threads=False)
    passes = []
    for number, width, stored in zip(*(entries[name] for name in ("pass", "width", "entries")), strict=True):
        body = np.frombuffer(stored.as_buffer(), np.uint8).reshape(-1, width.as_py())
        passes.append(Bodies(number.as_py(), _row_of_each(owners, number.as_py(), len(body)), body))
    snapshot = owners["snapshot"].combine_chunks().dictionary_encode()
    return Linkable(
        origin=EncodingOrigin(**json.loads(owners.schema.metadata[_ORIGIN])),
        numbers=owners["row_number"].to_numpy(),
        snapshots=tuple(snapshot.dictionary.to_pylist()),
        snapshot=snapshot.indices.to_numpy().astype(np.int64),
        presence=owners["presence"].to_numpy(),
        edd_week=owners["edd_week"].to_numpy(),
        passes=tuple(passes),
    )


def together(parts: Sequence[Linkable], snapshots: Collection[str]) -> Linkable:
    """Return the registrations of these snapshots in at least one part, in ascending order of row numbers.

    Raises `StoreError`: `store.mixed-origins` when the parts come from different epochs, models or ingest keys, and
    `store.view-twice` when a registration is in two of them.
    """
    if len({part.origin for part in parts}) != 1:
        message = "The link views come from different epochs, models or ingest keys and cannot be compared."
        raise StoreError("store.mixed-origins", message)
    parts = [_restricted(part, snapshots) for part in parts]
    numbers = np.concatenate([part.numbers for part in parts])
    order = np.argsort(numbers)
    if (np.diff(numbers[order]) == 0).any():
        # Two equal numbers of 63 random bits do not happen by chance: one registration was read twice.
        raise StoreError("store.view-twice", "Two link views hold the same registration.")
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order), dtype=np.uint32)
    starts = np.cumsum([0, *(len(part) for part in parts)])[:-1]
    passes = []
    for entries in zip(*(part.passes for part in parts), strict=True):
        rows = np.concatenate([one.row.astype(np.int64) + start for one, start in zip(entries, starts, strict=True)])
        passes.append(Bodies(entries[0].number, place[rows], np.concatenate([one.body for one in entries])))
    first = np.cumsum([0, *(len(part.snapshots) for part in parts)])[:-1]
    return Linkable(
        origin=parts[0].origin,
        numbers=numbers[order],
        snapshots=tuple(name for part in parts for name in part.snapshots),
        snapshot=_in_order(parts, order, lambda at: parts[at].snapshot + first[at]),
        presence=_in_order(parts, order, lambda at: parts[at].presence),
        edd_week=_in_order(parts, order, lambda at: parts[at].edd_week),
        passes=tuple(passes),
    )


def records_of(content: Linkable, model: LinkageModel) -> EncodedRecords:
    """Return what the engine links; raises `StoreError` (`store.other-model`) when another model encoded it."""
    if content.origin.model_digest != model.digest:
        message = f"The link views were not made with the linkage model {model.name} as it is now."
        raise StoreError("store.other-model", message)
    return EncodedRecords(content.presence, content.edd_week, tuple(map(_sorted_entries, content.passes)))


def no_records(model: LinkageModel) -> EncodedRecords:
    """Return what the engine links when there is nothing to link."""
    passes = tuple(
        PassEntries(
            number=one.number,
            row=np.empty(0, np.uint32),
            token=np.empty((0, TOKEN_BYTES), np.uint8),
            sketch=np.empty((0, model.sketch_bytes(one)), np.uint8),
        )
        for one in model.passes
    )
    return EncodedRecords(np.empty(0, np.uint32), np.empty(0, np.int32), passes)


def _restricted(part: Linkable, snapshots: Collection[str]) -> Linkable:
    kept = np.array([name in snapshots for name in part.snapshots], np.bool_)[part.snapshot]
    if kept.all():
        return part
    number = (np.cumsum(kept) - 1).astype(np.uint32)
    passes = []
    for entries in part.passes:
        here = kept[entries.row]
        passes.append(Bodies(entries.number, number[entries.row[here]], entries.body[here]))
    return Linkable(
        part.origin,
        part.numbers[kept],
        part.snapshots,
        part.snapshot[kept],
        part.presence[kept],
        part.edd_week[kept],
        tuple(passes),
    )


def _in_order(
    parts: Sequence[Linkable], order: NDArray[np.int64], column: Callable[[int], NDArray[Scalar]]
) -> NDArray[Scalar]:
    return np.concatenate([column(at) for at in range(len(parts))])[order]


def _order(body: NDArray[np.uint8], entropy: Entropy) -> NDArray[np.int64]:
    """Return the order in which entries are kept: by token, and within a token by chance."""
    ties = np.frombuffer(entropy(8 * len(body)), np.uint64)
    high, low = _halves(body)
    return np.lexsort((ties, low, high))


def _halves(body: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    halves = np.ascontiguousarray(body[:, :TOKEN_BYTES]).view(">u8").astype(np.uint64)
    return halves[:, 0], halves[:, 1]


def _sorted_entries(entries: Bodies) -> PassEntries:
    high, low = _halves(entries.body)
    order = np.lexsort((entries.row, low, high))
    return PassEntries(
        number=entries.number,
        row=entries.row[order],
        token=np.ascontiguousarray(entries.body[order, :TOKEN_BYTES]),
        sketch=np.ascontiguousarray(entries.body[order, TOKEN_BYTES:]),
    )


def _entries_table(content: Linkable, orders: Iterable[NDArray[np.int64]]) -> memoryview:
    """Return the link view: one row for each pass, with all its entries one behind the other."""
    chunks = []
    for entries, order in zip(content.passes, orders, strict=True):
        body = entries.body[order]
        ends = pa.py_buffer(np.array([0, body.size], np.int64))
        chunks.append(pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(body)]))
    columns = {
        "pass": pa.array([entries.number for entries in content.passes], pa.int8()),
        "width": pa.array([entries.body.shape[1] for entries in content.passes], pa.int32()),
        "entries": pa.chunked_array(chunks, pa.large_binary()),
    }
    table = pa.table(columns).replace_schema_metadata(_metadata(content.origin))
    # Random bytes do not shrink, and column statistics would only repeat part of them.
    return parquet(table, compression="none", use_dictionary=False, write_statistics=False)


def _map_table(content: Linkable, orders: Iterable[NDArray[np.int64]], link_view: ObjectDigest) -> memoryview:
    """Return the entry map: one row for each registration, with the places of its entries in the link view."""
    columns: dict[str, Any] = {
        "row_number": content.numbers,
        "snapshot": pa.DictionaryArray.from_arrays(content.snapshot.astype(np.int32), list(content.snapshots)).cast(
            pa.string()
        ),
        "presence": content.presence,
        "edd_week": content.edd_week,
    }
    for entries, order in zip(content.passes, orders, strict=True):
        owner = entries.row[order]
        ends = np.zeros(len(content) + 1, np.int32)
        np.cumsum(np.bincount(owner, minlength=len(content)), out=ends[1:])
        places = np.argsort(owner, kind="stable").astype(np.uint32)
        columns[f"pass_{entries.number}"] = pa.ListArray.from_arrays(pa.array(ends), pa.array(places))
    metadata = _metadata(content.origin) | {_LINK_VIEW: link_view.encode("ascii")}
    return parquet(pa.table(columns).replace_schema_metadata(metadata), compression="zstd", write_statistics=False)


def _row_of_each(owners: pa.Table, number: int, entries: int) -> NDArray[np.uint32]:
    lists = owners[f"pass_{number}"].combine_chunks()
    places = lists.flatten().to_numpy()
    rows = np.empty(entries, np.uint32)
    rows[places] = np.repeat(np.arange(len(lists), dtype=np.uint32), np.diff(lists.offsets.to_numpy()))
    return rows


def _metadata(origin: EncodingOrigin) -> dict[bytes, bytes]:
    document = {name: getattr(origin, name) for name in ("model_digest", "epoch_key_id", "ingest_key_id")}
    return {_ORIGIN: json.dumps(document, sort_keys=True).encode("ascii")}


def parquet(table: pa.Table, **options: object) -> memoryview:
    """Return a table as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return memoryview(sink.getvalue())
