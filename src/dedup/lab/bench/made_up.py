"""Writes bundles of made-up entries, millions a minute, to see how linking grows: no names, no encoding behind them.

Tokens and sketches are pseudo-random bits, arranged as real ones are: entries a record, how many meet another one, and
doubles that agree in most of their bits. The shape of the passes of `kraamzorg.toml` was counted on a million simulated
registrations (`SHAPES`). A set of ten times as many records has ten times as many values, as ten countries would, so
blocks stay as large as they are: within one country pairs would grow with the square. What is measured on these bundles
says how fast linking is, and nothing about how well it links.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dedup.bundle.manifest import BundleHeader
from dedup.bundle.payload import BundleBatch
from dedup.bundle.writer import write_bundle
from dedup.fields import ATTRIBUTES, AttributeType, Status
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries
from dedup.weeks import MISSING_WEEK, week_of

ROWS = 4_750  # a bundle
BATCH_ROWS = 2_000
ONE_DOUBLE_IN = 12
SNAPSHOT = date(2026, 11, 22)
# Of each pass: entries a record, and pairs of strangers in one block a record.
SHAPES = {1: (1.32, 0.92), 2: (1.34, 0.26), 3: (1.0, 0.04), 4: (0.95, 0.01), 5: (0.81, 0.005), 6: (1.34, 0.05)}
# Of fields that not everyone has: the share of records that do.
PRESENT = {"phone": 0.95, "email": 0.87, "insurance": 0.81}


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A set of `records` made-up registrations, the same for the same seed."""

    records: int
    seed: int
    epoch_key_id: str = "made-up"

    def bundles(self) -> list[tuple[int, int]]:
        """Return which records each bundle holds: from the first to before the second."""
        return [(first, min(first + ROWS, self.records)) for first in range(0, self.records, ROWS)]


def write_made_up(folder: Path, made_up: MadeUp, model_path: Path, *, processes: int) -> None:
    """Write the bundles of a set into a new folder."""
    folder.mkdir(parents=True)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        parts = made_up.bundles()
        works = [(folder / f"{number:06}.bundle", made_up, *part, model_path) for number, part in enumerate(parts)]
        for _ in pool.map(_write, works, chunksize=8):
            pass


def _write(work: tuple[Path, MadeUp, int, int, Path]) -> None:
    path, made_up, first, last, model_path = work
    model = load_model(model_path)
    starts = range(first, last, BATCH_ROWS)
    write_made_up_bundle(
        path, [made_up_batch(made_up, range(at, min(at + BATCH_ROWS, last)), model) for at in starts], made_up, model
    )


def write_made_up_bundle(path: Path, batches: Sequence[BundleBatch], made_up: MadeUp, model: LinkageModel) -> None:
    """Write batches into an unsealed evaluation bundle."""
    header = BundleHeader(
        submission_id=secrets.token_hex(16),
        vendor="made-up",
        provider="",
        snapshot_date=SNAPSHOT,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        epoch_key_id=made_up.epoch_key_id,
    )
    write_bundle(path, header=header, statistics={}, batches=batches, model=model, seal_to=None, sign_with=None)


def made_up_batch(made_up: MadeUp, records: Sequence[int], model: LinkageModel) -> BundleBatch:
    """Return these records of a set, in ascending order of their numbers, which is that of their ids."""
    number = np.array(records, np.uint64)
    # Some are doubles: another registration of the person behind an earlier or later one.
    double = number % ONE_DOUBLE_IN == ONE_DOUBLE_IN - 1
    other = _mixed(number, made_up.seed, 0) % np.uint64(made_up.records)
    other -= (other % ONE_DOUBLE_IN == ONE_DOUBLE_IN - 1).astype(np.uint64)
    person = np.where(double, other, number)
    presence = np.zeros(len(number), np.uint32)
    for bit, field in enumerate(model.fields):
        has = _share(_mixed(person, made_up.seed, 100 + bit)) < PRESENT.get(field.name, 1.0)
        presence |= has.astype(np.uint32) << np.uint32(bit)
    week = week_of(SNAPSHOT) + (_mixed(person, made_up.seed, 1) % np.uint64(40)).astype(np.int32)
    passes = tuple(
        _made_up_pass(made_up, number, person, double, presence, index, model) for index in range(len(model.passes))
    )
    return BundleBatch(_columns(number, week), EncodedRecords(presence, week.astype(np.int32), passes))


