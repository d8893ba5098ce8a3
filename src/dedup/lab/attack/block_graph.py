"""The block-graph attack: an attacker with the population in clear lays his blocks over the stolen ones.

He encodes what he knows under a key of his own, which shows him the very structure that the store must have: blocks,
which values are alike inside a block, and how far apart the others are. Both sides are drawn as graphs and refined by
colour; where a colour belongs to one woman on his side and to one connected component of the store, he names those.
What colours leave open he assigns by likelihood. He is right about a registration when anything of it is named as that
woman's.

Of the link view as it is kept (`Form.STORE`) nothing says which sketches share a block. This attacker is told so
nevertheless, and which share none: what he gets is more than anybody can who has to find it out. He stops after the
number of rounds that serves him best and reads distances in the way that serves him best.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.lab.attack.assignment import assigned, profiles
from dedup.lab.attack.counted import Count, require_control, result
from dedup.lab.attack.graph import U64, Distances, draw_graph, refine
from dedup.lab.attack.population import Population, encode, restricted, steal, tokens_of
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import EncodedRecords, PassEntries

ROUNDS = 8
# After these rounds what is still open is also assigned by likelihood; more rounds gave him no more.
ASSIGNED_AFTER = (0, 1)
LIKELY = 0.4999  # how sure he must be of an assigned name to say it: of two entries of one block each is a coin's toss
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


class Form(StrEnum):
    """What is stolen."""

    STORE = "store"  # the link view as it is kept: single sketches, and nothing that ties them together
    ENTRIES = "entries"  # whole entries with their tokens, not tied to registrations: was tried and is not kept
    BOTH_VIEWS = "both_views"  # the link view with its entry map, which takes both keys: what the server sees


class Label(StrEnum):
    """What is known of a record, or of an entry, beside it."""

    NOTHING = "nothing"
    EDD_WEEK = "edd_week"
    PROVIDER = "provider"  # whose snapshot it is from
    ALL = "all"  # these and the KSV


# What is stolen and what lies beside it. Beside a link view lies nothing; the provider is what pooling hides.
VIEWS: Mapping[Form, tuple[Label, ...]] = {
    Form.STORE: (Label.NOTHING, Label.PROVIDER),
    Form.ENTRIES: (Label.NOTHING,),
    Form.BOTH_VIEWS: (Label.NOTHING, Label.EDD_WEEK, Label.ALL),
}
_LABELS = {
    Label.NOTHING: [],
    Label.EDD_WEEK: ["edd_week"],
    Label.PROVIDER: ["aanbieder_agb"],
    Label.ALL: ["edd_week", "aanbieder_agb", "ksv"],
}


@dataclass(frozen=True, slots=True)
class Side:
    """What one side has: m records, what labels them beside their encodings (int64[m]), and whose they are.

    `woman` (int64[m]) is the attacker's knowledge on his side, and on the store's side the truth, for counting only,
    as is `registration` (int64[m]): which records are of one registration, where each entry is a record of its own.
    """

    records: EncodedRecords
    label: NDArray[np.int64]
    woman: NDArray[np.int64]
    registration: NDArray[np.int64] | None = None


def block_graph_attack(
    population: Population,
    model: LinkageModel,
    rng: np.random.Generator,
    *,
    overlaps: Sequence[float] = (1.0, 0.5, 0.1),
    views: Mapping[Form, Sequence[Label]] = VIEWS,
) -> list[dict[str, Any]]:
    """Return one line per form, label, overlap and kind of knowledge; raises `AttackError` (`attack.control-failed`).

    `ours` counts the names that he says: those of colours, or with them those that are as likely right as wrong.
    `guessing_all` is when he says a name wherever he has one, `guessing_blindly` the same without distances.
    """
    n = len(population)
    control = require_control(_control(population, model, rng), CONTROL_SHARE, "one hash for each attribute")
    store = steal(encode(population, model, LinkageKey.generate()), model, IngestKey.generate(), rng)
    stolen = with_absent_filled(store.records, model, rng)
    own = with_absent_filled(encode(population, model, LinkageKey.generate()), model, rng)
    lines = []
    for known, overlap, kept in _acquaintances(population, overlaps, rng):
        his, woman = restricted(own, kept), population.woman[kept]
        for form, labels in views.items():
            for label in labels:
                labelled = labels_of(population, label)
                theirs = Side(stolen, labelled[store.origin], population.woman[store.origin])
                found, how = _best(drawn(theirs, Side(his, labelled[kept], woman), model, form), n)
                lines.append(
                    result(
                        form=form.value,
                        people=n,
                        overlap=overlap,
                        chance=_chance(population.woman, woman),
                        control=control,
                        ours=found,
                        known=known.value,
                        label=label.value,
                        **how,
                    )
                )
    return lines


def with_absent_filled(records: EncodedRecords, model: LinkageModel, rng: np.random.Generator) -> EncodedRecords:
    """Return the records with random bits in the place of absent fields, so that entries do not show what they lack."""
    passes = []
    for linkage_pass, entries in zip(model.passes, records.passes, strict=True):
        sketch, end = entries.sketch.copy(), 0
        for field in model.pass_fields(linkage_pass):
            start, end = end, end + field.bits // 8
            absent = np.flatnonzero(records.presence[entries.row] >> np.uint32(model.fields.index(field)) & 1 == 0)
            sketch[absent, start:end] = rng.integers(0, 256, (len(absent), end - start), np.uint8)
        passes.append(replace(entries, sketch=sketch))
    return replace(records, passes=tuple(passes))


def drawn(store: Side, known: Side, model: LinkageModel, form: Form) -> Iterator[tuple[Side, Side, LinkageModel]]:
    """Yield what can be laid over each other by itself: all at once, all entries, or each field's sketches."""
    if form is Form.BOTH_VIEWS:
        yield store, known, model
        return
    for fields in (model.fields,) if form is Form.ENTRIES else tuple((field,) for field in model.fields):
        omitted = {field.name for field in model.fields} - {field.name for field in fields}
        passes = tuple(one for one in model.passes if set(one.omits) | omitted < {field.name for field in model.fields})
        shown = replace(
            model, fields=fields, passes=tuple(replace(p, omits=tuple(set(p.omits) - omitted)) for p in passes)
        )
        yield apart(store, model, shown), apart(known, model, shown), shown


