"""The attacker knows exactly the share of people that was asked for, and the same ones for the same seed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dedup.lab.attack import AttackError
from dedup.lab.attack.people import acquaint, draw_people

CONFIG = Path(__file__).parents[3] / "config"
DAY = date(2026, 11, 22)


def draw(count, seed=1):
    return draw_people(count, seed=seed, day=DAY, config=CONFIG)


def test_the_same_seed_gives_the_same_people_and_another_seed_others():
    pd.testing.assert_frame_equal(draw(50), draw(50))
    assert not draw(50)["achternaam"].equals(draw(50, seed=2)["achternaam"])


@pytest.mark.parametrize(("overlap", "drawn"), [(1.0, 100), (0.5, 150), (0.2, 180)])
def test_both_sides_have_as_many_rows_and_share_what_was_asked(overlap, drawn):
    met = acquaint(draw(drawn), overlap, np.random.default_rng(3))
    assert (len(met.encoded), len(met.known), met.shared) == (100, 100, round(100 * overlap))
    both = met.truth >= 0
    ids = "registratie_id"
    assert met.known[ids][both].tolist() == met.encoded[ids].iloc[met.truth[both]].tolist()
    assert not set(met.known[ids][~both]) & set(met.encoded[ids])


def test_the_order_of_rows_gives_nobody_away():
    met = acquaint(draw(200), 1.0, np.random.default_rng(3))
    assert (met.truth == np.arange(200)).sum() < 8


def test_too_few_people_are_refused():
    with pytest.raises(AttackError) as refused:
        draw(5)
    assert refused.value.code == "attack.too-few-people"