def _made_up_pass(
    made_up: MadeUp,
    number: NDArray[np.uint64],
    person: NDArray[np.uint64],
    double: NDArray[np.bool_],
    presence: NDArray[np.uint32],
    index: int,
    model: LinkageModel,
) -> PassEntries:
    linkage_pass = model.passes[index]
    share, strangers = SHAPES[linkage_pass.number]
    blocks = np.uint64(max(1, share * share * made_up.records / (2 * strangers)))
    rows, tokens = [], []
    for entry in range(int(np.ceil(share))):
        salt = 1000 * linkage_pass.number + entry
        has = _share(_mixed(person, made_up.seed, salt)) < share - entry
        # A tenth of the doubles' entries lie in another block: a value was mistyped.
        slip = double & (_share(_mixed(number, made_up.seed, salt)) < 0.1)
        block = _mixed(np.where(slip, number, person), made_up.seed, salt + 500) % blocks
        row = np.flatnonzero(has)
        high, low = (_mixed(block[row], made_up.seed, 1000 * linkage_pass.number + half) for half in (998, 999))
        rows.append(row)
        tokens.append(np.stack([high, low], axis=1))
    row, token = np.concatenate(rows), np.concatenate(tokens)
    _, kept = np.unique(np.column_stack([row.astype(np.uint64), token]), axis=0, return_index=True)
    row, token = row[kept], token[kept]
    order = np.lexsort((row, token[:, 1], token[:, 0]))
    row, token = row[order], token[order]
    width = model.sketch_bytes(linkage_pass)
    sketch = np.empty((len(row), -(-width // 8)), np.uint64)
    _fill(sketch, token[:, 0] ^ person[row], np.where(double, number, np.uint64(0))[row])
    bits = np.ascontiguousarray(sketch.view(np.uint8)[:, :width])
    at = 0
    for field in model.pass_fields(linkage_pass):
        absent = (presence[row] >> np.uint32(model.fields.index(field))) & np.uint32(1) == 0
        bits[absent, at : at + field.bits // 8] = 0
        at += field.bits // 8
    return PassEntries(
        linkage_pass.number, row.astype(np.uint32), token.astype(">u8").view(np.uint8).reshape(-1, TOKEN_BYTES), bits
    )


def _columns(number: NDArray[np.uint64], week: NDArray[np.int32]) -> dict[str, list[Any]]:
    """Return the attributes of registrations: an id of 36 characters and about as many bytes as real ones have."""
    count = len(number)
    columns: dict[str, list[Any]] = {
        name: [""] * count if kind is AttributeType.TEXT else [MISSING_WEEK] * count
        for name, kind in ATTRIBUTES.items()
    }
    same = {
        "schema_versie": "1.0",
        "bronsysteem": "Made up 1.0",
        "aanbieder_agb": "41990000",
        "status": str(next(iter(Status))),
    }
    columns |= {name: [value] * count for name, value in same.items()}
    columns["registratie_id"] = [f"{one:012d}-0000-4000-8000-00000000" for one in number.tolist()]
    columns["edd_week"] = columns["inschrijf_week"] = week.tolist()
    return columns


def _mixed(value: NDArray[np.uint64], seed: int, salt: int) -> NDArray[np.uint64]:
    """Return splitmix64 (Steele, Lea and Flood, OOPSLA 2014) of each value under a seed and a salt."""
    word = value + np.uint64(((seed * 0x9E3779B97F4A7C15) ^ (salt * 0xD1B54A32D192ED03)) & 0xFFFFFFFFFFFFFFFF)
    for _ in range(2):
        word = word + np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word = word ^ (word >> np.uint64(31))
    return word


def _share(word: NDArray[np.uint64]) -> NDArray[np.float64]:
    return np.asarray(word.astype(np.float64) / 2.0**64, dtype=np.float64)


@njit(cache=True)
def _fill(sketch: NDArray[np.uint64], seed: NDArray[np.uint64], noise: NDArray[np.uint64]) -> None:
    """Fill each row with bits drawn from its seed; where `noise` is not 0, one bit in 32 is then turned over by it."""
    gamma = np.uint64(0x9E3779B97F4A7C15)
    for i in range(sketch.shape[0]):
        state, other = seed[i], noise[i] * gamma
        for w in range(sketch.shape[1]):
            state += gamma
            word = state
            word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            word ^= word >> np.uint64(31)
            if noise[i]:
                turned = ~np.uint64(0)
                for _ in range(5):
                    other += gamma
                    drawn = (other ^ (other >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                    turned &= drawn ^ (drawn >> np.uint64(27))
                word ^= turned
            sketch[i, w] = word
