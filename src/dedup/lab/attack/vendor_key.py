"""Attacks by whoever holds a key: the linkage key without the ingest key, the ingest key without it, and both.

A vendor holds the epoch's linkage key. If the store is stolen and comes into its hands, what can it read? And what can
a server read, which holds the ingest key and never the linkage key? Names are read in the pass of birth date and first
name, which is the easiest to try out: there are some ten thousand birth dates. All but `Form.STORE` has the tokens as
well, which lie in the entry map under both keys of the views: a link view alone gives less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.lab.attack import dictionary as names
from dedup.lab.attack.block_graph import Form, Label, Side, drawn, labels_of, named_by_round, together
from dedup.lab.attack.counted import Count, require_control, result
from dedup.lab.attack.dictionary import BORN, FIELD, NAMES, Dictionary
from dedup.lab.attack.graph import MAX_BLOCK, Distances, draw_graph
from dedup.lab.attack.name_posterior import kind_of, likeliest, pair_prior
from dedup.lab.attack.population import Population, Stolen, encode, masked_only, restricted, steal
from dedup.lab.attack.search_bound import searchable
from dedup.link.candidates import find_blocks
from dedup.link.concatenate import reorder
from dedup.model.linkage import LinkageModel
from dedup.model.records import EncodedRecords, PassEntries

OVERLAPS = (1.0, 0.5, 0.1)
YEAR = 1995
DAYS = 365  # of birth that the control tries out; more take longer and read as large a share
DAYS_BOTH_KEYS = 20
DIFFERENCE_BYTES = 8
PEOPLE_KNOWN = (
    (Form.STORE, Label.NOTHING),
    (Form.BOTH_VIEWS, Label.NOTHING),
    (Form.BOTH_VIEWS, Label.EDD_WEEK),
)
LIKELY = 0.5  # how sure the attacker must be to say a name
CONTROL_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Mates:
    """Pairs of block-mates in the pass of names: rows, numbers of codes, and what their sketches differ by.

    `one` and `other` are int64[p] rows of the stolen store; `kind` int64[p] as in `name_posterior`; `distance` int64[p]
    in bits of the whole sketch; `difference` uint64[p], the first eight bytes of one sketch xor the other.
    """

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    kind: NDArray[np.int64]
    distance: NDArray[np.int64]
    difference: NDArray[np.uint64]


def vendor_key_attack(
    population: Population, model: LinkageModel, rng: np.random.Generator, *, days: int = DAYS
) -> list[dict[str, Any]]:
    """Return one line per set of keys; raises `AttackError` (`attack.control-failed`)."""
    linkage, ingest = LinkageKey.generate(), IngestKey.generate()
    bundles = encode(population, model, linkage)
    store = steal(bundles, model, ingest, rng)
    dictionary = names.dictionary_of(population)
    born = names.days_of_year(YEAR, days)
    weak = reorder(masked_only(bundles, ingest), store.origin)
    control = _read_differences(Stolen(weak, store.origin), population, model, dictionary, linkage, born)
    require_control(control, CONTROL_SHARE, "a store that is masked and not permuted")
    both = _read_tokens(store, population, model, dictionary, linkage, ingest)
    require_control(both, CONTROL_SHARE, "both keys together")
    n = len(population)
    lines = [_with_names(store, population, model, dictionary, linkage, born, control)]
    draw = rng.random(n)
    for overlap in OVERLAPS:
        kept = draw <= np.quantile(draw, overlap)
        lines += [
            _with_people(store, bundles, population, model, overlap, kept, form, label, control)
            for form, label in PEOPLE_KNOWN
        ]
    for keys, first, second in (
        (["linkage"], linkage, IngestKey.generate()),
        (["ingest"], LinkageKey.generate(), ingest),
        (["linkage", "ingest"], linkage, ingest),
    ):
        found = both if len(keys) == 2 else _read_tokens(store, population, model, dictionary, first, second)
        lines.append(
            result(
                form="store",
                people=n,
                overlap=0.0,
                chance=0.0,
                control=both,
                ours=found,
                keys=keys,
                knows="names",
                reads="tokens of every name on every day",
                total_break=len(keys) == 2,
            )
        )
    return lines


def _with_names(
    store: Stolen,
    population: Population,
    model: LinkageModel,
    dictionary: Dictionary,
    key: LinkageKey,
    born: tuple[str, ...],
    control: Count,
) -> dict[str, Any]:
    """The linkage key, the store and a dictionary of names: of those who share a block of birth date and first name."""
    mates = _mates(store.records, model)
    bits = next(field.bits for field in model.fields if field.name == FIELD)
    prior = pair_prior(dictionary)
    truth = _truth(population, dictionary, store.origin)
    commonest = int(np.argmax(dictionary.bearers))
    said: set[int] = set()
    right: set[int] = set()
    guessed: set[int] = set()
    known: dict[tuple[int, int], tuple[int, int, float]] = {}
    for one, other, kind, distance in zip(
        mates.one.tolist(), mates.other.tolist(), mates.kind.tolist(), mates.distance.tolist(), strict=True
    ):
        if (kind, distance) not in known:
            known[kind, distance] = likeliest(prior, kind, distance, bits)
        first, second, sure = known[kind, distance]
        hit = sorted((first, second)) == sorted((truth[one], truth[other]))
        guessed |= {one, other} if hit else set()
        if sure >= LIKELY:
            said |= {one, other}
            right |= {one, other} if hit else set()
    by_difference = _read_differences(store, population, model, dictionary, key, born)
    sharing = np.unique(np.concatenate([mates.one, mates.other]))
    component = draw_graph(store.records, model, Distances.NONE, np.zeros(len(store.records), np.int64)).component
    return result(
        form="store",
        people=len(population),
        overlap=0.0,
        chance=float((truth[sharing] == commonest).sum()),
        control=control,
        ours=Count(len(right) + by_difference.right, len(sharing), len(said)),
        keys=["linkage"],
        knows="names",
        reads="differences and distances in blocks",
        best_guesses_right=len(guessed),
        right_by_difference=by_difference.to_json(),
        searchable_at_most=searchable(store, component, population, model),
        sharing_a_block=int((np.bincount(component)[component] > 1).sum()),
        surest=round(max((sure for *_, sure in known.values()), default=0.0), 4),
    )


def _with_people(
    store: Stolen,
    bundles: EncodedRecords,
    population: Population,
    model: LinkageModel,
    overlap: float,
    kept: NDArray[np.bool_],
    form: Form,
    label: Label,
    control: Count,
) -> dict[str, Any]:
    """The linkage key, the store and the people: their encodings give the very distances that the store must have."""
    n = len(population)
    woman, labels = population.woman[store.origin], labels_of(population, label)
    parts = drawn(
        Side(store.records, labels[store.origin], woman),
        Side(restricted(bundles, kept), labels[kept], population.woman[kept]),
        model,
        form,
    )
    named = [max(named_by_round(*part, Distances.EXACT), key=lambda one: len(one.right)) for part in parts]
    best = together(named).count(n)
    return result(
        form=form.value,
        people=n,
        overlap=overlap,
        chance=1.0,
        control=control,
        ours=best,
        keys=["linkage"],
        knows="people",
        reads="graph of blocks with exact distances",
        label=label.value,
    )


def _read_differences(
    store: Stolen,
    population: Population,
    model: LinkageModel,
    dictionary: Dictionary,
    key: LinkageKey,
    born: tuple[str, ...],
) -> Count:
    """Look up what block-mates' sketches differ by among all pairs of names on all days of birth `born`.

    Counts registrations that share a block on such a day with one of another first name, and of them those whose pair
    of names is read (which of the two is whose, is not asked).
    """
    mates = _mates(store.records, model)
    unlike = np.flatnonzero(mates.distance)
    wanted = np.unique(mates.difference[unlike])
    small = names.name_model(model, DIFFERENCE_BYTES * 8)
    count, weight = len(dictionary.names), dictionary.bearers.tolist()
    read: dict[int, set[tuple[int, int]]] = {}
    for entries in names.made_up_entries(dictionary, born, small, key):
        for difference, one, other in zip(*names.differences(entries, wanted), strict=True):
            low, high = sorted((int(one) % count, int(other) % count))
            read.setdefault(int(difference), set()).add((low, high))
    truth = _truth(population, dictionary, store.origin).tolist()
    birth = _birth_dates(population)[store.origin].tolist()
    tried: set[int] = set()
    claimed: set[int] = set()
    right: set[int] = set()
    for pair in unlike.tolist():
        one, other = int(mates.one[pair]), int(mates.other[pair])
        # Of several pairs of names with one difference, the attacker says the commonest.
        claims = read.get(int(mates.difference[pair]), set())
        best = max(claims, key=lambda names_of: weight[names_of[0]] * weight[names_of[1]], default=None)
        claimed |= {one, other} if best else set()
        if birth[one] in born and birth[other] in born:
            tried |= {one, other}
            right |= {one, other} if best == tuple(sorted((truth[one], truth[other]))) else set()
    return Count(len(right), len(tried), len(claimed))


def _read_tokens(
    store: Stolen,
    population: Population,
    model: LinkageModel,
    dictionary: Dictionary,
    linkage: LinkageKey,
    ingest: IngestKey,
) -> Count:
    """Make up every name on some days, key it under both keys, and look the entries up: of all who were born then."""
    born = names.days_of_year(YEAR, DAYS_BOTH_KEYS)
    whole = names.name_model(model, None)
    width = next(field.bits for field in model.fields if field.name == FIELD) // 8
    stolen = names.only_names(store.records, model, width)
    truth, birth = _truth(population, dictionary, store.origin), _birth_dates(population)[store.origin]
    tried = np.flatnonzero(np.isin(birth, born) & (truth >= 0))
    said: dict[int, set[int]] = {}
    for entries in names.made_up_entries(dictionary, born, whole, linkage, ingest):
        for row, found in names.read_entries(stolen, entries, len(dictionary.names), width).items():
            said.setdefault(row, set()).update(found)
    return Count(sum(said.get(row) == {int(truth[row])} for row in tried.tolist()), len(tried), len(said))


def _mates(records: EncodedRecords, model: LinkageModel) -> Mates:
    width = next(field.bits for field in model.fields if field.name == FIELD) // 8
    entries = names.only_names(records, model, width)
    counts = np.bincount(entries.row, minlength=len(records))
    pairs = np.array(list(_pairs(entries)), np.int64).reshape(-1, 2)
    rows = entries.row[pairs].astype(np.int64)
    # Two who share two codes are one pair all the same.
    _, first = np.unique(np.sort(rows, axis=1) @ np.array([len(records), 1]), return_index=True)
    pairs, rows = pairs[first], rows[first]
    difference = entries.sketch[pairs[:, 0]] ^ entries.sketch[pairs[:, 1]]
    return Mates(
        one=rows[:, 0],
        other=rows[:, 1],
        kind=kind_of(counts[rows[:, 0]], counts[rows[:, 1]]),
        distance=np.unpackbits(difference, axis=1).sum(axis=1, dtype=np.int64),
        difference=np.ascontiguousarray(difference[:, :DIFFERENCE_BYTES]).view(np.uint64).ravel(),
    )


def _pairs(entries: PassEntries) -> Iterator[tuple[int, int]]:
    blocks = find_blocks(entries, MAX_BLOCK)
    for start, length in zip(blocks.start.tolist(), blocks.length.tolist(), strict=True):
        members = blocks.order[start : start + length].tolist()
        yield from ((one, other) for i, one in enumerate(members) for other in members[i + 1 :])


def _truth(population: Population, dictionary: Dictionary, origin: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each stolen row the number of its first names in the dictionary, -1 for none."""
    number = {name: position for position, name in enumerate(dictionary.names)}
    values = population.table.attributes[NAMES]
    return np.array([number.get(values.of(row), -1) for row in origin.tolist()], np.int64)


def _birth_dates(population: Population) -> NDArray[np.object_]:
    values = population.table.attributes[BORN]
    return np.array([next(iter(values.of(row)), "") for row in range(len(population))], dtype=object)
