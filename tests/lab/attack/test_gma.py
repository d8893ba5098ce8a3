"""Graph matching re-identifies whoever is comparable with everybody, and nobody of ours beyond chance."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dedup.lab.attack.forms import Graph, clear_similarities, encode_under_one_secret, similarities
from dedup.lab.attack.gma.alignment import match_graphs
from dedup.lab.attack.people import draw_people, normalised
from dedup.model.load import load_model

CONFIG = Path(__file__).parents[3] / "config"
MODEL = load_model(CONFIG / "linkage" / "kraamzorg.toml")
DAY = date(2026, 11, 22)


def attack(people, overlaps, seed=1):
    """Run the command as its users do: it keeps linear algebra on one thread, which must be said before numpy loads."""
    command = [sys.executable, "-m", "dedup", "attack", "gma", "--people", people, "--seed", seed, "--json"]
    command += ["--date", DAY.isoformat(), "--config", CONFIG]
    command += [argument for overlap in overlaps for argument in ("--overlap", overlap)]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def results_of(run):
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def within_chance(result):
    low, high = result["ours"]["interval"]
    return low <= result["chance"] <= high


def test_bloom_filters_and_sketches_without_block_keys_are_all_re_identified_and_ours_within_chance():
    results = results_of(attack(1000, [1.0]))
    assert [(one["form"], one["graph"]) for one in results] == [
        ("bundle", "all"),
        ("bundle", "closest"),
        ("store", "all"),
        ("store", "closest"),
    ]
    for one in results:
        assert (one["people"], one["overlap"], one["chance"], one["ours"]["of"]) == (1000, 1.0, 1.0, 1000)
        assert one["control"]["reidentified"] >= 980
        assert one["control_one_secret"]["reidentified"] >= 980
        assert within_chance(one), one


@pytest.mark.trial
def test_ours_stay_within_chance_for_other_people_and_smaller_overlaps():
    for one in results_of(attack(1500, [1.0, 0.5, 0.2], seed=11)):
        assert within_chance(one), one


def test_without_a_control_that_succeeds_there_is_no_result():
    run = attack(100, [1.0])
    assert run.returncode == 1
    assert run.stdout == ""
    assert json.loads(run.stderr.splitlines()[-1])["error"] == "attack.control-failed"


def test_who_knows_a_fifth_of_the_people_and_fifty_pairs_finds_the_rest_of_the_controls_and_none_of_ours():
    for one in results_of(attack(1000, [0.2])):
        assert (one["known_pairs"], one["ours"]["of"]) == (50, 150)
        assert one["control"]["reidentified"] >= 147
        assert one["control_one_secret"]["reidentified"] >= 147
        assert within_chance(one), one


def test_a_clear_graph_is_found_again_among_its_own_nodes_in_another_order():
    graph = clear_similarities(normalised(draw_people(120, seed=3, day=DAY, config=CONFIG), MODEL), MODEL)
    order = np.random.default_rng(5).permutation(120)
    np.testing.assert_array_equal(match_graphs(graph, graph[np.ix_(order, order)]), order)


def test_sketches_under_one_secret_estimate_the_similarity_of_names_and_birth_dates():
    table = normalised(draw_people(150, seed=3, day=DAY, config=CONFIG), MODEL)
    seen = similarities(encode_under_one_secret(table, MODEL, np.random.default_rng(1)), MODEL, Graph.ALL)
    pairs = np.triu_indices(150, 1)
    error = seen[pairs] - clear_similarities(table, MODEL)[pairs]
    assert abs(error.mean()) < 0.01
    assert error.std() < 0.06
