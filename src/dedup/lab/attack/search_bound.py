"""How many block-mates could be read by searching everything: distances told, in bits, against what is to be guessed.

Whoever holds the linkage key can compute, for a guess at a block's value and at two people's values, the very distances
that the store must show. No attack here searches through all such guesses together; this counts instead where a search
could end in one answer: connected components whose distances tell more bits than the guess has. It errs on the
attacker's side: every distance is taken to be independent of the others, and a further value of an attribute, once one
is known, to be one of sixteen.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from dedup.lab.attack.graph import MAX_BLOCK
from dedup.lab.attack.population import Population, Stolen
from dedup.link.candidates import find_blocks, hits_in_slices
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords

FURTHER_VALUE_BITS = 4.0
_HITS = 1 << 22
F64 = NDArray[np.float64]


def searchable(store: Stolen, component: NDArray[np.int64], population: Population, model: LinkageModel) -> int:
    """Return how many records lie in a component that tells more than a search would have to guess.

    `component` is int64[n], as in `graph.Graph` of the store. For each component the best choice of passes and of
    fields to guess is taken. Attributes made of one column are one guess: who has the name has its phonetic code.
    """
    column = {attribute.name: _column(attribute.name, model) for attribute in model.attributes}
    columns = sorted(set(column.values()))
    count = int(component.max()) + 1
    told = _told(store.records, component, count, model, [columns.index(column[f.attribute]) for f in model.fields])
    fields = {field.attribute for field in model.fields}
    field_bits = np.array([_bits(model, column, one, fields) for one in columns])
    further = np.stack([_further(store, component, count, population, model, column, one) for one in columns], axis=1)
    best = np.full(count, -np.inf)
    for chosen in product((False, True), repeat=len(model.passes)):
        used = {name for one, taken in zip(model.passes, chosen, strict=True) if taken for name in one.attributes}
        block_bits = np.array([_bits(model, column, one, used) for one in columns])
        blocked = block_bits > 0
        # A column that the blocks hold has been guessed for them; using its field as well takes what is left of it.
        extra = np.maximum(field_bits - block_bits, 0) + np.where(blocked, 0, further)
        gained = np.maximum(told[:, np.array(chosen)].sum(axis=1) - extra, 0).sum(axis=1)
        best = np.maximum(best, gained - block_bits.sum() - np.where(blocked, further, 0).sum(axis=1))
    return int((best > 0)[component].sum())


def _told(
    records: EncodedRecords, component: NDArray[np.int64], count: int, model: LinkageModel, column_of: list[int]
) -> F64:
    """Return float64[components, passes, columns]: the entropy in bits of the distances, each taken to be binomial."""
    bits = np.array([field.bits for field in model.fields], np.float64)
    carries = np.array([[field in model.pass_fields(one) for field in model.fields] for one in model.passes])
    told = np.zeros((count, len(model.passes), max(column_of) + 1))
    blocks = tuple(find_blocks(entries, MAX_BLOCK) for entries in records.passes)
    for hits in hits_in_slices(blocks, model, len(records), _HITS):
        left = np.repeat(np.arange(hits.first_left, hits.last_left), np.diff(hits.offsets))
        both = records.presence[left] & records.presence[hits.right]
        for position, column in enumerate(column_of):
            apart = hits.distance[:, position]
            known = carries[hits.via, position] & (((both >> np.uint32(position)) & 1) == 1) & (apart > 0)
            variance = np.maximum(apart * np.maximum(1 - apart / bits[position], 0), 1.0)
            entropy = np.where(known, 0.5 * np.log2(2 * np.pi * np.e * variance), 0.0)
            np.add.at(told[:, :, column], (component[left], hits.via.astype(np.int64)), entropy)
    return told


def _further(
    store: Stolen,
    component: NDArray[np.int64],
    count: int,
    population: Population,
    model: LinkageModel,
    column: dict[str, str],
    one: str,
) -> F64:
    """Return float64[components]: the bits of a component's values of a column beyond the first."""
    fields = [field.attribute for field in model.fields if column[field.attribute] == one]
    name = fields[0] if fields else next(name for name in column if column[name] == one)
    values = population.table.attributes[name]
    number: dict[tuple[str, ...], int] = {}
    value = np.array([number.setdefault(values.of(row), len(number)) for row in store.origin.tolist()], np.int64)
    distinct = np.unique(component * len(number) + value) // len(number)
    return np.asarray(FURTHER_VALUE_BITS * (np.bincount(distinct, minlength=count) - 1), np.float64)


def _column(name: str, model: LinkageModel) -> str:
    attribute = next(attribute for attribute in model.attributes if attribute.name == name)
    return _column(attribute.of, model) if attribute.of else attribute.columns[0]


def _bits(model: LinkageModel, column: dict[str, str], one: str, used: set[str]) -> float:
    """Return the declared bits of the finest of the used attributes that are made of a column."""
    return max((a.bits for a in model.attributes if a.name in used and column[a.name] == one), default=0.0)
