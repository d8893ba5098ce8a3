"""What the graph of shared blocks gives away, and that the attack reads it all where there is more to read."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.lab.attack.assignment import assigned
from dedup.lab.attack.block_graph import Form, Label, Side, block_graph_attack, drawn, matched_by_round
from dedup.lab.attack.graph import Distances, draw_graph, refine
from dedup.lab.attack.population import Population, draw_population, encode, restricted, steal
from dedup.model.load import load_model
from dedup.settings import CHECKOUT_CONFIG

MODEL = load_model(CHECKOUT_CONFIG / "linkage" / "kraamzorg.toml")
DAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def population() -> Population:
    return draw_population(3_000, seed=2, day=DAY, config=CHECKOUT_CONFIG, model=MODEL)


def test_the_store_shows_the_very_colours_that_the_attackers_own_encoding_shows(population: Population) -> None:
    """Under any two keys, and in any order, presence, blocks and equality of values are the same graph."""
    store = steal(
        encode(population, MODEL, LinkageKey.generate()), MODEL, IngestKey.generate(), np.random.default_rng(1)
    )
    own = encode(population, MODEL, LinkageKey.generate())
    nothing = np.zeros(len(population), np.int64)
    graphs = [draw_graph(records, MODEL, Distances.EQUAL, nothing) for records in (store.records, own)]
    for theirs, his in zip(*(list(refine(graph, 4)) for graph in graphs), strict=True):
        assert his[store.origin].tolist() == theirs.tolist()


def test_each_round_of_refinement_only_splits_colours(population: Population) -> None:
    records = encode(population, MODEL, LinkageKey.generate())
    graph = draw_graph(records, MODEL, Distances.EQUAL, np.zeros(len(population), np.int64))
    for before, after in pairwise(refine(graph, 5)):
        assert len(set(zip(before.tolist(), after.tolist(), strict=True))) == len(set(after.tolist()))


def test_who_shares_no_block_has_only_its_own_colour_to_show(population: Population) -> None:
    """A record without neighbours is told from others by presence and numbers of entries alone."""
    records = encode(population, MODEL, LinkageKey.generate())
    graph = draw_graph(records, MODEL, Distances.EQUAL, np.zeros(len(population), np.int64))
    alone = np.setdiff1d(np.arange(len(population)), np.concatenate([graph.left, graph.right]))
    *_, last = refine(graph, 5)
    assert len(alone) > 1_000
    assert len(np.unique(last[alone])) == len(np.unique(graph.start[alone]))
    sizes = Counter(graph.component.tolist())
    assert {sizes[component] for component in graph.component[alone].tolist()} == {1}


def test_ever_less_is_found_by_whoever_knows_less(population: Population) -> None:
    lines = block_graph_attack(
        population,
        MODEL,
        np.random.default_rng(1),
        overlaps=(1.0, 0.1),
        views={Form.STORE: (Label.NOTHING,), Form.BOTH_VIEWS: (Label.NOTHING, Label.ALL)},
    )
    found = {(line["form"], line["known"], line["overlap"], line["label"]): line["ours"]["share"] for line in lines}
    assert found["store", "registrations", 1.0, "nothing"] < 0.03
    assert found["store", "registrations", 0.1, "nothing"] < 0.002
    assert found["store", "women", 0.1, "nothing"] < 0.004
    # The link view joined by its map, and with the attribute store, is another matter: the documents must not hide it.
    assert 0.1 < found["both_views", "registrations", 1.0, "nothing"] < 0.3
    assert found["both_views", "registrations", 1.0, "all"] > 0.5
    assert {line["control"]["reidentified"] == line["control"]["of"] for line in lines} == {True}
    guesses = [line["guessing_all"]["reidentified"] - line["ours"]["reidentified"] for line in lines]
    assert min(guesses) >= 0


def test_of_single_sketches_only_those_of_one_pass_and_block_are_tied(population: Population) -> None:
    """Each entry is a record of its own: its only neighbours are its block-mates that have the field."""
    records = encode(population, MODEL, LinkageKey.generate())
    nothing = np.zeros(len(population), np.int64)
    side = Side(records, nothing, population.woman)
    fields = []
    for shown, _, model in drawn(side, side, MODEL, Form.STORE):
        fields += [field.name for field in model.fields]
        bit = MODEL.fields.index(model.fields[0])
        assert shown.registration is not None
        assert (records.presence[shown.registration] >> np.uint32(bit) & 1).all()
        tokens = {
            entries.number: dict(zip(entries.row.tolist(), map(bytes, entries.token), strict=True))
            for entries in shown.records.passes
        }
        graph = draw_graph(shown.records, model, Distances.NONE, np.zeros(len(shown.records), np.int64))
        token_of = {row: (number, token) for number, rows in tokens.items() for row, token in rows.items()}
        assert all(
            token_of[one] == token_of[other]
            for one, other in zip(graph.left.tolist(), graph.right.tolist(), strict=True)
        )
        assert set(graph.left.tolist()) | set(graph.right.tolist()) == set(range(len(shown.records)))
    assert fields == [field.name for field in MODEL.fields]


def test_what_colours_leave_open_is_assigned_by_distance() -> None:
    """Of six of one colour each is paired with the one of the same profile, surely where others are far away."""
    colours = np.zeros(6, np.uint64)
    profiles = np.arange(6, dtype=np.float32)[:, None] * np.float32(10) + np.zeros((6, 2), np.float32)
    order = np.random.default_rng(1).permutation(6)
    pairing, likely = assigned(colours, colours, profiles, profiles[order])
    assert order[pairing].tolist() == list(range(6))
    assert likely.min() > 0.99
    pairing, likely = assigned(colours, colours, profiles / 1000, profiles[order] / 1000)
    assert order[pairing].tolist() == list(range(6))
    assert likely.max() < 0.2
    pairing, likely = assigned(colours, colours[:3], profiles * 0, profiles[:3] * 0)
    assert (pairing >= 0).sum() == 3
    assert np.allclose(likely[pairing >= 0], 1 / 6)


def test_a_wrong_population_names_hardly_anybody(population: Population) -> None:
    """People who are not in the store are not taken for people who are, but for a few by accident."""
    rng = np.random.default_rng(1)
    store = steal(encode(population, MODEL, LinkageKey.generate()), MODEL, IngestKey.generate(), rng)
    half = population.woman < population.woman.max() // 2
    own = restricted(encode(population, MODEL, LinkageKey.generate()), half)
    stranger = ~half[store.origin]
    theirs = restricted(store.records, stranger)
    truth = population.woman[store.origin][stranger]
    nothing = [np.zeros(len(records), np.int64) for records in (theirs, own)]
    counts = matched_by_round(
        Side(theirs, nothing[0], truth), Side(own, nothing[1], population.woman[half]), MODEL, Distances.EQUAL
    )
    assert {count.right for count in counts} == {0}
    assert max(count.claimed or 0 for count in counts) < 0.05 * len(theirs)


@pytest.mark.trial
def test_of_the_whole_country_little_is_found() -> None:
    full = os.environ.get("DEDUP_TRIALS") == "full"
    size = 200_000 if full else 20_000
    large = draw_population(size, seed=1, day=DAY, config=CHECKOUT_CONFIG, model=MODEL)
    lines = block_graph_attack(
        large,
        MODEL,
        np.random.default_rng(1),
        views={Form.STORE: (Label.NOTHING,), Form.BOTH_VIEWS: (Label.NOTHING,)},
    )
    found = {(line["form"], line["known"], line["overlap"]): line["ours"]["share"] for line in lines}
    assert found["store", "registrations", 1.0] < 0.01
    assert found["store", "registrations", 0.5] < 0.002
    assert found["store", "women", 0.5] < 0.005
    assert found["both_views", "registrations", 1.0] < 0.25
