"""The block-graph attack: an attacker with the population in clear lays his graph of shared blocks over the stolen one.

He encodes what he knows under a key of his own, which shows him the very structure that the store must have: presence
bits, blocks, and which values are alike inside a block. Both graphs are refined by colour; where a colour belongs to
one woman on his side and to one connected component of the store, he names those registrations. He is right when a
registration is that woman's.

He stops after the number of rounds that serves him best and reads the distances in the way that serves him best, so the
figures are the most that this attack can get.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.lab.attack.counted import Count, require_control, result
from dedup.lab.attack.graph import U64, Distances, draw_graph, refine
from dedup.lab.attack.population import Population, encode, restricted, steal, tokens_of
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import EncodedRecords

ROUNDS = 8
CONTROL_SHARE = 0.9
CONTROL_PEOPLE = 20_000
# What most hashed linkage keys show: which records have the same value, attribute by attribute.
CONTROL_PASSES = tuple(
    Pass(number=number, attributes=(attribute,))
    for number, attribute in enumerate(("birth_date", "surname_codes", "first_name_codes", "pc4"), start=1)
)


class Known(StrEnum):
    """What the attacker's part of the population is a share of."""

    REGISTRATIONS = "registrations"  # as a vendor would know them: a woman's doubles lie with others
    WOMEN = "women"  # women with everything that is registered of them


class Label(StrEnum):
    """What is known of a record beside its encodings; `lean` is a remedy that is measured, not what is stored."""

    LEAN = "lean"  # nothing, and entries that share no block are not in the stolen view either
    NOTHING = "nothing"
    EDD_WEEK = "edd_week"  # as in the link view
    PROVIDER_TOO = "edd_week_and_provider"  # a link view is kept per snapshot, and the registry says whose it is
    BOTH_VIEWS = "both_views"  # KSV, provider and EDD week: the link view joined with the attribute store


@dataclass(frozen=True, slots=True)
class Side:
    """What one side has: m records, what labels them beside their encodings (int64[m]), and whose they are.

    `woman` (int64[m]) is the attacker's knowledge on his side, and on the store's side the truth, for counting only.
    `count_entries` is off where entries that share no block were left out.
    """

    records: EncodedRecords
    label: NDArray[np.int64]
    woman: NDArray[np.int64]
    count_entries: bool = True


def block_graph_attack(
    population: Population,
    model: LinkageModel,
    rng: np.random.Generator,
    *,
    overlaps: Sequence[float] = (1.0, 0.5, 0.1),
    labels: Sequence[Label] = tuple(Label),
) -> list[dict[str, Any]]:
    """Return one line per label, overlap and kind of knowledge; raises `AttackError` (`attack.control-failed`)."""
    n = len(population)
    control = require_control(_control(population, model, rng), CONTROL_SHARE, "one hash for each attribute")
    store = steal(encode(population, model, LinkageKey.generate()), model, IngestKey.generate(), rng)
    own = encode(population, model, LinkageKey.generate())
    lines = []
    for known, overlap, kept in _acquaintances(population, overlaps, rng):
        his, woman = restricted(own, kept), population.woman[kept]
        for label in labels:
            labelled = labels_of(population, label)
            whole = label is not Label.LEAN
            theirs = Side(store.records, labelled[store.origin], population.woman[store.origin], whole)
            found, how = _best(theirs, Side(his, labelled[kept], woman, whole), model)
            lines.append(
                result(
                    form="store",
                    people=n,
                    overlap=overlap,
                    chance=_chance(theirs.woman, woman),
                    control=control,
                    ours=found,
                    known=known.value,
                    label=label.value,
                    **how,
                )
            )
    return lines


def _acquaintances(
    population: Population, overlaps: Sequence[float], rng: np.random.Generator
) -> Iterator[tuple[Known, float, NDArray[np.bool_]]]:
    """Yield whom the attacker knows, as bool[n]; whoever knows all registrations knows all women, so once is enough."""
    draws = {Known.REGISTRATIONS: rng.random(len(population))}
    draws[Known.WOMEN] = rng.random(int(population.woman.max()) + 1)[population.woman]
    for known, draw in draws.items():
        for overlap in overlaps:
            if overlap < 1.0 or known is Known.REGISTRATIONS:
                yield known, overlap, draw <= np.quantile(draw, overlap)


