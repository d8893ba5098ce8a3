"""A registration without a usable postcode is shown where its provider mostly works."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from dedup.lab.installation import Installation, submit
from dedup.nightly.ksv import with_ksv
from dedup.nightly.night import open_night
from dedup.nightly.run import run_night

NIGHT = date(2026, 11, 22)
MOMENT = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)


def ksvs(*rows: tuple[str, str]) -> list[str]:
    frame = pd.DataFrame(rows, columns=["aanbieder_agb", "ksv"]).astype(str)
    return with_ksv(frame)["ksv"].tolist()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([("1", "A"), ("1", "B"), ("1", "B"), ("1", "")], ["A", "B", "B", "B"], id="the most frequent one"),
        pytest.param([("1", "B"), ("1", "A"), ("1", "")], ["B", "A", "A"], id="equally frequent: the alphabet decides"),
        pytest.param([("1", "A"), ("2", "B"), ("2", "")], ["A", "B", "B"], id="the provider's own, not the night's"),
        pytest.param([("1", "A"), ("2", "")], ["A", ""], id="a provider without any keeps none"),
        pytest.param([], [], id="an empty night"),
    ],
)
def test_an_empty_ksv_becomes_the_providers_most_frequent_one(rows: list[tuple[str, str]], expected: list[str]) -> None:
    assert expected == ksvs(*rows)


def test_the_order_of_rows_decides_nothing_and_the_given_frame_is_left_alone() -> None:
    frame = pd.DataFrame({"aanbieder_agb": ["1", "1", "1", "2"], "ksv": ["", "B", "A", "C"], "other": [1, 2, 3, 4]})
    backwards = with_ksv(frame[::-1])[::-1]

    assert with_ksv(frame).equals(backwards)
    assert frame["ksv"].tolist() == ["", "B", "A", "C"]


def test_no_finding_is_invisible_where_postcodes_are_missing(installation: Installation) -> None:
    for bundle in installation.inbox.glob("*.bundle"):
        bundle.unlink()
    for extract in (path for vendor in installation.vendors for path in installation.extracts_of(vendor)):
        rows = pd.read_csv(extract, sep=";", dtype=str, keep_default_na=False)
        rows.loc[1:, "postcode"] = ""  # all but the first row
        rows.to_csv(extract, sep=";", index=False)
    list(submit(installation, today=NIGHT, created=MOMENT, processes=1))
    with open_night(installation.settings, today=NIGHT, clock=lambda: MOMENT) as night:
        result = run_night(night)

    found = pd.read_parquet(installation.folder / "findings.parquet")
    reports = [json.loads(path.read_text("utf-8")) for path in result.reports if path.suffix == ".json"]
    shown = {line["finding"] for report in reports for kind in ("findings", "legitimate") for line in report[kind]}
    expected = set(found.loc[found["class"] != "internal", "finding"])
    assert len(expected) > 5
    assert expected == shown
