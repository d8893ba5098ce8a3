"""Goes through many bundles twice: first to learn which entries meet another one, then to take only those.

An entry that is alone in its block finds no pair, and three in four are. Of many bundles nothing but ids, presence and
weeks is kept of the first reading, and of the second the entries that are shared, so memory holds a fraction of what
the bundles hold; a few are held in memory in between, so that they are opened and checked once. What comes out does not
depend on that, on the order of the bundles, on how records are spread over them, or on threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.columns import ID, check_columns, malformed
from dedup.bundle.container import FileState
from dedup.bundle.kernels import find_again, mark_tokens, split_ids, take_again
from dedup.bundle.keys import SealingPrivateKey
from dedup.bundle.payload import BatchLayout, RawBatch, parse_columns
from dedup.bundle.reader import OpenBundle, open_bundle
from dedup.errors import BundleError
from dedup.lab.ids import Ids, join_ids
from dedup.model.linkage import LinkageModel
from dedup.model.records import PassEntries, empty_entries, part_of

HELD_BODY = 16 << 20  # bytes; a bundle of some 18,000 registrations
HELD_IN_ALL = 1 << 30  # bytes of bundles that are held between the two readings, some 1,100,000 registrations
# More shards would each be nearer to the processor's cache; but each ends in a large page that is partly unused.
SHARDS = 16
# One bit for so many bytes of bundles: of the entries that meet no other one, a twentieth is taken for nothing.
_BYTES_A_BIT = 32
_LONGEST_ID = 64
_ID_COLUMN = f'"{ID}":['.encode("ascii")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What the first reading keeps of a bundle, row i of `presence` and `edd_week` being registration `ids[i]`.

    `batches` are there where bundles are held, else they are read again.
    """

    path: Path
    state: FileState
    epoch_key_id: str
    body_sha256: str
    ids: Ids
    presence: NDArray[np.uint32]
    edd_week: NDArray[np.int32]
    batches: tuple[RawBatch, ...] | None


