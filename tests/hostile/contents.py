"""Hostile contents: what a registered vendor can seal and sign, so that nobody sees it before the night opens it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

from tests.hostile.cases import PLANTED, TAKEN, Case, after, cut_at, is_instead

from dedup.bundle.canonical import canonical_json
from dedup.bundle.payload import MAX_BATCH_BYTES, MAX_BATCH_ROWS, MAX_STATISTICS_BYTES

PAYLOAD, BATCH, OVERSIZE = "bundle.payload-malformed", "bundle.batch-malformed", "bundle.oversize"
WHOLE = 2**32 - 1
Change = Callable[[bytes], bytes]


def content_of(statistics: bytes, *batches: bytes) -> bytes:
    """Return a body before it is sealed: statistics, then batches, each behind its length."""
    return b"".join([struct.pack(">I", len(statistics)), statistics, *(length(one) + one for one in batches)])


def length(batch: bytes) -> bytes:
    return struct.pack(">Q", len(batch))


def statistics_are(text: bytes | str) -> Change:
    """Send other statistics before the same batch."""
    written = text.encode() if isinstance(text, str) else text
    return lambda batch: content_of(written, batch)


def batch_is(change: Change) -> Change:
    """Send a changed batch, whose length is right."""
    return lambda batch: content_of(b"{}", change(batch))


def columns_are(change: Change) -> Change:
    """Change the JSON of a batch's columns, and leave its length right."""

    def changed(batch: bytes) -> bytes:
        rows, size = struct.unpack_from(">II", batch)
        columns = change(batch[8 : 8 + size])
        return struct.pack(">II", rows, len(columns)) + columns + batch[8 + size :]

    return batch_is(changed)


def column(name: str, *values: Any) -> Change:
    """Give a column other values."""
    return columns_are(lambda text: canonical_json({**json.loads(text), name: list(values)}))


def number_at(offset: int, value: int) -> Change:
    """Put another 32-bit number into a batch."""
    return batch_is(lambda batch: batch[:offset] + struct.pack(">I", value) + batch[offset + 4 :])


def behind_columns(batch: bytes) -> int:
    return 8 + int(struct.unpack_from(">I", batch, 4)[0])


def presence_is(value: int) -> Change:
    return batch_is(lambda batch: _written(batch, behind_columns(batch), value))


def _written(batch: bytes, offset: int, value: int) -> bytes:
    return batch[:offset] + struct.pack(">I", value) + batch[offset + 4 :]


def entries_are(offset: int, value: int) -> Change:
    """Put a number into the first pass: its count of entries at 0, then the row of each entry."""
    return batch_is(lambda batch: _written(batch, behind_columns(batch) + 16 + offset, value))


def tokens_swapped(batch: bytes) -> bytes:
    start = behind_columns(batch) + 16 + 4 + 8
    first, second = batch[start : start + 16], batch[start + 16 : start + 32]
    return batch[:start] + second + first + batch[start + 32 :]


def twice_named(text: bytes) -> bytes:
    return text[:-1] + b',"status":["ingeschreven","ingeschreven"]}'


