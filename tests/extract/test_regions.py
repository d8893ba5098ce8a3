"""The region table says which KSV a PC4 belongs to; a table that cannot say so without doubt is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dedup.errors import ConfigError
from dedup.regions import read_regions

HEADER = "pc4_from;pc4_to;ksv;ksv_naam\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "regions.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("pc4", "ksv"),
    [("1000", "NH"), ("1999", "NH"), ("2500", "ZH"), ("3000", "NH"), ("2000", ""), ("0999", ""), ("", ""), ("10", "")],
)
def test_both_ends_of_a_range_belong_to_it(tmp_path: Path, pc4: str, ksv: str) -> None:
    regions = read_regions(
        written(tmp_path, "\ufeff" + HEADER + "2500;2500;ZH;Zuid\n1000;1999;NH;Noord\n\n3000;3001;NH;Noord\n")
    )
    assert regions.ksv_of(pc4) == ksv
    assert dict(regions.names) == {"NH": "Noord", "ZH": "Zuid"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "regions.columns"),
        ("from;to;ksv;naam\n1000;1999;NH;Noord\n", "regions.columns"),
        (HEADER, "regions.empty"),
        (HEADER + "1000;199;NH;Noord\n", "regions.malformed"),
        (HEADER + "1999;1000;NH;Noord\n", "regions.malformed"),
        (HEADER + "1000;1999;;Noord\n", "regions.malformed"),
        (HEADER + "1000;1999;NH\n", "regions.malformed"),
        (HEADER + "1000;1999;NH;Noord\n2000;2999;NH;Zuid\n", "regions.malformed"),
        (HEADER + "1000;1999;NH;Noord\n1999;2999;ZH;Zuid\n", "regions.overlap"),
    ],
)
def test_a_table_in_doubt_is_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_regions(written(tmp_path, text))
    assert caught.value.code == code


def test_a_missing_table_and_another_encoding_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as missing:
        read_regions(tmp_path / "nowhere.csv")
    path = tmp_path / "regions.csv"
    path.write_bytes((HEADER + "1000;1999;NH;Fryslân\n").encode("latin-1"))
    with pytest.raises(ConfigError) as encoding:
        read_regions(path)
    assert (missing.value.code, encoding.value.code) == ("regions.missing", "regions.encoding")