def apart(side: Side, model: LinkageModel, shown: LinkageModel) -> Side:
    """Return what is left when each entry is a record of its own, with the fields that `shown` has of `model`'s.

    Entries that share no block are left out, and of a single field those that lack it; else nothing shows which fields
    an entry lacks, as absent ones are filled with random bits.
    """
    passes, rows, start = [], [], 0
    for linkage_pass in shown.passes:
        at = [one.number for one in model.passes].index(linkage_pass.number)
        entries, columns, end = side.records.passes[at], [], 0
        for field in model.pass_fields(model.passes[at]):
            begin, end = end, end + field.bits // 8
            if field in shown.fields:
                columns.append(entries.sketch[:, begin:end])
        sketch = np.concatenate(columns, axis=1)
        kept = np.ones(len(entries.row), np.bool_)
        if len(shown.fields) == 1:
            bit = np.uint32(model.fields.index(shown.fields[0]))
            kept = side.records.presence[entries.row] >> bit & np.uint32(1) == 1
        _, block, size = np.unique(entries.token[kept].view("V16").ravel(), return_inverse=True, return_counts=True)
        kept[kept] = size[block] > 1
        count = int(kept.sum())
        passes.append(
            PassEntries(
                linkage_pass.number, np.arange(start, start + count, dtype=np.uint32), entries.token[kept], sketch[kept]
            )
        )
        rows.append(entries.row[kept].astype(np.int64))
        start += count
    row = np.concatenate(rows)
    everything = np.full(len(row), (1 << len(shown.fields)) - 1, np.uint32)
    records = EncodedRecords(everything, np.full(len(row), -1, np.int32), tuple(passes))
    return Side(records, side.label[row], side.woman[row], row)


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


@dataclass(frozen=True, slots=True)
class Named:
    """The registrations that are named, and those that are named rightly, as distinct numbers."""

    claimed: NDArray[np.int64]
    right: NDArray[np.int64]

    def count(self, of: int) -> Count:
        """Return how many of `of` registrations that is."""
        return Count(len(self.right), of, len(self.claimed))


def _best(parts: Iterable[tuple[Side, Side, LinkageModel]], of: int) -> tuple[Count, dict[str, Any]]:
    """Return the most that is got right, over ways to read distances and numbers of rounds, and how it was got.

    What is got from each part is put together; each is read in as many rounds as serves it best.
    """
    found: dict[str, list[Named]] = defaultdict(list)
    for store, known, model in parts:
        if not len(store.records) or not len(known.records):
            continue
        for distances in (Distances.NONE, Distances.EQUAL, Distances.LEVELS):
            found[distances.value].append(max(named_by_round(store, known, model, distances), key=_most))
        likely, guessed, blind = assigned_by_round(store, known, model)
        found["likely"].append(max(likely, key=_most))
        found["guessed"].append(max(guessed, key=_most))
        found["blind"].append(max(blind, key=_most))
    counts = {way: together(named).count(of) for way, named in found.items()}
    said = {way: count for way, count in counts.items() if way not in ("guessed", "blind")}
    best = max(said, key=lambda way: said[way].right, default="")
    nobody = Count(0, of, 0)
    return said.get(best, nobody), {
        "way": best,
        "right_by_way": {way: count.right for way, count in said.items()},
        "guessing_all": counts.get("guessed", nobody).to_json(),
        "guessing_blindly": counts.get("blind", nobody).to_json(),
    }


