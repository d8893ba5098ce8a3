"""`dedup model check` tells the author of a model what it makes of a table, in counts and without a value."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """The page's example model, and a thousand people whose dates are written day first."""
    folder = tmp_path_factory.mktemp("people")
    page = (ROOT / "docs" / "models.md").read_text("utf-8")
    example = "\n".join(re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL))
    assert tomllib.loads(example)["table"]["id_column"] == "id"
    (folder / "people.toml").write_text(example, "utf-8")
    rng = np.random.default_rng(3)
    letters = np.array(list("abdefgiklmnoprstu"))
    table = pd.DataFrame(
        {
            "id": range(1000),
            "first": ["".join(rng.choice(letters, 5)) for _ in range(1000)],
            "last": ["".join(rng.choice(letters, 8)) for _ in range(1000)],
            "born": [
                f"{rng.integers(1, 29):02d}-{rng.integers(1, 13):02d}-{rng.integers(1950, 2005)}" for _ in range(1000)
            ],
            "town": rng.choice(["delft", "gouda", "breda", "assen"], 1000),
            "phone": [f"06{rng.integers(10**7, 10**8)}" for _ in range(1000)],
        }
    )
    table.to_csv(folder / "day-first.csv", index=False)
    table["born"] = table["born"].str.split("-").map(lambda parts: "-".join(reversed(parts)))
    table.to_csv(folder / "people.csv", index=False)
    return folder


def test_a_model_alone_is_sound_or_told_its_faults(dedup, people):
    assert dedup("model", "check", people / "people.toml").stdout.endswith("people.toml is a sound model.\n")
    broken = people / "broken.toml"
    broken.write_text(
        (people / "people.toml").read_text("utf-8").replace('tokens = "date"', 'tokens = "dates"'), "utf-8"
    )
    assert json.loads(dedup("model", "check", broken, "--json", code=1).stderr)["error"] == "model.unknown-tokens"


def test_dates_that_fit_no_rule_are_told(dedup, people):
    found = json.loads(dedup("model", "check", people / "people.toml", people / "day-first.csv", "--json").stdout)
    assert found["attributes"]["born"]["filled"] == 0.0
    assert found["passes"]["1"]["reached"] == 0.0
    assert any("year first" in hint for hint in found["hints"])


def test_the_bits_of_a_table_and_the_blocks_of_passes_are_counted(dedup, people):
    found = json.loads(dedup("model", "check", people / "people.toml", people / "people.csv", "--json").stdout)
    assert (found["rows"], found["unreached"]) == (1000, 0.0)
    assert found["attributes"]["town"]["distinct"] == 4
    assert found["attributes"]["town"]["bits"] == pytest.approx(2.0, abs=0.02)
    assert found["passes"]["2"] == {"reached": 1.0, "blocks": 0, "largest": 1, "pairs": 0}
    assert found["hints"] == ["The attribute town declares 7 bits, these rows show 2.0."]


def test_what_is_printed_holds_no_value(dedup, people):
    printed = dedup("model", "check", people / "people.toml", people / "people.csv").stdout
    table = pd.read_csv(people / "people.csv", dtype=str)
    assert "attribute" in printed
    assert not any(value in printed for column in ("first", "last", "phone") for value in table[column])
