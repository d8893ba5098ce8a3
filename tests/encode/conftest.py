"""Hand-made tables and a small model, so that the encoder is tested apart from the extract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dedup.extract.values import NormalisedTable, ValueSets
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model, parse_model

ROOT = Path(__file__).parents[2]

SMALL_MODEL: dict[str, Any] = {
    "model": {"name": "small", "version": 1, "min_block_bits": 10},
    "table": {"id_column": "id"},
    "attributes": {
        "born": {"rule": "date", "columns": ["born"], "bits": 13},
        "names": {"rule": "words", "columns": ["name"], "bits": 11},
        "code": {"rule": "text", "columns": ["code"], "bits": 20},
    },
    "fields": [
        {"number": 7, "name": "names", "attribute": "names", "tokens": "bigrams", "bits": 64},
        {"number": 2, "name": "born", "attribute": "born", "tokens": "date", "bits": 24},
        {"number": 3, "name": "code", "attribute": "code", "tokens": "positions", "bits": 32},
        {"number": 9, "name": "same_code", "attribute": "code", "tokens": "whole", "bits": 8},
    ],
    "passes": [
        {"number": 1, "attributes": ["born", "names"], "omits": ["born"]},
        {"number": 200, "attributes": ["code"], "omits": ["code", "same_code"]},
    ],
    "comparisons": [{"name": "names", "kind": "sketch", "fields": ["names"], "thresholds": [0.5]}],
}

TableMaker = Callable[[Sequence[Mapping[str, Sequence[str]]]], NormalisedTable]


@pytest.fixture(scope="session")
def small_model() -> LinkageModel:
    return parse_model(SMALL_MODEL)


@pytest.fixture(scope="session")
def kraamzorg() -> LinkageModel:
    return load_model(ROOT / "config/linkage/kraamzorg.toml")


@pytest.fixture(scope="session")
def table_of() -> TableMaker:
    """A function from records (attribute -> values) to a normalised table, ids in the order given."""

    def make(records: Sequence[Mapping[str, Sequence[str]]]) -> NormalisedTable:
        names = sorted({name for record in records for name in record})
        return NormalisedTable(
            ids=tuple(f"{i:06d}" for i in range(len(records))),
            attributes={name: _value_sets([list(record.get(name, ())) for record in records]) for name in names},
            edd_week=np.full(len(records), -1, dtype=np.int32),
            clear=None,
        )

    return make


def _value_sets(rows: list[list[str]]) -> ValueSets:
    values = sorted({value for row in rows for value in row})
    code = {value: i for i, value in enumerate(values)}
    return ValueSets(
        values=tuple(values),
        offsets=np.cumsum([0, *map(len, rows)], dtype=np.int64),
        codes=np.array([code[value] for row in rows for value in row], dtype=np.int32),
    )