def _most(named: Named) -> int:
    return len(named.right)


def together(named: Sequence[Named]) -> Named:
    """Return what is named in any of several ways."""
    return Named(
        np.unique(np.concatenate([one.claimed for one in named])),
        np.unique(np.concatenate([one.right for one in named])),
    )


def matched_by_round(store: Side, known: Side, model: LinkageModel, distances: Distances) -> list[Count]:
    """Return after each round how many registrations of the store are named, and how many of them rightly."""
    of = len(np.unique(_registration(store)))
    return [named.count(of) for named in named_by_round(store, known, model, distances)]


def named_by_round(store: Side, known: Side, model: LinkageModel, distances: Distances) -> list[Named]:
    """Return after each round which registrations of the store are named, and which of them rightly."""
    graphs = [draw_graph(side.records, model, distances, side.label) for side in (store, known)]
    return [
        _counted(_named(one, other, graphs[0].component, known.woman), store)
        for one, other in zip(refine(graphs[0], ROUNDS), refine(graphs[1], ROUNDS), strict=False)
    ]


def assigned_by_round(store: Side, known: Side, model: LinkageModel) -> tuple[list[Named], list[Named], list[Named]]:
    """Return after some rounds what is named when what the colours of equal values leave open is assigned.

    First only names that are as likely right as wrong, then every name, then every name when distances are shuffled:
    of many guesses some are right by chance.
    """
    graphs = [draw_graph(side.records, model, Distances.EQUAL, side.label) for side in (store, known)]
    theirs, his = (profiles(graph) for graph in graphs)
    colours = list(zip(refine(graphs[0], ROUNDS), refine(graphs[1], ROUNDS), strict=False))
    shuffled = np.random.default_rng(len(his)).permutation(his)
    found: tuple[list[Named], list[Named], list[Named]] = ([], [], [])
    for after in sorted({min(rounds, len(colours) - 1) for rounds in ASSIGNED_AFTER}):
        named = _named(*colours[after], graphs[0].component, known.woman)
        pairing, likely = assigned(*colours[after], theirs, his)
        blind, _ = assigned(*colours[after], theirs, shuffled)
        surer = np.where(likely >= LIKELY, pairing, -1)
        for way, paired in zip(found, (surer, pairing, blind), strict=True):
            claim = np.where(paired >= 0, known.woman[paired], -1)
            way.append(_counted(np.where(named >= 0, named, claim), store))
    return found


def _named(store: U64, known: U64, component: NDArray[np.int64], woman: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the woman whose each of the store's records is said to be, -1 for none."""
    colours, first, of = np.unique(known, return_index=True, return_inverse=True)
    named = np.where(_single(of, woman, len(colours)), woman[first], -1)
    distinct, here = np.unique(store, return_inverse=True)
    alone = _single(here, component, len(distinct))
    place = np.minimum(np.searchsorted(colours, distinct), len(colours) - 1)
    return np.asarray(np.where(alone & (colours[place] == distinct), named[place], -1)[here])


def _counted(claim: NDArray[np.int64], store: Side) -> Named:
    """Return the registrations that are named, and of them those of which any record is named rightly."""
    registration = _registration(store)
    return Named(np.unique(registration[claim >= 0]), np.unique(registration[claim == store.woman]))


def _registration(side: Side) -> NDArray[np.int64]:
    return np.arange(len(side.woman)) if side.registration is None else side.registration


def _single(group: NDArray[np.int64], value: NDArray[np.int64], groups: int) -> NDArray[np.bool_]:
    """Return bool[groups]: whether all members of a group have the same value."""
    low, high = np.full(groups, np.iinfo(np.int64).max), np.full(groups, -1)
    np.minimum.at(low, group, value)
    np.maximum.at(high, group, value)
    return np.asarray(low == high)


def labels_of(population: Population, label: Label) -> NDArray[np.int64]:
    """Return int64[n]: equal for registrations whose labels are equal."""
    if not _LABELS[label] or population.table.clear is None:
        return np.zeros(len(population), np.int64)
    clear = pd.DataFrame(population.table.clear)
    return np.asarray(clear.groupby(_LABELS[label], sort=True).ngroup(), dtype=np.int64)


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
        _counted(_named(one, other, woman, woman), Side(sides[0], nothing, woman)).count(len(woman))
        for one, other in zip(refine(graphs[0], ROUNDS), refine(graphs[1], ROUNDS), strict=False)
    ]
    return max(counts, key=lambda count: count.right)
