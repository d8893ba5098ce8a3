"""The clear-text reference finds what shares a block, compares values exactly, and is scored like any peer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import recordlinkage

from dedup.lab.bench.peers.reference import SharedValues, compare
from dedup.lab.bench.peers.reference_measures import measures
from dedup.model.load import load_model

ROOT = Path(__file__).parents[3]
KRAAMZORG = load_model(ROOT / "config" / "linkage" / "kraamzorg.toml")


def test_the_reference_links_febrl_3_at_least_nearly_as_well_as_it_can_be_linked(bench):
    """The same candidate pairs as encoded, for blocks are defined alike; the ceiling is not below what is encoded."""
    result = bench("quality", "febrl3", "--keys", 1, "--peers", "reference")
    ours, reference = result["worst"], result["peers"]["reference"]
    assert reference["blocked_recall"] == ours["blocked_recall"]
    assert reference["f1"] >= 0.998
    assert reference["f1"] >= ours["f1"] - 0.0002
    assert reference["calibration_error"] <= 0.02


def test_rows_with_several_values_stand_in_several_blocks_and_missing_ones_in_none():
    people = pd.DataFrame(
        {"names": [("a", "b"), ("b",), ("c",), (), ("a", "c")], "town": ["x", "x", "x", "x", ""]}, index=list("12345")
    )
    indexer = recordlinkage.Index([SharedValues(["names", "town"], max_block=9)])
    assert list(indexer.index(people)) == [("2", "1")]
    by_name = recordlinkage.Index([SharedValues(["names"], max_block=9)])
    assert set(by_name.index(people)) == {("2", "1"), ("5", "1"), ("5", "3")}
    small = recordlinkage.Index([SharedValues(["town"], max_block=3)])
    assert len(small.index(people)) == 0


def person(**values):
    """A woman of the kraamzorg model, with changes."""
    usual = {
        "first_names": ("johanna",),
        "initial": "j",
        "surnames": ("jansen", "vries"),
        "birth_date": "19900412",
        "pc6": "3512ab",
        "house_number": "12",
        "phone": "612345678",
        "email": "a@mail.example",
        "insurance": "3311123456789",
        "edd_week": 5000,
    }
    return usual | values


@pytest.mark.parametrize(
    ("change", "comparison", "level"),
    [
        ({}, "first_name", 5),
        ({"first_names": ("johana",)}, "first_name", 4),
        ({"first_names": ("petra",), "initial": "p"}, "first_name", 0),
        ({"first_names": ("petra",)}, "first_name", 1),
        ({"first_names": ()}, "first_name", -1),
        ({"surnames": ("jansen",)}, "surname", 2),
        ({"birth_date": "19901204"}, "birth_date", 2),
        ({"birth_date": "19900413"}, "birth_date", 2),
        ({"birth_date": "19751130"}, "birth_date", 0),
        ({}, "address", 5),
        ({"house_number": "99"}, "address", 3),
        ({"pc6": "3512ac"}, "address", 4),
        ({"pc6": "9999zz"}, "address", 0),
        ({"phone": "612345687"}, "phone", 1),
        ({"phone": ""}, "phone", -1),
        ({"edd_week": 5001}, "edd", 4),
        ({"edd_week": -1}, "edd", -1),
    ],
)
def test_each_change_moves_its_comparison_to_its_level(change, comparison, level):
    found = measures(KRAAMZORG)
    names = [measure.comparison.name for measure in found]
    people = pd.DataFrame([person(), person(**change)], index=["a", "b"])
    levels = compare(pd.MultiIndex.from_tuples([("b", "a")]), people, found)[0]
    assert dict(zip(names, levels.tolist(), strict=True))[comparison] == level


def test_the_reference_keeps_what_the_model_says_and_takes_an_email_address_for_shared():
    for measure, comparison in zip(measures(KRAAMZORG), KRAAMZORG.comparisons, strict=True):
        shared = comparison.shared_by_relatives or comparison.name == "email"
        assert replace(measure.comparison, thresholds=comparison.thresholds, shared_by_relatives=shared) == replace(
            comparison, shared_by_relatives=shared
        )
        assert measure.comparison.shared_by_relatives == shared
