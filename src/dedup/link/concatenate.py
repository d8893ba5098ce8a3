"""Puts encoded records of several batches behind one another, and in another order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dedup.model.linkage import LinkageModel
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries


def concatenate(parts: Sequence[EncodedRecords], model: LinkageModel) -> EncodedRecords:
    """Return all records; their entries are left in the order of the parts, which the engine does not mind."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    passes = []
    for index, linkage_pass in enumerate(model.passes):
        entries = [part.passes[index] for part in parts]
        width = model.sketch_bytes(linkage_pass)
        rows = [part.row + np.uint32(start) for part, start in zip(entries, starts[:-1], strict=True)]
        passes.append(
            PassEntries(
                number=linkage_pass.number,
                row=np.concatenate([np.empty(0, dtype=np.uint32), *rows]),
                token=np.concatenate([np.empty((0, TOKEN_BYTES), dtype=np.uint8), *(part.token for part in entries)]),
                sketch=np.concatenate([np.empty((0, width), dtype=np.uint8), *(part.sketch for part in entries)]),
            )
        )
    return EncodedRecords(
        presence=np.concatenate([np.empty(0, dtype=np.uint32), *(part.presence for part in parts)]),
        edd_week=np.concatenate([np.empty(0, dtype=np.int32), *(part.edd_week for part in parts)]),
        passes=tuple(passes),
    )


def reorder(records: EncodedRecords, order: NDArray[np.int64]) -> EncodedRecords:
    """Return the records so that record i is the one that stood at `order[i]`; entries stay where they are."""
    place = np.empty(len(order), dtype=np.uint32)
    place[order] = np.arange(len(order), dtype=np.uint32)
    return EncodedRecords(
        presence=records.presence[order],
        edd_week=records.edd_week[order],
        passes=tuple(
            PassEntries(number=entries.number, row=place[entries.row], token=entries.token, sketch=entries.sketch)
            for entries in records.passes
        ),
    )
