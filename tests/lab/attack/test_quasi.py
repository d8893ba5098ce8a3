"""How many registrations are unique in what a bundle says in clear."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from dedup.fields import ATTRIBUTES
from dedup.lab.attack import AttackError
from dedup.lab.attack.population import Population, draw_population
from dedup.lab.attack.quasi import BASE, NOT_KNOWN, quasi_attack
from dedup.model.load import load_model
from dedup.settings import CHECKOUT_CONFIG

MODEL = load_model(CHECKOUT_CONFIG / "linkage" / "kraamzorg.toml")


@pytest.fixture(scope="module")
def population() -> Population:
    return draw_population(10_000, seed=1, day=date(2026, 11, 22), config=CHECKOUT_CONFIG, model=MODEL)


def test_region_week_and_provider_single_out_one_in_seventeen_at_most(population: Population) -> None:
    lines = {line["name"]: line for line in quasi_attack(population)}
    assert lines["ksv + edd_week + aanbieder_agb"]["ours"]["share"] <= 0.06


def test_what_is_sent_still_singles_out_most_but_fewer_than_when_everything_was(population: Population) -> None:
    lines = {line["name"]: line for line in quasi_attack(population)}
    assert 0.9 < lines["all"]["ours"]["share"] < 0.96  # 0.9994 with the attributes that nothing read, decision 17
    assert lines["and status_week"]["ours"] == lines["ksv + edd_week + aanbieder_agb"]["ours"]


def test_every_clear_attribute_is_measured(population: Population) -> None:
    measured = {name for line in quasi_attack(population) for name in line["attributes"]}
    assert set(ATTRIBUTES) - set(NOT_KNOWN) <= measured


def test_unique_and_few_agree_with_counting_by_hand(population: Population) -> None:
    clear = population.table.clear
    assert clear is not None
    rows = list(zip(*(clear[name].tolist() for name in BASE), strict=True))
    every = Counter(rows)
    line = next(line for line in quasi_attack(population) if tuple(line["attributes"]) == BASE)
    assert line["ours"]["reidentified"] == sum(1 for row in rows if every[row] == 1)
    assert line["few"]["registrations"] == sum(1 for row in rows if every[row] <= 3)


def test_more_attributes_never_single_out_fewer(population: Population) -> None:
    lines = {tuple(line["attributes"]): line["ours"]["reidentified"] for line in quasi_attack(population)}
    base = lines[BASE]
    assert all(found >= base for names, found in lines.items() if set(BASE) <= set(names))


def test_a_population_without_clear_attributes_is_refused(population: Population) -> None:
    table = population.table
    bare = Population(type(table)(table.ids, table.attributes, table.edd_week, None), population.woman)
    with pytest.raises(AttackError) as caught:
        quasi_attack(bare)
    assert caught.value.code == "attack.no-attributes"
