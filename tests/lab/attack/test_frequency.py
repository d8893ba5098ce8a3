"""Block tokens give next to nobody away by how often they occur, though the attack works where it should."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from dedup.lab.attack import AttackError
from dedup.lab.attack.counted import Count, require_control
from dedup.lab.attack.frequency import CONTROL_SHARE, frequency_attack
from dedup.lab.attack.population import draw_population
from dedup.model.load import load_model
from dedup.settings import CHECKOUT_CONFIG

MODEL = load_model(CHECKOUT_CONFIG / "linkage" / "kraamzorg.toml")
DAY = date(2026, 11, 22)


def test_hardly_any_token_is_read_by_its_frequency_in_either_form() -> None:
    population = draw_population(8_000, seed=1, day=DAY, config=CHECKOUT_CONFIG, model=MODEL)
    lines = frequency_attack(population, MODEL, np.random.default_rng(1))
    assert [(line["form"], line["pass"]) for line in lines] == [
        (form, list(one.attributes)) for form in ("bundle", "store") for one in MODEL.passes
    ]
    assert max(line["ours"]["share"] for line in lines) < 0.01
    assert min(line["control"]["reidentified"] for line in lines) > 1_200


def test_an_attack_whose_control_fails_reports_nothing() -> None:
    """Keys are fresh in every run and ties are broken by chance, so the gate is tested on counts that are given."""
    assert require_control(Count(15, 100), CONTROL_SHARE, "names").right == 15
    with pytest.raises(AttackError) as caught:
        require_control(Count(14, 100), CONTROL_SHARE, "names")
    assert caught.value.code == "attack.control-failed"
