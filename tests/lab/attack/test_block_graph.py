"""What the graph of shared blocks gives away, and that the attack reads it all where there is more to read."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.lab.attack.block_graph import Label, Side, block_graph_attack, matched_by_round
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
        population, MODEL, np.random.default_rng(1), overlaps=(1.0, 0.1), labels=(Label.NOTHING, Label.BOTH_VIEWS)
    )
    found = {(line["known"], line["overlap"], line["label"]): line["ours"]["share"] for line in lines}
    assert found["registrations", 0.1, "nothing"] < 0.01
    assert found["women", 0.1, "nothing"] < 0.02
    assert 0 < found["registrations", 1.0, "nothing"] < 0.25
    # The link view joined with the attribute store is another matter, and the documents must not hide it.
    assert found["registrations", 1.0, "both_views"] > 0.3
    assert {line["control"]["reidentified"] == line["control"]["of"] for line in lines} == {True}


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
    lines = block_graph_attack(large, MODEL, np.random.default_rng(1), labels=(Label.NOTHING, Label.EDD_WEEK))
    found = {(line["known"], line["overlap"], line["label"]): line["ours"]["share"] for line in lines}
    assert found["registrations", 1.0, "nothing"] < (0.2 if full else 0.12)
    assert found["registrations", 0.5, "nothing"] < 0.025
    assert found["registrations", 0.1, "nothing"] < 0.002
