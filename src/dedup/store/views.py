"""What is kept of a snapshot: sketches that nothing ties together, attributes without sketches, and what joins them.

The attribute store has `row_number` (63 random bits, new at each ingest), the columns of `dedup.fields.ATTRIBUTES`,
`first_seen` and `tokens_changed`, in order of registratie_id. The sketches are in a link view, and an entry map says
which of them are of which row number (`dedup.store.link_views`). Each of the three is under another key: the link
view's, the attribute store's, and for the map both. Whoever holds one key learns nothing of the other half. A snapshot
that was not pooled with the others yet has its sketches in the map.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dedup.errors import StoreError
from dedup.fields import ATTRIBUTES, AttributeType
from dedup.link.concatenate import concatenate
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords
from dedup.store.house import Store
from dedup.store.link_views import (
    EncodingOrigin,
    Entropy,
    get_link_view,
    linkable,
    parquet,
    put_whole,
    records_of,
    together,
)
from dedup.store.objects import ObjectDigest, ObjectStore
from dedup.store.submissions import LinkDigests, ViewDigests, entry_map_of

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


def save_views(
    store: Store,
    snapshot: str,
    *,
    records: EncodedRecords,
    attributes: Mapping[str, Sequence[Any]],
    model: LinkageModel,
    origin: EncodingOrigin,
    entropy: Entropy,
) -> ViewDigests:
    """Keep one snapshot, named by its submission's id; value i of each attribute and record i are of one registration.

    `attributes` has the columns of `ATTRIBUTES`, `first_seen` and `tokens_changed` (a date, or None when they never
    did). `entropy(n)` gives n random bytes, for the row numbers.
    """
    numbers = _row_numbers(len(records), entropy)
    content = linkable(records, numbers, snapshot, model=model, origin=origin)
    table = _attribute_table({**attributes, "row_number": numbers})
    return ViewDigests(
        link=put_whole(store, content),
        attributes=store.attributes.put(parquet(table, compression="zstd")),
    )


def load_records(
    store: Store, views: Collection[LinkDigests], snapshots: Collection[str], *, model: LinkageModel
) -> tuple[NDArray[np.int64], EncodedRecords]:
    """Read what is to be linked of these snapshots (submission ids): row numbers int64[n], and the n records.

    The records lie in random order; what is made of them must not depend on it. Raises `StoreError`:
    `store.mixed-origins` when the views come from different epochs, models or ingest keys, `store.other-model` when
    that is another model than `model`, `store.view-twice`, `store.views-differ`, or what `ObjectStore.get` raises.
    """
    if not views:
        return np.empty(0, np.int64), concatenate([], model)
    parts = [get_link_view(store, digests) for digests in sorted(set(views), key=entry_map_of)]
    content = together(parts, snapshots)
    return content.numbers, records_of(content, model)


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
    """Return for each record its row in `attributes`: how the two halves are joined.

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


def _attribute_table(columns: Mapping[str, Sequence[Any] | NDArray[np.int64]]) -> pa.Table:
    arrays = [pa.array(columns[field.name], type=field.type) for field in ATTRIBUTE_SCHEMA]
    return pa.table(arrays, schema=ATTRIBUTE_SCHEMA).sort_by("registratie_id")