# Each case makes a content of one right batch of two rows.
CONTENTS = [
    Case("nothing at all", PAYLOAD, is_instead(b"")),
    Case("half a length", PAYLOAD, is_instead(b"\0\0")),
    Case("statistics of 4 GiB", OVERSIZE, lambda batch: struct.pack(">I", WHOLE) + batch),
    Case("statistics one byte too long", OVERSIZE, statistics_are(b" " * (MAX_STATISTICS_BYTES + 1))),
    Case("statistics that are a list", PAYLOAD, statistics_are("[]")),
    Case("statistics that are a number", PAYLOAD, statistics_are("9" * 5_000)),
    Case("statistics with a member twice", PAYLOAD, statistics_are('{"rows":1,"rows":2}')),
    Case("statistics with no number", PAYLOAD, statistics_are('{"rows":NaN}')),
    Case("statistics without end", PAYLOAD, statistics_are('{"a":' * 40_000)),
    Case("statistics in UTF-16", PAYLOAD, statistics_are("{}".encode("utf-16"))),
    Case("statistics with a byte order mark", PAYLOAD, statistics_are(b"\xef\xbb\xbf{}")),
    Case("statistics with half a character", PAYLOAD, statistics_are('{"a":"\\ud800"}')),
    Case("statistics with a client's name", TAKEN, statistics_are(json.dumps({"rows": 2, "naam": PLANTED}))),
    Case("a count of a client's name", TAKEN, statistics_are(json.dumps({"counts_by_code": {PLANTED: 1}}))),
    Case("a count that is text", TAKEN, statistics_are(json.dumps({"rows": PLANTED, "accepted": -1}))),
    Case("a batch of 16 EiB", OVERSIZE, lambda batch: content_of(b"{}") + b"\xff" * 8 + batch),
    Case("a batch a byte over the limit", OVERSIZE,
         lambda batch: content_of(b"{}") + struct.pack(">Q", MAX_BATCH_BYTES + 1) + batch),
    Case("a batch that is not all there", PAYLOAD, lambda batch: content_of(b"{}") + length(batch) + batch[:-1]),
    Case("a batch of no bytes", BATCH, batch_is(is_instead(b""))),
    Case("half a length behind the last batch", PAYLOAD, lambda batch: content_of(b"{}", batch) + b"\0\0\0"),
    Case("the same batch twice", BATCH, lambda batch: content_of(b"{}", batch, batch)),
    Case("Parquet for a batch", OVERSIZE, batch_is(is_instead(b"PAR1" + bytes(64) + b"PAR1"))),
    Case("no rows", OVERSIZE, number_at(0, 0)),
    Case("a row more than there is", BATCH, number_at(0, 3)),
    Case("a row too many for a batch", OVERSIZE, number_at(0, MAX_BATCH_ROWS + 1)),
    Case("four thousand million rows", OVERSIZE, number_at(0, WHOLE)),
    Case("columns of 4 GiB", BATCH, number_at(4, WHOLE)),
    Case("columns of no bytes", BATCH, columns_are(is_instead(b""))),
    Case("columns that are a list", BATCH, columns_are(is_instead(b"[]"))),
    Case("columns without end", BATCH, columns_are(is_instead(b"[" * 100_000))),
    Case("columns that break off", BATCH, columns_are(cut_at(-1))),
    Case("columns that are not UTF-8", BATCH, columns_are(after(b"\xff"))),
    Case("a column twice", BATCH, columns_are(twice_named)),
    Case("a column that nobody knows", BATCH, column("achternaam", PLANTED, PLANTED)),
    Case("a column of one value", BATCH, column("status", "ingeschreven")),
    Case("a column that is no list", BATCH,
         columns_are(lambda text: canonical_json({**json.loads(text), "status": "ingeschreven"}))),
    Case("a cell that is a list", BATCH, column("status", [], "ingeschreven")),
    Case("a cell that is nested", BATCH, column("uren_band", {"a": {}}, 1)),
    Case("text for a number", BATCH, column("uren_band", "1", "2")),
    Case("true for a number", BATCH, column("uren_band", True, False)),
    Case("a fraction for a number", BATCH, column("uren_band", 1.5, 2)),
    Case("a number of 5,000 digits", BATCH, column("uren_band", 10**4_000, 1)),
    Case("a negative number", BATCH, column("uren_band", -2, 1)),
    Case("a week before all weeks", BATCH, column("edd_week", -(2**63), 0)),
    Case("a client's name for a status", BATCH, column("status", PLANTED, "ingeschreven")),
    Case("a NUL in an id", BATCH, column("registratie_id", "reg-1\0", "reg-2")),
    Case("a path for an id", BATCH, column("registratie_id", "../../etc/passwd", "reg-2")),
    Case("an endless id", BATCH, column("registratie_id", "r" * 100_000, "reg-2")),
    Case("an empty id", BATCH, column("registratie_id", "", "reg-2")),
    Case("an id twice", BATCH, column("registratie_id", "reg-1", "reg-1")),
    Case("ids out of order", BATCH, column("registratie_id", "reg-2", "reg-1")),
    Case("a path for a region", BATCH, column("ksv", "../reports", "")),
    Case("another provider's row", BATCH, column("aanbieder_agb", "12345678", "23456789")),
    Case("a week that the records do not have", BATCH, column("edd_week", 105_001, 105_002)),
    Case("a field that the model does not have", BATCH, presence_is(WHOLE)),
    Case("missing fields with sketches", BATCH, presence_is(0)),
    Case("four thousand million entries", BATCH, entries_are(0, WHOLE)),
    Case("an entry more than there is", BATCH, entries_are(0, 3)),
    Case("an entry less than there is", BATCH, entries_are(0, 1)),
    Case("an entry of a row that is not there", BATCH, entries_are(4, 2)),
    Case("an entry of a negative row", BATCH, entries_are(4, WHOLE)),
    Case("tokens out of order", BATCH, batch_is(tokens_swapped)),
    Case("a byte behind the last pass", BATCH, batch_is(after(b"\0"))),
    Case("a client's name behind the last pass", BATCH, batch_is(after(PLANTED.encode()))),
    Case("a pass too few", BATCH, batch_is(cut_at(-40))),
]  # fmt: skip
