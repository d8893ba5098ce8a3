"""FEBRL tables, encoded in this process under a fixed key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dedup.encode.records import encode_table
from dedup.encode.subkeys import derive_subkeys
from dedup.extract.load import load_person_table
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import EncodedRecords

ROOT = Path(__file__).parents[2]
Encoded = tuple[tuple[str, ...], EncodedRecords]


@pytest.fixture(scope="session")
def model() -> LinkageModel:
    return load_model(ROOT / "config" / "linkage" / "febrl.toml")


@pytest.fixture(scope="session")
def encoded(model, tmp_path_factory) -> Callable[[pd.DataFrame], Encoded]:
    """Return a function that encodes a FEBRL table: ids in ascending order, and their records."""

    def encode(table: pd.DataFrame) -> Encoded:
        path = tmp_path_factory.mktemp("febrl") / "people.csv"
        table.to_csv(path)
        normalised = load_person_table(path, model)
        return normalised.ids, encode_table(normalised, model, derive_subkeys(b"\x05" * 32))

    return encode