class SharedTokens:
    """Which block tokens stand in the bundles more than once, as a table of bits per pass.

    A token is never wrongly said to stand once; one in twenty is wrongly said to stand more often. `shards` is
    int64[passes, 2^k], how many tokens have each number as their first k bits.
    """

    def __init__(self, passes: int, bundle_bytes: int, shards: int) -> None:
        words = max(bundle_bytes // _BYTES_A_BIT // 64, 1)
        words = 1 << (words - 1).bit_length()
        self.seen = np.zeros((passes, 2 * words), np.uint64)
        self.shards = np.zeros((passes, shards), np.int64)
        self._locks = [threading.Lock() for _ in range(passes)]

    def note(self, raw: RawBatch) -> None:
        """Note the tokens of a batch; safe to call from several threads, in any order."""
        tables = zip(raw.place.tolist(), self.seen, self.shards, self._locks, strict=True)
        for (start, entries), seen, shards, lock in tables:
            with lock:
                mark_tokens(raw.data, start, entries, seen, shards)


@dataclass(frozen=True, slots=True)
class BundleReading:
    """How bundles are read: the model that they were made with, and the key that opens sealed ones.

    Bundles of at most `hold` bytes together are held in memory between the two readings. What is kept is divided into
    `shards`, a power of two.
    """

    model: LinkageModel
    layout: BatchLayout
    opened_with: SealingPrivateKey | None
    hold: int
    shards: int

    @classmethod
    def of(
        cls, model: LinkageModel, opened_with: SealingPrivateKey | None, hold: int = HELD_IN_ALL, shards: int = SHARDS
    ) -> BundleReading:
        """Return the reading of a model's bundles."""
        return cls(model, BatchLayout.of(model), opened_with, hold, shards)

    def open(self, path: Path, checked: FileState | None = None) -> OpenBundle:
        """Open a bundle, whose body is not hashed again in the state `checked`; raises what `open_bundle` raises."""
        return open_bundle(path, model=self.model, opened_with=self.opened_with, hold=HELD_BODY, checked=checked)


def survey(path: Path, reading: BundleReading, shared: SharedTokens, *, hold: bool) -> Surveyed:
    """Read a bundle for the first time, check its records and note its tokens; `hold` keeps its batches.

    Of the columns only registratie_id is looked at: the engine needs no other. Raises what reading a bundle raises.
    """
    ids, presence, edd_week = [], [np.empty(0, np.uint32)], [np.empty(0, np.int32)]
    held: list[RawBatch] = []
    with reading.open(path) as bundle:
        for raw in bundle.raw_batches(reading.layout):
            ids.append(_ids(raw, reading.model))
            presence.append(raw.presence)
            edd_week.append(raw.edd_week)
            shared.note(raw)
            if hold:
                held.append(replace(raw, columns=b""))
    for one, other in pairwise(ids):
        if one.text(len(one) - 1) >= other.text(0):
            raise malformed("its first registratie_id does not come after the batch before it")
    return Surveyed(
        path=path,
        state=bundle.state,
        epoch_key_id=bundle.manifest.epoch_key_id,
        body_sha256=bundle.manifest.body_sha256,
        ids=join_ids(ids),
        presence=np.concatenate(presence),
        edd_week=np.concatenate(edd_week),
        batches=tuple(held) if hold else None,
    )


class SharedEntries:
    """The shared entries of all bundles by pass and shard, written by several threads in the order in which they come.

    There is room for every entry that was surveyed; the system gives memory for what is written only. The order of
    entries depends on threads, and nothing that is made of them does: they are sorted by token and row first.
    """

    def __init__(self, model: LinkageModel, shared: SharedTokens) -> None:
        self._passes: list[PassEntries | None] = [
            empty_entries(linkage_pass.number, count, model.sketch_bytes(linkage_pass))
            for linkage_pass, count in zip(model.passes, shared.shards.sum(axis=1).tolist(), strict=True)
        ]
        self._start = np.cumsum(shared.shards, axis=1) - shared.shards
        self._end = self._start.copy()
        self._shared = shared
        self._lock = threading.Lock()

    def add(self, raw: RawBatch, first_row: int) -> None:
        """Copy the shared entries of a batch whose rows count from `first_row`; safe to call from several threads."""
        counts = np.zeros_like(self._end)
        again = [np.empty(entries, np.bool_) for entries in raw.place[:, 1].tolist()]
        for index, (start, entries) in enumerate(raw.place.tolist()):
            find_again(raw.data, start, entries, self._shared.seen[index], counts[index], again[index])
        with self._lock:
            at = self._end.copy()
            self._end += counts
        for index, start in enumerate(raw.place[:, 0].tolist()):
            to = self._passes[index]
            if to is not None:
                take_again(raw.data, start, again[index], first_row, at[index], to.row, to.token, to.sketch)

    def pop(self, index: int) -> list[PassEntries]:
        """Return the entries of a pass, shard by shard, and forget them; raises `ValueError` the second time."""
        entries = self._passes[index]
        if entries is None:
            raise ValueError("a pass can be taken once")
        self._passes[index] = None
        bounds = zip(self._start[index].tolist(), self._end[index].tolist(), strict=True)
        return [part_of(entries, slice(start, end)) for start, end in bounds]


def take(surveyed: Surveyed, first_row: int, reading: BundleReading, into: SharedEntries) -> None:
    """Put a bundle's shared entries into `into`, its rows counting from `first_row`.

    Raises `BundleError` (`link.bundle-changed`) when it is read again and is not the one that was surveyed.
    """
    for raw in _read_again(surveyed, reading) if surveyed.batches is None else surveyed.batches:
        into.add(raw, first_row)
        first_row += len(raw.presence)


def _read_again(surveyed: Surveyed, reading: BundleReading) -> Iterator[RawBatch]:
    with reading.open(surveyed.path, surveyed.state) as bundle:
        if bundle.manifest.body_sha256 != surveyed.body_sha256:
            raise BundleError("link.bundle-changed", f"{surveyed.path.name} was replaced while it was read.")
        yield from bundle.raw_batches(reading.layout)


def take_all(
    surveyed: Sequence[Surveyed], reading: BundleReading, shared: SharedTokens, pool: Executor
) -> SharedEntries:
    """Go through all bundles again; the entries' rows count all bundles' rows in the order of `surveyed`."""
    into = SharedEntries(reading.model, shared)
    starts = np.cumsum([0, *(len(one.presence) for one in surveyed)]).tolist()
    for _ in pool.map(lambda one, first: take(one, first, reading, into), surveyed, starts[:-1]):
        pass
    return into


def survey_all(bundles: Sequence[Path], reading: BundleReading, pool: Executor) -> tuple[list[Surveyed], SharedTokens]:
    """Read all bundles for the first time.

    Raises `BundleError`: what reading a bundle raises, and `link.epochs` when they come from different epochs.
    """
    size = sum(path.stat().st_size for path in bundles)
    shared = SharedTokens(len(reading.model.passes), size, reading.shards)
    surveyed = list(pool.map(lambda path: survey(path, reading, shared, hold=size <= reading.hold), bundles))
    if len({one.epoch_key_id for one in surveyed}) > 1:
        raise BundleError("link.epochs", "The bundles come from different epochs: their encodings cannot be compared.")
    return surveyed, shared


def order_of_ids(surveyed: Sequence[Surveyed]) -> tuple[Ids, NDArray[np.int64]]:
    """Return all ids in ascending order, and for each where it stood among the bundles' rows.

    Raises `BundleError` (`link.id-twice`) when two registrations have one id.
    """
    ids = join_ids([one.ids for one in surveyed])
    order = ids.order()
    ids = ids.take(order)
    if ids.first_double() >= 0:
        raise BundleError("link.id-twice", "Two registrations in the bundles have the same registratie_id.")
    return ids, order


def _ids(raw: RawBatch, model: LinkageModel) -> Ids:
    """Return the ids of a batch, checked as `check_columns` does."""
    count = len(raw.presence)
    if model.table is not None:
        columns = parse_columns(raw.columns)
        check_columns(columns, count, generic=True, provider="")
        return Ids.of(columns[ID])
    # A quote inside a value would stand behind a backslash, so this can only be the column's name.
    at = raw.columns.find(_ID_COLUMN)
    start = at + len(_ID_COLUMN)
    end = raw.columns.find(b"]", start)
    if at < 0 or end < 0 or raw.columns.find(_ID_COLUMN, end) >= 0:
        raise malformed("its columns are not those of this version")
    text = np.frombuffer(raw.columns, np.uint8, end - start, start)
    starts, letters = np.empty(count + 1, np.int64), np.empty(len(text), np.uint8)
    if split_ids(text, starts, letters, _LONGEST_ID) != count:
        raise malformed(f"column {ID} has a value that its rule does not allow, or is not sorted")
    return Ids(starts, letters[: starts[-1]].copy())
