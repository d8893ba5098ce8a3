"""`dedup bench quality` as a user runs it: encoded data is linked as well as the project promises, under a new key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from dedup.lab.bench.material import make_simulation
from dedup.lab.bench.quality import worst

ROOT = Path(__file__).parents[3]


def test_febrl_4_is_linked_with_an_f1_of_0_9995(bench):
    result = bench("quality", "febrl4", "--keys", 1)
    assert (result["data"], result["records"], len(result["keys"])) == ("febrl4", 10_000, 1)
    assert result["keys"][0]["true_pairs"] == 5_000
    assert result["worst"]["f1"] >= 0.9995
    assert result["worst"]["calibration_error"] <= 0.02


def test_simulated_registrations_of_a_seed_that_nothing_was_fitted_on_are_linked_for_every_origin(bench):
    result = bench("quality", "simulator", "--registrations", 20_000, "--seed", 12, "--keys", 1, "--date", "2026-11-22")
    scores = result["worst"]
    assert scores["f1"] >= 0.998
    assert scores["calibration_error"] <= 0.02
    assert set(scores["recall_by_group"]) == {"marokkaans", "nederlands", "overig", "pools", "turks"}
    assert scores["recall_gap_of_groups"] <= 0.02


@pytest.mark.parametrize("table", ["patients", "tenants", "members"])
def test_harsh_person_tables_are_linked_in_spite_of_families_and_moves(bench, table):
    """Splink on the clear text reaches an F1 of 0.75 to 0.79; at a seed of which nothing is reported."""
    result = bench("quality", table, "--registrations", 6_000, "--seed", 11, "--keys", 1, "--date", "2026-11-22")
    scores = result["worst"]
    assert 5_000 < result["records"] < 7_000
    assert scores["f1"] >= 0.74
    assert scores["precision"] >= 0.85
    assert scores["calibration_error"] <= 0.08


def test_required_only_empties_the_optional_identifiers_and_nothing_else(tmp_path):
    asked = {"registrations": 600, "seed": 12, "config": ROOT / "config", "day": date(2026, 11, 22)}
    full, bare = (make_simulation(tmp_path / name, required_only=name == "bare", **asked) for name in ("full", "bare"))
    optional = ["telefoon", "email", "uzovi", "verzekerdennummer"]
    assert full.truth.read_bytes() == bare.truth.read_bytes()
    for one, other in zip(full.extracts, bare.extracts, strict=True):
        with_all, without = (pd.read_csv(path, sep=";", dtype=str, keep_default_na=False) for path in (one, other))
        assert (with_all[optional] != "").any(axis=None)
        assert (without[optional] == "").all(axis=None)
        pd.testing.assert_frame_equal(with_all.drop(columns=optional), without.drop(columns=optional))


def test_the_worst_of_several_keys_is_the_worst_of_every_measure():
    measures = ("precision", "recall", "f1", "best_f1", "blocked_recall", "recall_of_all", "groups_f1")
    errors = ("calibration_error", "calibration_error_in_doubt")
    one = dict.fromkeys(measures, 0.9) | dict.fromkeys(errors, 0.01) | {"recall_by_group": {"a": 1.0, "b": 0.8}}
    other = dict.fromkeys(measures, 0.8) | dict.fromkeys(errors, 0.001) | {"recall_by_group": {"a": 0.9, "b": 0.9}}
    found = worst([one, other])
    assert {found[name] for name in measures} == {0.8}
    assert {found[name] for name in errors} == {0.01}
    assert found["recall_by_group"] == {"a": 0.9, "b": 0.8}
    assert found["recall_gap_of_groups"] == pytest.approx(0.2)
