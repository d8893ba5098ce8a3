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
from dedup.lab.attack.gma.components import guessed_rotation
from dedup.lab.attack.gma.embedding import squared_distances
from dedup.lab.attack.gma.landmarks import mutual_pairs, pair_up
from dedup.lab.attack.gma.transport import Clouds, rotation, settle, transport
from dedup.lab.attack.people import draw_people, normalised
from dedup.model.load import load_model

CONFIG = Path(__file__).parents[3] / "config"
MODEL = load_model(CONFIG / "linkage" / "kraamzorg.toml")
DAY = date(2026, 11, 22)


def attack(people, overlaps, seed=1, known_pairs=0):
    """Run the command as its users do: it keeps linear algebra on one thread, which must be said before numpy loads."""
    command = [sys.executable, "-m", "dedup", "attack", "gma", "--people", people, "--seed", seed, "--json"]
    command += ["--known-pairs", known_pairs, "--date", DAY.isoformat(), "--config", CONFIG]
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
    run = attack(100, [0.2])
    assert run.returncode == 1
    assert run.stdout == ""
    assert json.loads(run.stderr.splitlines()[-1])["error"] == "attack.control-failed"


def test_who_knows_half_of_the_people_and_no_pair_finds_them_in_the_controls_and_none_of_ours():
    for one in results_of(attack(800, [0.5])):
        assert (one["known_pairs"], one["ours"]["of"]) == (0, 400)
        assert one["control"]["reidentified"] >= 390
        assert one["control_one_secret"]["reidentified"] >= 390
        assert within_chance(one), one


def test_who_knows_a_fifth_of_the_people_and_fifty_pairs_finds_the_rest_of_the_controls_and_none_of_ours():
    for one in results_of(attack(1000, [0.2], known_pairs=50)):
        assert (one["known_pairs"], one["ours"]["of"]) == (50, 150)
        assert one["control"]["reidentified"] >= 147
        assert one["control_one_secret"]["reidentified"] >= 147
        assert within_chance(one), one


def test_a_clear_graph_is_found_again_among_its_own_nodes_in_another_order():
    graph = clear_similarities(normalised(draw_people(120, seed=3, day=DAY, config=CONFIG), MODEL), MODEL)
    order = np.random.default_rng(5).permutation(120)
    matched = match_graphs(graph, graph[np.ix_(order, order)], np.random.default_rng(1), 1)
    np.testing.assert_array_equal(matched.pairing, order)


def skewed_points(count, dimensions, seed):
    """Points whose coordinates are independent and lean to one side, each in its own way."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.gamma(0.3 + 0.7 * axis, size=count) for axis in range(dimensions)], axis=1).astype(np.float32)


def test_a_cloud_is_turned_onto_another_sample_of_the_same_population():
    """No point is in both: only the shapes of the clouds can tell how they lie."""
    one, other = (skewed_points(700, 4, seed) for seed in (1, 2))
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    rng = np.random.default_rng(3)
    true = rotation(rng.standard_normal((4, 4), np.float32))
    clouds = Clouds(one, other @ true.T, np.zeros((700, 700), np.float32)).cut(4)
    blurs = np.geomspace(0.2, 0.02, 8)
    guesses = [guessed_rotation(clouds.encoded, clouds.known, rng) for _ in range(6)]
    ends = [settle(clouds, transport(clouds.costs(guess), 0.2)[0], blurs) for guess in guesses]
    cheapest = min(ends, key=lambda end: end.cost)
    assert np.trace(cheapest.turned.T @ true) / 4 > 0.95


def test_a_plan_uses_every_node_alike_and_prefers_what_costs_little():
    points = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    plan, _ = transport(squared_distances(points[::2], points), 0.01)
    np.testing.assert_allclose(plan.sum(axis=0), 0.5, atol=1e-3)
    np.testing.assert_allclose(plan.sum(axis=1), 1.0, atol=0.1)
    assert plan[0, 0] > plan[0, -1]


def test_mutual_pairs_come_surest_first_and_known_pairs_are_kept():
    cost = np.array([[0, 5, 9], [1, 2, 9], [9, 9, 3]], np.float32)
    known, encoded = mutual_pairs(cost)
    assert list(zip(known.tolist(), encoded.tolist(), strict=True)) == [(2, 2), (0, 0)]
    assert pair_up(cost, (np.array([0]), np.array([1]))).tolist() == [1, 0, 2]


def test_sketches_under_one_secret_estimate_the_similarity_of_names_and_birth_dates():
    table = normalised(draw_people(150, seed=3, day=DAY, config=CONFIG), MODEL)
    seen = similarities(encode_under_one_secret(table, MODEL, np.random.default_rng(1)), MODEL, Graph.ALL)
    pairs = np.triu_indices(150, 1)
    error = seen[pairs] - clear_similarities(table, MODEL)[pairs]
    assert abs(error.mean()) < 0.01
    assert error.std() < 0.06
