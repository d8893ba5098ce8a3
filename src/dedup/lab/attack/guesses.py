"""What a search has to guess of records that share blocks, and how many bits each guess is worth.

A column's values are guessed from coarse to fine (initial, phonetic code, whole name), each step for what it adds. What
a name is worth follows from how common it is, which a dictionary tells; of other columns the model declares it. Doubts
are settled in the attacker's favour: what occurs twice in a component is guessed once, all codes of one record are one
guess, and a woman's further value is worth `VARIANT_BITS`, as if he were told that it is hers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dedup.lab.attack.population import Population
from dedup.model.linkage import Attribute, LinkageModel, TokenRule

VARIANT_BITS = 4.0

Indices = NDArray[np.int64]
Parts = list[tuple[tuple[str, ...], ...]]  # of each record: what it has of an attribute, each part a guess of its own


@dataclass(frozen=True, slots=True)
class Guesses:
    """Guess g is worth `bits[g]` once the guess `after[g]` is made (-1: none is needed).

    `of[attribute]` is int64[n]: each record's guess of an attribute, -1 where it has no value or shares no block.
    """

    bits: list[float] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    of: dict[str, Indices] = field(default_factory=dict)


def guesses_of(population: Population, component: Indices, model: LinkageModel) -> Guesses:
    """Return the guesses; `component` is int64[n], equal for registrations that blocks connect."""
    guesses = Guesses()
    used = {name for one in model.passes for name in one.attributes} | {one.attribute for one in model.fields}
    steps: dict[str, dict[str, list[Attribute]]] = defaultdict(lambda: defaultdict(list))
    for attribute in sorted((one for one in model.attributes if one.name in used), key=lambda one: one.bits):
        steps[_column(attribute, model)][attribute.rule].append(attribute)
    by_name = {attribute.name: attribute for attribute in model.attributes}
    names = {_column(by_name[one.attribute], model) for one in model.fields if one.tokens is TokenRule.BIGRAMS}
    for column, by_rule in steps.items():
        coarser, known = np.full(len(population), -1), np.zeros(len(population))
        for attributes in by_rule.values():
            parts = _parts(population, attributes)
            declared = None if column in names else attributes[0].bits
            group, worth = _groups(parts, component, declared)
            found = _add(guesses, group, worth, known, coarser, component, population.woman)
            guesses.of.update({attribute.name: found for attribute in attributes})
            coarser, known = np.where(found >= 0, found, coarser), np.where(found >= 0, worth, known)
    return guesses


def _parts(population: Population, attributes: list[Attribute]) -> Parts:
    """Return what each record has of attributes of one rule: its codes one by one, or its value as a whole."""
    values = [population.table.attributes[attribute.name] for attribute in attributes]
    held = [tuple(text for one in values for text in one.of(row)) for row in range(len(population))]
    if attributes[0].of:
        return [tuple((code,) for code in own) for own in held]
    return [(own,) if own else () for own in held]


def _groups(parts: Parts, component: Indices, declared: float | None) -> tuple[Indices, NDArray[np.float64]]:
    """Return each record's group, -1 for none: equal where parts of one component are equal; and what it is worth.

    That is the bits of its commonest part, or what is declared.
    """
    n = len(parts)
    bearers = Counter(part for own in parts for part in set(own))
    number: dict[tuple[int, tuple[str, ...]], int] = {}
    ties = [
        (row, number.setdefault((int(component[row]), part), len(number))) for row in range(n) for part in parts[row]
    ]
    row, part = np.array(ties, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(row), np.int8), (row, n + part)), shape=(n + len(number), n + len(number)))
    group = connected_components(graph, directed=False)[1][:n].astype(np.int64)
    worth = np.full(int(group.max(initial=0)) + 1, np.inf)
    bits = [np.log2(n / bearers[part]) if declared is None else declared for _, part in number]
    np.minimum.at(worth, group[row], np.array(bits)[part])
    without = np.array([not own for own in parts])
    return np.where(without, -1, group), worth[group]


def _add(
    guesses: Guesses,
    group: Indices,
    worth: NDArray[np.float64],
    known: NDArray[np.float64],
    coarser: Indices,
    component: Indices,
    woman: Indices,
) -> Indices:
    """Add one step's guesses, a component's cheapest first, and return each record's."""
    found, number = np.full(len(group), -1), dict[int, int]()
    hers: dict[tuple[int, int], int] = {}
    shared = np.bincount(component)[component] > 1
    for row in np.argsort(worth, kind="stable").tolist():
        if group[row] < 0 or not shared[row]:
            continue
        own = (int(component[row]), int(woman[row]))
        if int(group[row]) not in number:
            further = own in hers
            number[int(group[row])] = len(guesses.bits)
            left = worth[row] - known[row]
            guesses.bits.append(max(0.0, float(min(VARIANT_BITS, left) if further else left)))
            guesses.after.append(hers[own] if further else int(coarser[row]))
        found[row] = number[int(group[row])]
        hers.setdefault(own, int(found[row]))
    return found


def _column(attribute: Attribute, model: LinkageModel) -> str:
    if not attribute.of:
        return attribute.columns[0]
    return _column(next(one for one in model.attributes if one.name == attribute.of), model)