def _best(store: Side, known: Side, model: LinkageModel) -> tuple[Count, dict[str, Any]]:
    """Return the most that is got right, over ways to read distances and numbers of rounds, and how it was got."""
    found = {}
    for distances in (Distances.NONE, Distances.EQUAL, Distances.LEVELS):
        counts = matched_by_round(store, known, model, distances)
        rounds = max(range(len(counts)), key=lambda one: counts[one].right)
        found[distances] = (counts[rounds], rounds)
    best = max(found, key=lambda distances: found[distances][0].right)
    by_distances = {distances.value: count.right for distances, (count, _) in found.items()}
    return found[best][0], {
        "distances": best.value,
        "rounds": found[best][1],
        "right_by_distances": by_distances,
    }


def matched_by_round(store: Side, known: Side, model: LinkageModel, distances: Distances) -> list[Count]:
    """Return after each round how many registrations of the store are named, and how many of them rightly."""
    graphs = [
        draw_graph(side.records, model, distances, side.label, count_entries=side.count_entries)
        for side in (store, known)
    ]
    return [
        _matched(one, other, graphs[0].component, store.woman, known.woman)
        for one, other in zip(refine(graphs[0], ROUNDS), refine(graphs[1], ROUNDS), strict=False)
    ]


def _matched(
    store: U64, known: U64, component: NDArray[np.int64], truth: NDArray[np.int64], woman: NDArray[np.int64]
) -> Count:
    colours, first, of = np.unique(known, return_index=True, return_inverse=True)
    named = np.where(_single(of, woman, len(colours)), woman[first], -1)
    distinct, here = np.unique(store, return_inverse=True)
    alone = _single(here, component, len(distinct))
    place = np.minimum(np.searchsorted(colours, distinct), len(colours) - 1)
    claim = np.where(alone & (colours[place] == distinct), named[place], -1)[here]
    return Count(right=int((claim == truth).sum()), of=len(truth), claimed=int((claim >= 0).sum()))


def _single(group: NDArray[np.int64], value: NDArray[np.int64], groups: int) -> NDArray[np.bool_]:
    """Return bool[groups]: whether all members of a group have the same value."""
    low, high = np.full(groups, np.iinfo(np.int64).max), np.full(groups, -1)
    np.minimum.at(low, group, value)
    np.maximum.at(high, group, value)
    return np.asarray(low == high)


def labels_of(population: Population, label: Label) -> NDArray[np.int64]:
    """Return int64[n]: equal for registrations whose labels are equal."""
    if label in (Label.LEAN, Label.NOTHING) or population.table.clear is None:
        return np.zeros(len(population), np.int64)
    columns = ["edd_week"]
    columns += ["aanbieder_agb"] if label in (Label.PROVIDER_TOO, Label.BOTH_VIEWS) else []
    columns += ["ksv"] if label is Label.BOTH_VIEWS else []
    return np.asarray(population.table.clear.groupby(columns, sort=True).ngroup(), dtype=np.int64)


def _chance(truth: NDArray[np.int64], woman: NDArray[np.int64]) -> float:
    """Return how many registrations are named rightly by naming each after a random known registration."""
    size = max(int(truth.max()), int(woman.max())) + 1
    return float(np.bincount(truth, minlength=size) @ np.bincount(woman, minlength=size) / len(woman))


def _control(population: Population, model: LinkageModel, rng: np.random.Generator) -> Count:
    """Run the attack on one keyed hash for each attribute; on a sample, as blocks of a single name grow with people."""
    n = len(population)
    kept = rng.permutation(n) < CONTROL_PEOPLE
    bare = LinkageModel("control", 1, "", None, (), (), CONTROL_PASSES, ())
    sides = [restricted(tokens_of(population, model, CONTROL_PASSES, LinkageKey.generate()), kept) for _ in range(2)]
    nothing = np.zeros(int(kept.sum()), np.int64)
    graphs = [draw_graph(side, bare, Distances.NONE, nothing) for side in sides]
    woman = population.woman[kept]
    # A graph this dense is one component, so here a colour must be a single woman's on both sides.
    counts = [
        _matched(one, other, woman, woman, woman)
        for one, other in zip(refine(graphs[0], ROUNDS), refine(graphs[1], ROUNDS), strict=False)
    ]
    return max(counts, key=lambda count: count.right)
