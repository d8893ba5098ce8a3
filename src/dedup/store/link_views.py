"""Link views: bags of single sketches that nothing ties together, and the map, under both keys, that orders them.

A link view holds, for each pass and each of its fields, the sketches of all entries that have the field, in a secret
random order of their own: no tokens, so no blocks; nothing that says which sketches are of one entry, which entries of
one registration, or of which snapshot they are. Whoever reads it can count them, and can find sketches that resemble
each other in one field, which only those of one block can do; he cannot put such a pair beside any other.

All else lies in the entry map: for each registration its row number, its snapshot, its presence bits, its EDD week and
its tokens, and the seed of the orders in which the sketches lie. Until a snapshot is pooled with the others, its map
holds its sketches as well, and it has no link view.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from dedup.errors import StoreError
from dedup.model.linkage import LinkageModel
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries
from dedup.store.house import Store
from dedup.store.submissions import LinkDigests

Entropy = Callable[[int], bytes]

Layout = tuple[tuple[tuple[int, int], ...], ...]

_ORIGIN = b"dedup"
_LINK_VIEW = b"link_view"
_SEED = b"seed"
_LAYOUT = b"layout"
SEED_BYTES = 32
_ENTRIES_OF = "pass_"


@dataclass(frozen=True, slots=True)
class EncodingOrigin:
    """What two link views must share to be compared at all; written into each of them."""

    model_digest: str
    epoch_key_id: str
    ingest_key_id: str


@dataclass(frozen=True, slots=True)
class Linkable:
    """n registrations as they are linked, of one snapshot or of many.

    `numbers` is int64[n], their row numbers; `snapshot` int64[n], indices into `snapshots`, which are submission ids;
    `records` are theirs, entries in any order, with zeros for absent fields. `layout` says for each pass which fields
    its entries carry: the place of a field's presence bit, and its bytes.
    """

    origin: EncodingOrigin
    numbers: NDArray[np.int64]
    snapshots: tuple[str, ...]
    snapshot: NDArray[np.int64]
    records: EncodedRecords
    layout: Layout

    def __len__(self) -> int:
        """Return the number of registrations."""
        return len(self.numbers)


def linkable(
    records: EncodedRecords, numbers: NDArray[np.int64], snapshot: str, *, model: LinkageModel, origin: EncodingOrigin
) -> Linkable:
    """Return one snapshot's records, as the second key leaves them, ready to be kept."""
    layout = tuple(
        tuple((model.fields.index(field), field.bits // 8) for field in model.pass_fields(one)) for one in model.passes
    )
    return Linkable(origin, numbers, (snapshot,), np.zeros(len(records), np.int64), records, layout)


def put_link_view(store: Store, content: Linkable, *, entropy: Entropy) -> LinkDigests:
    """Keep a link view and its entry map; `entropy(n)` gives n random bytes, for the seed of the orders."""
    seed = entropy(SEED_BYTES)
    by_row = [np.argsort(entries.row, kind="stable") for entries in content.records.passes]
    link_view = store.link_views.put(_sketch_table(content, by_row, seed))
    tie = {_LINK_VIEW: link_view.encode("ascii"), _SEED: seed.hex().encode("ascii")}
    return LinkDigests(link_view, store.joined.put(_map_table(content, by_row, tie, whole=False)))


def put_whole(store: Store, content: Linkable) -> LinkDigests:
    """Keep one snapshot until it is pooled, under both keys: an entry map with the sketches in it."""
    by_row = [np.argsort(entries.row, kind="stable") for entries in content.records.passes]
    return LinkDigests(None, store.joined.put(_map_table(content, by_row, {}, whole=True)))


def get_link_view(store: Store, digests: LinkDigests) -> Linkable:
    """Read what `put_link_view` or `put_whole` kept.

    Raises `StoreError`: `store.views-differ` when they were not made together, or what `ObjectStore.get` raises.
    """
    owners = pq.read_table(pa.BufferReader(store.joined.get(digests.entry_map)), use_threads=False)
    metadata = owners.schema.metadata or {}
    if metadata.get(_LINK_VIEW, b"").decode("ascii") != (digests.link_view or ""):
        raise StoreError("store.views-differ", "A link view and an entry map were not made together.")
    layout = tuple(tuple((bit, width) for bit, width in fields) for fields in json.loads(metadata[_LAYOUT]))
    presence = owners["presence"].to_numpy()
    passes = tuple(
        _entries(owners[name].combine_chunks(), int(name.removeprefix(_ENTRIES_OF)))
        for name in owners.column_names
        if name.startswith(_ENTRIES_OF)
    )
    if digests.link_view is not None:
        bags = pq.read_table(pa.BufferReader(store.link_views.get(digests.link_view)), use_threads=False)
        seed = bytes.fromhex(metadata[_SEED].decode("ascii"))
        passes = tuple(_with_sketches(passes, layout, presence, bags["sketches"], seed))
    snapshot = owners["snapshot"].combine_chunks().dictionary_encode()
    return Linkable(
        origin=EncodingOrigin(**json.loads(metadata[_ORIGIN])),
        numbers=owners["row_number"].to_numpy(),
        snapshots=tuple(snapshot.dictionary.to_pylist()),
        snapshot=snapshot.indices.to_numpy().astype(np.int64),
        records=EncodedRecords(presence, owners["edd_week"].to_numpy(), passes),
        layout=layout,
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
    if len(parts) == 1 and (np.diff(numbers) > 0).all():
        return parts[0]
    order = np.argsort(numbers)
    if (np.diff(numbers[order]) == 0).any():
        # Two equal numbers of 63 random bits do not happen by chance: one registration was read twice.
        raise StoreError("store.view-twice", "Two link views hold the same registration.")
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order), dtype=np.uint32)
    starts = np.cumsum([0, *(len(part) for part in parts)])[:-1]
    passes = []
    for entries in zip(*(part.records.passes for part in parts), strict=True):
        rows = np.concatenate([one.row.astype(np.int64) + start for one, start in zip(entries, starts, strict=True)])
        token = np.concatenate([one.token for one in entries])
        passes.append(PassEntries(entries[0].number, place[rows], token, np.concatenate([e.sketch for e in entries])))
    first = np.cumsum([0, *(len(part.snapshots) for part in parts)])[:-1]
    snapshot = np.concatenate([part.snapshot + start for part, start in zip(parts, first, strict=True)])
    return Linkable(
        origin=parts[0].origin,
        numbers=numbers[order],
        snapshots=tuple(name for part in parts for name in part.snapshots),
        snapshot=snapshot[order],
        records=EncodedRecords(
            np.concatenate([part.records.presence for part in parts])[order],
            np.concatenate([part.records.edd_week for part in parts])[order],
            tuple(passes),
        ),
        layout=parts[0].layout,
    )


def records_of(content: Linkable, model: LinkageModel) -> EncodedRecords:
    """Return what the engine links; raises `StoreError` (`store.other-model`) when another model encoded it."""
    if content.origin.model_digest != model.digest:
        message = f"The link views were not made with the linkage model {model.name} as it is now."
        raise StoreError("store.other-model", message)
    return replace(content.records, passes=tuple(map(_sorted, content.records.passes)))


def _restricted(part: Linkable, snapshots: Collection[str]) -> Linkable:
    kept = np.array([name in snapshots for name in part.snapshots], np.bool_)[part.snapshot]
    if kept.all():
        return part
    number = (np.cumsum(kept) - 1).astype(np.uint32)
    passes = []
    for entries in part.records.passes:
        here = kept[entries.row]
        passes.append(PassEntries(entries.number, number[entries.row[here]], entries.token[here], entries.sketch[here]))
    records = EncodedRecords(part.records.presence[kept], part.records.edd_week[kept], tuple(passes))
    return replace(part, numbers=part.numbers[kept], snapshot=part.snapshot[kept], records=records)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one field's sketches lie: bytes `start` to `end` of the entries `order`, in the order of the bag."""

    order: NDArray[np.int64]
    start: int
    end: int


def _places(
    number: int,
    fields: Sequence[tuple[int, int]],
    row: NDArray[np.uint32],
    presence: NDArray[np.uint32],
    seed: bytes,
) -> Iterator[_Place]:
    """Yield for each field of a pass the order of its bag: entries by row, those without the field left out."""
    here, end = presence[row], 0
    for position, (bit, width) in enumerate(fields):
        start, end = end, end + width
        present = np.flatnonzero(here >> np.uint32(bit) & np.uint32(1))
        # Pass and field come first in the counter, so no two bags share any of the stream.
        counter = bytes([number, position]).ljust(16, b"\0")
        stream = Cipher(algorithms.AES(seed), modes.CTR(counter)).encryptor().update(bytes(8 * len(present)))
        yield _Place(present[_order_of(np.frombuffer(stream, "<u8"))], start, end)


def _order_of(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the one order that sorts the keys; equal ones, which hardly ever occur, stay as they stand."""
    order = np.argsort(keys)  # several times as fast as a stable sort
    ordered = keys[order]
    return np.argsort(keys, kind="stable") if (ordered[1:] == ordered[:-1]).any() else order


def _sorted(entries: PassEntries) -> PassEntries:
    halves = np.ascontiguousarray(entries.token).view(">u8").astype(np.uint64)
    order = np.lexsort((entries.row, halves[:, 1], halves[:, 0]))
    return PassEntries(entries.number, entries.row[order], entries.token[order], entries.sketch[order])


def _sketch_table(content: Linkable, by_row: Sequence[NDArray[np.int64]], seed: bytes) -> memoryview:
    """Return the link view: one row for each pass and field, with all its sketches one behind the other."""
    numbers, bits, bags = [], [], []
    for entries, order, fields in zip(content.records.passes, by_row, content.layout, strict=True):
        places = _places(entries.number, fields, entries.row[order], content.records.presence, seed)
        for place, (bit, _) in zip(places, fields, strict=True):
            bag = np.ascontiguousarray(entries.sketch[order[place.order], place.start : place.end])
            ends = pa.py_buffer(np.array([0, bag.size], np.int64))
            bags.append(pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(bag)]))
            numbers.append(entries.number)
            bits.append(bit)
    columns = {
        "pass": pa.array(numbers, pa.int16()),
        "field": pa.array(bits, pa.int16()),
        "sketches": pa.chunked_array(bags, pa.large_binary()),
    }
    table = pa.table(columns).replace_schema_metadata(_metadata(content.origin))
    # Random bytes do not shrink, and column statistics would only repeat part of them.
    return parquet(table, compression="none", use_dictionary=False, write_statistics=False)


def _map_table(
    content: Linkable, by_row: Sequence[NDArray[np.int64]], tie: dict[bytes, bytes], *, whole: bool
) -> memoryview:
    """Return the entry map: one row for each registration, with the tokens of its entries, or all of them (`whole`)."""
    snapshots = pa.DictionaryArray.from_arrays(content.snapshot.astype(np.int32), list(content.snapshots))
    columns: dict[str, Any] = {
        "row_number": content.numbers,
        "snapshot": snapshots.cast(pa.string()),
        "presence": content.records.presence,
        "edd_week": content.records.edd_week,
    }
    for entries, order in zip(content.records.passes, by_row, strict=True):
        ends = np.zeros(len(content) + 1, np.int32)
        np.cumsum(np.bincount(entries.row, minlength=len(content)), out=ends[1:])
        token = entries.token[order]
        body = np.hstack([token, entries.sketch[order]]) if whole else np.ascontiguousarray(token)
        values = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(body.shape[1]), len(entries.row), [None, pa.py_buffer(body)]
        )
        columns[f"{_ENTRIES_OF}{entries.number}"] = pa.ListArray.from_arrays(pa.array(ends), values)
    metadata = _metadata(content.origin) | tie | {_LAYOUT: json.dumps(content.layout).encode("ascii")}
    table = pa.table(columns).replace_schema_metadata(metadata)
    packed = ["snapshot", "presence", "edd_week"]
    return parquet(
        table,
        compression={name: "zstd" if name in packed else "none" for name in table.column_names},
        use_dictionary=packed,
        write_statistics=False,
    )


def _entries(lists: pa.ListArray, number: int) -> PassEntries:
    """Return the entries that the lists, one for each row, hold; without sketches where they hold tokens only."""
    lengths = np.diff(lists.offsets.to_numpy())
    values = lists.flatten()
    width = values.type.byte_width
    data = np.frombuffer(values.buffers()[1] or b"", np.uint8)
    first = values.offset * width
    body = data[first : first + len(values) * width].reshape(-1, width)
    row = np.repeat(np.arange(len(lengths), dtype=np.uint32), lengths)
    return PassEntries(number, row, body[:, :TOKEN_BYTES], body[:, TOKEN_BYTES:])


def _with_sketches(
    passes: Sequence[PassEntries],
    layout: Layout,
    presence: NDArray[np.uint32],
    bags: Iterable[pa.LargeBinaryScalar],
    seed: bytes,
) -> Iterator[PassEntries]:
    """Yield the entries with their sketches, each taken from its place in its bag."""
    bag = iter(bags)
    for entries, fields in zip(passes, layout, strict=True):
        sketch = np.zeros((len(entries.row), sum(width for _, width in fields)), np.uint8)
        for place in _places(entries.number, fields, entries.row, presence, seed):
            stored = np.frombuffer(next(bag).as_buffer(), np.uint8).reshape(-1, place.end - place.start)
            sketch[place.order, place.start : place.end] = stored
        yield replace(entries, sketch=sketch)


def _metadata(origin: EncodingOrigin) -> dict[bytes, bytes]:
    document = {name: getattr(origin, name) for name in ("model_digest", "epoch_key_id", "ingest_key_id")}
    return {_ORIGIN: json.dumps(document, sort_keys=True).encode("ascii")}


def parquet(table: pa.Table, **options: object) -> memoryview:
    """Return a table as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return memoryview(sink.getvalue())
