"""What keys read of a stolen store: one key alone no name, both together everything."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.lab.attack.dictionary import (
    Dictionary,
    days_of_year,
    dictionary_of,
    differences,
    made_up_entries,
    name_model,
    only_names,
    read_entries,
)
from dedup.lab.attack.name_posterior import kind_of, likeliest, pair_prior
from dedup.lab.attack.population import Population, draw_population, encode, masked_only, steal
from dedup.lab.attack.vendor_key import vendor_key_attack
from dedup.model.load import load_model
from dedup.settings import CHECKOUT_CONFIG

MODEL = load_model(CHECKOUT_CONFIG / "linkage" / "kraamzorg.toml")
DAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def population() -> Population:
    return draw_population(4_000, seed=1, day=DAY, config=CHECKOUT_CONFIG, model=MODEL)


@pytest.fixture(scope="module")
def lines(population: Population) -> list[dict[str, Any]]:
    return vendor_key_attack(population, MODEL, np.random.default_rng(1), days=200)


def test_the_linkage_key_and_a_dictionary_read_no_name(lines: list[dict[str, Any]]) -> None:
    line = next(line for line in lines if line["keys"] == ["linkage"] and line["reads"].startswith("differences"))
    assert line["ours"]["share"] < 0.01
    assert line["ours"]["of"] > 500
    assert line["control"]["reidentified"] >= 0.8 * line["control"]["of"]


def test_either_key_alone_recognises_no_entry_and_both_recognise_all(lines: list[dict[str, Any]]) -> None:
    found = {tuple(line["keys"]): line for line in lines if line["reads"].startswith("tokens")}
    assert {keys: line["ours"]["share"] for keys, line in found.items()} == {
        ("linkage",): 0.0,
        ("ingest",): 0.0,
        ("linkage", "ingest"): 1.0,
    }
    assert {keys for keys, line in found.items() if line["total_break"]} == {("linkage", "ingest")}


def test_who_has_the_key_and_the_people_finds_many_and_ever_fewer_as_he_knows_fewer(
    lines: list[dict[str, Any]],
) -> None:
    found = [line["ours"]["share"] for line in lines if line["knows"] == "people"]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.05


def test_made_up_entries_are_the_real_ones_in_both_forms(population: Population) -> None:
    """A woman's entry of birth date and first name, made up from the two, is the entry in the stolen files."""
    born = population.table.attributes["birth_date"]
    names = population.table.attributes["first_names"]
    row = next(row for row in range(len(population)) if len(born.of(row)) == 1 and len(names.of(row)) == 2)
    dictionary = Dictionary((("xantippe",), names.of(row)), np.array([1, 1]))
    linkage, ingest = LinkageKey.generate(), IngestKey.generate()
    bundles = encode(population, MODEL, linkage)
    store = steal(bundles, MODEL, ingest, np.random.default_rng(1))
    width = MODEL.fields[0].bits // 8
    for records, second, place in (
        (bundles, None, row),
        (store.records, ingest, int(np.flatnonzero(store.origin == row)[0])),
    ):
        (entries,) = made_up_entries(dictionary, born.of(row), name_model(MODEL, None), linkage, second)
        assert read_entries(only_names(records, MODEL, width), entries, 2, width)[place] == {1}


def test_a_mask_without_permutation_leaves_differences_and_a_permutation_does_not(population: Population) -> None:
    dictionary = Dictionary((("anna",), ("anne",), ("hanna",)), np.array([1, 1, 1]))
    key = LinkageKey.generate()
    (entries,) = made_up_entries(dictionary, days_of_year(1990, 1), name_model(MODEL, 64), key)
    words = np.ascontiguousarray(entries.sketch).view(np.uint64).ravel()
    mates = [i for i in range(len(words)) if entries.token[i].tobytes() == entries.token[0].tobytes()]
    difference, one, other = differences(entries, np.sort(np.array([words[mates[0]] ^ words[mates[1]]])))
    assert difference.tolist() == [int(words[mates[0]] ^ words[mates[1]])]
    assert {int(one[0]), int(other[0])} == {int(entries.row[mates[0]]), int(entries.row[mates[1]])}

    bundles = encode(population, MODEL, key)
    ingest = IngestKey.generate()
    weak = masked_only(bundles, ingest)
    strong = steal(bundles, MODEL, ingest, np.random.default_rng(1)).records
    for position, entry in enumerate(bundles.passes):
        assert entry.token.tobytes() == weak.passes[position].token.tobytes()
        tokens = {token.tobytes() for token in entry.token}
        assert not tokens & {token.tobytes() for token in strong.passes[position].token}


def test_the_likeliest_pair_follows_bayes() -> None:
    """Two with the same sketch bear the commonest name; far apart, a pair that is unlike."""
    dictionary = Dictionary((("jan",), ("jean",), ("johan",)), np.array([5, 3, 2]))
    prior = pair_prior(dictionary)
    kind = int(kind_of(np.array([1]), np.array([1]))[0])
    one, other, sure = likeliest(prior, kind, 0, 256)
    assert (one, other) == (0, 0)
    assert sure == pytest.approx(5 / 10, abs=1e-6)
    one, other, _ = likeliest(prior, kind, 110, 256)
    assert one != other


def test_names_of_another_dictionary_are_not_read(population: Population) -> None:
    linkage = LinkageKey.generate()
    dictionary = Dictionary((("xantippe",),), np.array([1]))
    bundles = encode(population, MODEL, linkage)
    for entries in made_up_entries(dictionary, days_of_year(1990, 5), name_model(MODEL, None), linkage):
        assert read_entries(only_names(bundles, MODEL, 32), entries, 1, 32) == {}
    assert ("xantippe",) not in dictionary_of(population).names
