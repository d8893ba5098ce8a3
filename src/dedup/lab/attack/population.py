"""Everybody who is registered, doubles included, as an attacker would know them in clear, and in both encoded forms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.encode.blocks import blocks_of
from dedup.encode.records import encode_table
from dedup.encode.subkeys import derive_subkeys
from dedup.encode.tokentable import hash_tokens
from dedup.extract.checks import check_table
from dedup.extract.coded import text_columns
from dedup.extract.load import normalise_registrations
from dedup.extract.read import TextTable
from dedup.extract.values import NormalisedTable
from dedup.ingest.rekey import rekey
from dedup.lab.simulate import SimulationSettings, generate
from dedup.link.concatenate import reorder
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import EncodedRecords, PassEntries
from dedup.regions import read_regions

DOUBLES = 0.08


@dataclass(frozen=True, slots=True)
class Population:
    """n registrations in clear, in the order of registratie_id, with the truth: `woman` is int64[n]."""

    table: NormalisedTable
    woman: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of registrations."""
        return len(self.woman)


@dataclass(frozen=True, slots=True)
class Stolen:
    """A stolen link view: `records` stand in a random order, `origin` (int64[n]) is who they are in the population."""

    records: EncodedRecords
    origin: NDArray[np.int64]


def draw_population(registrations: int, *, seed: int, day: date, config: Path, model: LinkageModel) -> Population:
    """Return about `registrations` simulated registrations of all providers, checked and normalised as extracts are.

    Rows that the check refuses are left out. Raises what the simulator raises.
    """
    regions = read_regions(config / "regions.csv")
    simulation = generate(
        SimulationSettings(registrations=registrations, doubles=DOUBLES, seed=seed, day=day, regions=regions)
    )
    rows = len(simulation.registrations)
    text = TextTable(text_columns(simulation.registrations), np.arange(2, rows + 2), np.zeros(rows, np.bool_))
    table = normalise_registrations(check_table(text, "population", day, regions), model, regions=regions)
    women = dict(zip(simulation.truth["registratie_id"], simulation.truth["vrouw"], strict=True))
    _, woman = np.unique(np.array([women[name] for name in table.ids]), return_inverse=True)
    return Population(table, woman.astype(np.int64))


def encode(population: Population, model: LinkageModel, key: LinkageKey) -> EncodedRecords:
    """Return the bundle form: what all providers send, opened and put together, rows in the population's order."""
    return encode_table(population.table, model, derive_subkeys(key.secret))


def steal(bundles: EncodedRecords, model: LinkageModel, key: IngestKey, rng: np.random.Generator) -> Stolen:
    """Return the store form: keyed again, in an order that says nothing."""
    origin = rng.permutation(len(bundles))
    return Stolen(reorder(rekey(bundles, model, key), origin), origin)


def tokens_of(population: Population, model: LinkageModel, passes: tuple[Pass, ...], key: LinkageKey) -> EncodedRecords:
    """Return the population's block tokens under any passes, without sketches: for controls and for counting."""
    subkeys = derive_subkeys(key.secret)
    entries = []
    for one in passes:
        blocks = blocks_of(population.table, one, subkeys)
        entries.append(PassEntries(one.number, blocks.row, blocks.token, np.empty((len(blocks.row), 0), np.uint8)))
    presence = hash_tokens(population.table, model, subkeys).presence
    return EncodedRecords(presence, np.asarray(population.table.edd_week, np.int32), tuple(entries))


def restricted(records: EncodedRecords, kept: NDArray[np.bool_]) -> EncodedRecords:
    """Return the records under `kept` (bool[n]), renumbered in their order."""
    number = (np.cumsum(kept) - 1).astype(np.uint32)
    passes = []
    for entries in records.passes:
        chosen = kept[entries.row]
        passes.append(
            PassEntries(entries.number, number[entries.row[chosen]], entries.token[chosen], entries.sketch[chosen])
        )
    return EncodedRecords(records.presence[kept], records.edd_week[kept], tuple(passes))


def masked_only(records: EncodedRecords, key: IngestKey) -> EncodedRecords:
    """Return a weaker store form, for controls: an own mask for every block, but no permutation of the bits.

    Absent fields are masked as well here, which the control does not look at.
    """
    passes = []
    for entries in records.passes:
        width = entries.sketch.shape[1]
        tokens = entries.token.tobytes()
        prefix = key.secret + bytes([entries.number])
        masks: dict[bytes, bytes] = {}
        pieces = []
        for at in range(0, len(tokens), 16):
            token = tokens[at : at + 16]
            if token not in masks:
                masks[token] = hashlib.shake_256(prefix + token).digest(width)
            pieces.append(masks[token])
        mask = np.frombuffer(b"".join(pieces), np.uint8).reshape(len(entries.row), width)
        passes.append(replace(entries, sketch=entries.sketch ^ mask))
    return EncodedRecords(records.presence, records.edd_week, tuple(passes))
