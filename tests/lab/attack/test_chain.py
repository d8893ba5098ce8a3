"""Sketches of other blocks say nothing, pads would say everything, and a third record says what it shares."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dedup.lab.attack import AttackError
from dedup.lab.attack.chain import attack_by_chains, plant_threes
from dedup.lab.attack.known_plaintext import attack_by_known_plaintext, train
from dedup.lab.attack.people import draw_people
from dedup.model.load import load_model

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config"
MODEL = load_model(CONFIG / "linkage" / "kraamzorg.toml")
DAY = date(2026, 11, 22)


def contains(interval, value):
    return interval[0] <= value <= interval[1]


def test_chain_as_a_user_runs_it():
    command = [sys.executable, "-m", "dedup", "attack", "chain", "--people", "3000", "--date", "2026-11-22", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    forms = json.loads(result.stdout)
    assert [one["form"] for one in forms] == ["bundle", "store"]
    for one in forms:
        assert one["control_auc"] > 0.95
        assert contains(one["auc_interval"], 0.5)
        assert contains(one["one_record_in_two_blocks"]["auc_interval"], 0.5)
        assert one["through_an_alike_third"]["auc"] > 0.95
        assert one["through_an_unlike_third"]["auc"] < 0.6


@pytest.mark.trial
def test_with_many_chains_other_blocks_still_say_nothing():
    for one in attack_by_chains(MODEL, people=80_000, seed=21, day=DAY, config=CONFIG, tell=lambda _: None):
        assert contains(one["auc_interval"], 0.5)


def test_planted_chains_share_an_address_and_a_phone_number_and_nothing_else():
    threes = plant_threes(draw_people(300, seed=4, day=DAY, config=CONFIG), third_alike=False)
    a, b, c = (threes.rows.iloc[side::3].reset_index(drop=True) for side in range(3))
    assert (a[["postcode", "huisnummer"]] == b[["postcode", "huisnummer"]]).all(axis=None)
    assert (b["telefoon"] == c["telefoon"]).all()
    assert (a["telefoon"] != b["telefoon"]).all()
    assert (a["achternaam"] == c["achternaam"])[threes.alike].all()
    assert (a["geboortedatum"] != c["geboortedatum"]).mean() > 0.99


def test_too_few_people_for_chains_are_refused():
    with pytest.raises(AttackError) as refused:
        attack_by_chains(MODEL, people=100, seed=1, day=DAY, config=CONFIG, tell=lambda _: None)
    assert refused.value.code == "attack.too-few-chains"


def test_known_records_teach_of_bloom_filters_and_not_of_sketches_in_other_components():
    forms = attack_by_known_plaintext(MODEL, people=12_000, seed=1, day=DAY, config=CONFIG, tell=lambda _: None)
    for one in forms:
        assert one["known"] < 0.012 * one["people"]
        assert one["control_auc_interval"][0] > 0.6
        assert contains(one["auc_interval"], 0.5)


def test_the_classifier_finds_the_one_feature_that_decides():
    rng = np.random.default_rng(2)
    features = rng.integers(0, 2, (300, 20)) * 2.0 - 1
    weights = train(features, features[:, 7] > 0)
    assert int(np.abs(weights).argmax()) == 7
    assert weights[7] > 0
