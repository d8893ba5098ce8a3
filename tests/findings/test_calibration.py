"""Thresholds fitted on answers are as low as the answers allow, and no lower."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.findings.calibration import Labelled, Thresholds, changes, fit_thresholds, support, wilson_lower
from dedup.findings.config import CALIBRATION_FILE, CalibrationTerms, load_rules

SHIPPED = Path(__file__).parents[2] / "config" / "rules.toml"


def test_wilsons_lower_bound_is_the_published_one():
    assert wilson_lower(0, 0) == 0.0
    assert wilson_lower(10, 10) == pytest.approx(0.7225, abs=1e-4)
    assert wilson_lower(81, 263) == pytest.approx(0.2553, abs=1e-4)  # Newcombe, Statistics in Medicine 17, 1998


def test_few_labels_fit_nothing(rules):
    assert fit_thresholds([Labelled(0.99, True)] * 199, rules, rules.calibration) is None


def test_a_threshold_goes_as_low_as_the_labels_allow(rules):
    labels = [Labelled(0.97, True)] * 300 + [Labelled(0.8, True)] * 40 + [Labelled(0.6, False)] * 300
    assert fit_thresholds(labels, rules, rules.calibration) == Thresholds(0.8, 0.8)


def test_a_threshold_rises_where_the_labels_say_that_pairs_are_wrong(rules):
    labels = [Labelled(0.9999, True)] * 400 + [Labelled(0.992, False)] * 100
    assert fit_thresholds(labels, rules, rules.calibration).certain_probability == 0.9999


def test_where_nothing_is_good_enough_the_threshold_stays(rules):
    now = (rules.evidence.certain_probability, rules.evidence.likely_probability)
    assert fit_thresholds([Labelled(0.99, False)] * 300, rules, rules.calibration) == Thresholds(*now)


def test_a_threshold_is_not_raised_to_the_lowest_label_for_want_of_labels_below_it(rules):
    labels = [Labelled(0.99995, True)] * 300 + [Labelled(0.99995, False)] * 2
    now = (rules.evidence.certain_probability, rules.evidence.likely_probability)
    assert now == (0.99, 0.9)
    assert fit_thresholds(labels, rules, rules.calibration) == Thresholds(0.99, 0.9)


def test_labels_above_a_threshold_that_are_too_often_wrong_raise_it_all_the_same(rules):
    labels = [Labelled(0.9999, True)] * 400 + [Labelled(0.95, False)] * 100 + [Labelled(0.95, True)] * 10
    assert fit_thresholds(labels, rules, rules.calibration) == Thresholds(0.99, 0.99)


def test_support_counts_what_lies_above_and_bounds_its_share():
    labels = [Labelled(0.99, True)] * 8 + [Labelled(0.99, False)] * 2 + [Labelled(0.5, False)] * 5
    said = support(labels, 0.9, 0.4)
    assert (said.labels, said.same, said.at_least) == (10, 8, wilson_lower(8, 10))
    assert said.reached
    assert not support(labels, 0.9, 0.9).reached
    assert not support([], 0.9, 0.9).reached


@given(labels=st.lists(st.builds(Labelled, st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_fitted_thresholds_are_ordered_and_never_below_the_group_threshold(rules, labels):
    fitted = fit_thresholds(labels, rules, CalibrationTerms(0.7, 0.5, 1))
    assert 0.5 <= fitted.likely_probability <= fitted.certain_probability <= 1


def test_changes_count_findings_that_go_from_class_to_class():
    before = pd.DataFrame({"finding": ["a", "b", "c"], "class": ["certain", "likely", "likely"]})
    after = pd.DataFrame({"finding": ["a", "b", "d"], "class": ["likely", "likely", "certain"]})
    assert changes(before, after) == [("certain", "likely", 1), ("likely", "none", 1), ("none", "certain", 1)]


def test_what_was_applied_last_goes_before_the_rules(tmp_path):
    shutil.copy(SHIPPED, tmp_path / "rules.toml")
    usual = load_rules(tmp_path / "rules.toml")
    blocks = [f"[[applied]]\ncertain_probability = {c}\nlikely_probability = 0.8\n" for c in (0.95, 0.97)]
    (tmp_path / CALIBRATION_FILE).write_text("\n".join(blocks))
    assert load_rules(tmp_path / "rules.toml").evidence.certain_probability == 0.97
    (tmp_path / CALIBRATION_FILE).write_text("# nothing\n")
    assert load_rules(tmp_path / "rules.toml") == usual
