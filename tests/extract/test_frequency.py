"""Name bands say how common a record's rarest name is, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from dedup.errors import ConfigError
from dedup.extract.coded import column_of
from dedup.extract.frequency import FIRST_NAME_EDGES, name_bands, read_frequencies, shipped_frequencies
from dedup.extract.normalise.names import counted_first_names


def test_the_rarest_name_counts_and_no_name_is_band_zero() -> None:
    names = column_of(["Maria", "", "Maria Sanne", "Sanne", "Xantippe Maria", "J."])
    per_100k = {"maria": FIRST_NAME_EDGES[2], "sanne": FIRST_NAME_EDGES[1], "other": 1.0}
    assert name_bands([names], [counted_first_names], per_100k, FIRST_NAME_EDGES).tolist() == [4, 0, 3, 3, 1, 0]


def test_the_rarest_name_of_all_columns_counts() -> None:
    columns = [column_of(["Maria", "Maria", "", ""]), column_of(["Sanne", "", "Sanne", ""])]
    per_100k = {"maria": FIRST_NAME_EDGES[2], "sanne": FIRST_NAME_EDGES[1]}
    assert name_bands(columns, [counted_first_names] * 2, per_100k, FIRST_NAME_EDGES).tolist() == [3, 4, 3, 0]


def test_the_shipped_table_holds_normalised_names_of_several_origins() -> None:
    shipped = shipped_frequencies()
    assert shipped.surnames["jong"] > shipped.surnames["amrani"] > 0
    assert shipped.surnames["yilmaz"] > 0
    assert min(shipped.first_names[name] for name in ("anna", "fatima", "zeynep", "agnieszka")) > 0
    assert all(
        name.isascii() and name.isalpha() and name.islower() for name in (*shipped.first_names, *shipped.surnames)
    )


@pytest.mark.parametrize(
    "text", ["", "a;b\n", "kind;name;per_100k\nnickname;x;1\n", "kind;name;per_100k\nsurname;x;y\n"]
)
def test_a_malformed_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_frequencies(path)
    assert caught.value.code == "frequencies.malformed"
