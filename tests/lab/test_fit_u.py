"""u against what the encoder really does: levels of strangers' sketches come as often as the table says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from dedup.bundle.keyfiles import LinkageKey
from dedup.encode.records import RecordEncoder
from dedup.errors import ModelError
from dedup.extract.load import load_person_table
from dedup.lab.fit_u import FitError, fit_u
from dedup.lab.model_file import with_u
from dedup.link.concatenate import concatenate
from dedup.link.engine import link
from dedup.model.load import load_model

MODEL = """# A comment that stays.
[model]
name = "strangers"
version = 1
min_block_bits = 1

[table]
id_column = "id"

[attributes]
name  = { rule = "text", columns = ["name"], bits = 9 }
first = { rule = "text", columns = ["first"], bits = 4 }
code  = { rule = "text", columns = ["code"], bits = 12 }
door  = { rule = "text", columns = ["door"], bits = 5 }
town  = { rule = "text", columns = ["town"], bits = 9 }
land  = { rule = "text", columns = ["land"], bits = 9 }

[[fields]]
number = 1
name = "name"
attribute = "name"
tokens = "bigrams"
bits = 48

[[fields]]
number = 2
name = "first"
attribute = "first"
tokens = "whole"
bits = 16

[[fields]]
number = 3
name = "code"
attribute = "code"
tokens = "positions"
bits = 64

[[fields]]
number = 4
name = "door"
attribute = "door"
tokens = "positions"
bits = 32

[[passes]]
number = 1
attributes = ["town"]

PASS_TWO

[[comparisons]]
name = "name"
kind = "sketch"
fields = ["name"]
thresholds = [0.3, 0.6, 0.9]
split_lowest_by = "first"

[[comparisons]]   # an address
name = "place"
kind = "address"
fields = ["code", "door"]
thresholds = [0.3, 0.6, 0.93]
"""
PASS_TWO = '[[passes]]\nnumber = 2\nattributes = ["land"]\n'
PEOPLE, HOUSE = 2_400, 12


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Path:
    """2,400 strangers in towns of twelve: every two of a town are a candidate pair."""
    rng = np.random.default_rng(7)
    names = ["jansen", "jansens", "janssens", "bakker", "bakkers", "vissers", "visser", "smit", "smits", "yilmaz"]
    rows = ["id,name,first,code,door,town,land"]
    for number in range(PEOPLE):
        code = f"{rng.integers(10, 13)}{rng.integers(0, 100):02d}{rng.choice(list('abcd'))}{rng.choice(list('abcd'))}"
        first = rng.choice(list("abcdefgh"))
        name = f"{rng.choice(names)}{rng.choice(['', 'a', 'en', 'os', 'um'])}" if number % 9 else ""
        rows.append(f"{number:05d},{name},{first},{code},{rng.integers(1, 30)},{number // HOUSE},{number // HOUSE}")
    path = tmp_path_factory.mktemp("people") / "people.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.mark.parametrize("entries", [1, 2])
def test_levels_of_strangers_come_as_often_as_u_says(people, tmp_path, entries):
    """Noise included: with two passes that fall together, every pair has two sketches of each field."""
    path = tmp_path / "model.toml"
    path.write_text(MODEL.replace("PASS_TWO", PASS_TWO if entries == 2 else ""))
    model = load_model(path)
    table = load_person_table(people, model)
    fitted = fit_u([table], model, np.random.default_rng(1))
    key = LinkageKey.of(bytes(32))
    records = concatenate([batch.records for batch in RecordEncoder(model, key).batches(table)], model)
    pairs = link(records, model, threshold=0.5).pairs
    assert len(pairs) == PEOPLE * (HOUSE - 1) // 2
    for column, comparison in enumerate(model.comparisons):
        levels = pairs.levels[:, column]
        seen = np.bincount(levels[levels >= 0], minlength=len(fitted[comparison.name][0])) / (levels >= 0).sum()
        assert seen == pytest.approx(fitted[comparison.name][entries - 1], abs=0.012, rel=0.1)


def test_one_person_who_stands_often_is_counted_once(people, tmp_path):
    """Doubles in the data do not make strangers look alike: u of equal values hardly moves."""
    path = tmp_path / "model.toml"
    path.write_text(
        MODEL.replace("PASS_TWO", "")
        + MODEL[MODEL.index('[[comparisons]]\nname = "name"') :]
        .split("[[comparisons]]   #")[0]
        .replace('name = "name"', 'name = "again"')
        .replace('split_lowest_by = "first"', "")
    )
    model = load_model(path)
    lines = people.read_text().splitlines()
    doubled = tmp_path / "doubled.csv"
    again = [f"9{line[1:]}" for line in lines[1:] if line.split(",")[1]]
    doubled.write_text("\n".join([*lines, *again, *(f"8{line[1:]}" for line in again)]))
    once, thrice = (
        fit_u([load_person_table(table, model)], model, np.random.default_rng(1)) for table in (people, doubled)
    )
    assert thrice["place"][2][5] == pytest.approx(once["place"][2][5], rel=0.35)


def test_too_few_people_are_refused(people, tmp_path):
    path = tmp_path / "model.toml"
    path.write_text(MODEL.replace("PASS_TWO", ""))
    few = tmp_path / "few.csv"
    few.write_text("\n".join(people.read_text().splitlines()[:100]))
    model = load_model(path)
    with pytest.raises(FitError) as caught:
        fit_u([load_person_table(few, model)], model, np.random.default_rng(1))
    assert caught.value.code == "fit.too-few"


def test_a_u_table_of_other_thresholds_does_not_stand_in_the_way_of_a_new_one(tmp_path):
    path = tmp_path / "model.toml"
    path.write_text(with_u(MODEL.replace("PASS_TWO", ""), {"name": ((1.0,),) * 3, "place": ((1.0,),) * 3}))
    with pytest.raises(ModelError) as caught:
        load_model(path)
    assert "each row of u must have" in caught.value.message
    assert [comparison.u for comparison in load_model(path, without_u=True).comparisons] == [(), ()]


def test_only_u_changes_in_the_model_file():
    """Comments and order stay, a second fit replaces the first, and the numbers are read back exactly."""
    text = MODEL.replace("PASS_TWO", "")
    first = {"name": ((0.5, 0.5),) * 3, "place": ((1e-09, 0.999999999),) * 3}
    second = {"name": ((0.25, 0.75),) * 3, "place": ((0.125, 0.875),) * 3}
    once = with_u(text, first)
    assert [line for line in once.splitlines() if line not in text.splitlines()] == [
        "u = [",
        *["    [0.5, 0.5],"] * 3,
        "]",
        "u = [",
        *["    [1e-09, 0.999999999],"] * 3,
        "]",
    ]
    assert with_u(once, second) == with_u(text, second)
    assert tomllib.loads(once)["comparisons"][1]["u"] == [[1e-09, 0.999999999]] * 3
