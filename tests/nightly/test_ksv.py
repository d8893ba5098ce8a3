"""A registration without a usable postcode is shown where its provider mostly works."""

import pandas as pd
import pytest

from dedup.nightly.ksv import with_ksv


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
