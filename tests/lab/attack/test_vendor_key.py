"""What keys read of a stolen store: one key alone no name, both together everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from dedup.bundle.keys import IngestKey, LinkageKey
from dedup.encode.records import table_parts
from dedup.extract.values import ValueSets
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
from dedup.lab.attack.guesses import Guesses, guesses_of
from dedup.lab.attack.name_posterior import kind_of, likeliest, pair_prior
from dedup.lab.attack.population import Population, draw_population, encode, masked_only, steal
from dedup.lab.attack.search_bound import closure, searchable
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


def test_few_could_be_read_by_any_search(lines: list[dict[str, Any]]) -> None:
    line = next(line for line in lines if line["reads"].startswith("differences"))
    assert 0 <= line["searchable_at_most"] < 0.06 * line["sharing_a_block"]


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
    found = {
        form: [line["ours"]["share"] for line in lines if (line["form"], line.get("label")) == (form, "nothing")]
        for form in ("store", "both_views")
    }
    for shares in found.values():
        assert len(shares) == 3
        assert shares == sorted(shares, reverse=True)
    assert found["both_views"][0] > 0.05
    assert found["store"][0] < found["both_views"][0]
    assert found["store"][1] < found["both_views"][1]


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


def test_two_made_up_names_of_one_block_are_found_by_what_they_differ_by() -> None:
    dictionary = Dictionary((("anna",), ("anne",)), np.array([1, 1]))
    model = name_model(MODEL, 64)
    (entries,) = made_up_entries(dictionary, days_of_year(1990, 1), model, LinkageKey.generate())
    words = np.ascontiguousarray(entries.sketch).view(np.uint64).ravel()
    assert entries.token[0].tobytes() == entries.token[1].tobytes()
    difference, one, other = differences(entries, words[:1] ^ words[1:])
    assert difference.tolist() == [int(words[0] ^ words[1])]
    assert sorted([*one.tolist(), *other.tolist()]) == [0, 1]
    nothing, *_ = differences(entries, np.array([~(words[0] ^ words[1])]))
    assert len(nothing) == 0


def test_the_weak_form_of_the_control_hides_each_block_under_one_mask(population: Population) -> None:
    """So that what two sketches of a block differ by shows through, and nothing else does."""
    bundles = encode(population, MODEL, LinkageKey.generate())
    weak = masked_only(bundles, IngestKey.generate())
    for plain, masked in zip(bundles.passes, weak.passes, strict=True):
        masks: dict[bytes, set[bytes]] = {}
        for token, mask in zip(plain.token, plain.sketch ^ masked.sketch, strict=True):
            masks.setdefault(token.tobytes(), set()).add(mask.tobytes())
        assert {len(of_block) for of_block in masks.values()} == {1}
        assert len({mask for of_block in masks.values() for mask in of_block}) == len(masks)


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


def test_a_search_is_possible_where_many_differing_records_share_a_block_and_not_where_two_do(
    population: Population,
) -> None:
    """Records of one pass and one block: two of them never tell enough, twelve of them do."""
    one = name_model(MODEL, None)
    passes = tuple(p for p in MODEL.passes if p.attributes == ("phone",))
    model = replace(one, passes=passes)
    phone = ValueSets(("612345678",), np.arange(len(population) + 1), np.zeros(len(population), np.int32))
    together = replace(population.table, attributes=population.table.attributes | {"phone": phone})
    for size, expected in ((2, 0), (12, 12)):
        (few,) = list(table_parts(replace(together, clear=None), MODEL, size))[:1]
        part = Population(few, population.woman[:size])
        store = steal(encode(part, model, LinkageKey.generate()), model, IngestKey.generate(), np.random.default_rng(1))
        assert searchable(store, np.zeros(size, np.int64), part, model) == expected


def test_a_search_that_is_worth_it_takes_the_guesses_that_gain_most_together() -> None:
    """Three distances that share a dear guess pay for it together; a guess that nothing pays for is left out."""
    guesses = Guesses(bits=[10.0, 2.0, 3.0, 9.0], after=[-1, 0, 0, -1])
    told = {(0, 1): 4.0, (0, 2): 5.0, (0, 1, 2): 7.0, (0, 3): 8.0}
    assert closure(told, guesses).tolist() == [True, True, True, False]
    assert closure({(0, 1): 4.0, (0, 2): 5.0}, guesses).tolist() == [False] * 4
    assert closure({(3,): 9.5}, guesses).tolist() == [False, False, False, True]


def test_a_name_is_guessed_once_in_a_component_and_not_at_all_where_no_block_is_shared(population: Population) -> None:
    guesses = guesses_of(population, np.zeros(len(population), np.int64), MODEL)
    values = population.table.attributes["first_names"]
    names = {values.of(row) for row in range(len(population))} - {()}
    assert len({guess for guess in guesses.of["first_names"].tolist() if guess >= 0}) == len(names)
    alone = guesses_of(population, np.arange(len(population)), MODEL)
    assert set(alone.of["first_names"].tolist()) == {-1}


def test_names_of_another_dictionary_are_not_read(population: Population) -> None:
    linkage = LinkageKey.generate()
    dictionary = Dictionary((("xantippe",),), np.array([1]))
    bundles = encode(population, MODEL, linkage)
    for entries in made_up_entries(dictionary, days_of_year(1990, 5), name_model(MODEL, None), linkage):
        assert read_entries(only_names(bundles, MODEL, 32), entries, 1, 32) == {}
    assert ("xantippe",) not in dictionary_of(population).names
