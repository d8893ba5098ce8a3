"""The published vectors of normalisation hold for the code: typed text in, sets of values out.

Their expected values were written by hand from docs/spec/normalisation-v1.md, not taken from the code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dedup.extract.coded import column_of
from dedup.extract.columns import COLUMNS
from dedup.extract.load import load_registrations
from dedup.extract.normalise.folding import fold_name, fold_text
from dedup.extract.normalise.rules import DERIVED_RULES
from dedup.extract.normalise.rules import RULES as COLUMN_RULES
from dedup.extract.normalise.sets import union
from dedup.model.linkage import LinkageModel
from dedup.model.rules import RULES

VECTORS = json.loads((Path(__file__).parents[2] / "docs/spec/vectors/normalisation-v1.json").read_text("utf-8"))
ENOUGH = 10  # vectors of each rule
Vector = Mapping[str, Any]


@pytest.mark.parametrize("vector", VECTORS["fold_plain"], ids=str)
def test_plain_folding(vector: Vector) -> None:
    assert fold_text(vector["typed"]) == vector["folded"]


@pytest.mark.parametrize("vector", VECTORS["fold_name"], ids=str)
def test_name_folding(vector: Vector) -> None:
    assert fold_name(vector["typed"]) == vector["folded"]


@pytest.mark.parametrize("rule", sorted(COLUMN_RULES))
def test_rules_of_columns(rule: str) -> None:
    """One table a width, as a night's extract has them, so that one record's values never leak into the next."""
    vectors = VECTORS["rules"][rule]
    for width in {len(vector["columns"]) for vector in vectors}:
        alike = [vector for vector in vectors if len(vector["columns"]) == width]
        columns = [column_of([vector["columns"][i] for vector in alike]) for i in range(width)]
        found = COLUMN_RULES[rule](columns)
        assert [(vector["columns"], list(found.of(row))) for row, vector in enumerate(alike)] == [
            (vector["columns"], vector["values"]) for vector in alike
        ]


@pytest.mark.parametrize("rule", sorted(DERIVED_RULES))
def test_rules_of_another_attribute(rule: str) -> None:
    for vector in VECTORS["rules"][rule]:
        one_record = [column_of([value]) for value in vector["of"]]
        source = union(one_record, [lambda value: (value,)] * len(one_record))
        assert (vector["of"], list(DERIVED_RULES[rule](source).of(0))) == (vector["of"], vector["values"])


@pytest.mark.parametrize("vector", VECTORS["cells"], ids=str)
def test_cells_of_an_extract(vector: Vector) -> None:
    [column] = [column for column in COLUMNS if column.name == vector["column"]]
    trimmed = vector["cell"].strip()  # as reading leaves it; an empty cell never reaches a cleaner
    assert (column.clean(trimmed, date.fromisoformat(vector["day"]))[0] if trimmed else "") == vector["kept"]


def test_whole_records(
    kraamzorg: LinkageModel, extract: Callable[..., Path], row: Callable[..., dict[str, str]], today: date
) -> None:
    """From a real file through reading, checking and normalising, under the shipped model."""
    vectors = VECTORS["records"]
    read = {name for attribute in kraamzorg.attributes for name in attribute.columns}
    empty = dict.fromkeys(read, "")
    path = extract(*(row(number, **empty | vector["cells"]) for number, vector in enumerate(vectors, start=1)))
    assert {vector["day"] for vector in vectors} == {today.isoformat()}
    table, report = load_registrations(path, kraamzorg, today=today, regions=None)
    assert report.accepted == len(vectors)
    for number, vector in enumerate(vectors):
        assert {name: list(sets.of(number)) for name, sets in table.attributes.items()} == vector["attributes"]


def test_every_rule_has_vectors_that_give_values_and_vectors_that_give_none() -> None:
    assert set(VECTORS["rules"]) == set(RULES)
    for rule, vectors in VECTORS["rules"].items():
        assert len(vectors) >= ENOUGH, rule
        assert any(vector["values"] for vector in vectors), rule
        assert any(not vector["values"] for vector in vectors) or rule == "pc4", rule


def test_no_vector_stands_twice() -> None:
    listed = [
        *(json.dumps([rule, vector]) for rule, vectors in VECTORS["rules"].items() for vector in vectors),
        *(json.dumps(vector) for vector in VECTORS["cells"]),
    ]
    assert len(listed) == len(set(listed))
