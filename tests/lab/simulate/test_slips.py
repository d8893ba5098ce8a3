"""Single slips change what they say they change, and nothing else."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from dedup.lab.simulate import slips

NAMES = st.text("abcdefghijklmnopqrstuvwxyzşçğ", min_size=2, max_size=12).map(str.capitalize)
DRAWS = st.integers(0, 1_000_002)
DAYS = st.dates(date(1960, 1, 1), date(2040, 12, 31))


def day_numbers(*days: date) -> np.ndarray:
    return np.array([(day - date(1970, 1, 1)).days for day in days], dtype=np.int64)


def as_date(numbers: np.ndarray) -> date:
    return numbers.astype("datetime64[D]")[0].astype(object)


@given(NAMES, DRAWS)
def test_a_typo_is_one_slip_of_the_fingers(name: str, draw: int) -> None:
    assert OSA.distance(name.lower(), slips.typo(name, draw).lower()) <= 1


@given(st.from_regex(r"0[0-9]{9}", fullmatch=True), DRAWS)
def test_a_wrong_digit_is_one_wrong_digit(number: str, draw: int) -> None:
    wrong = slips.wrong_digit(number, draw)
    assert sum(one != two for one, two in zip(number, wrong, strict=True)) == 1


@given(DAYS)
def test_swapping_day_and_month_twice_gives_the_date_again(day: date) -> None:
    twelfth = day.replace(day=min(day.day, 12))
    swapped = slips.day_and_month_swapped(day_numbers(twelfth))
    assert (as_date(swapped).day, as_date(swapped).month) == (twelfth.month, twelfth.day)
    assert as_date(slips.day_and_month_swapped(swapped)) == twelfth


@given(DAYS, st.sampled_from([-10, -1, 1, 10]))
def test_a_day_slip_stays_within_the_month(day: date, step: int) -> None:
    moved = as_date(slips.day_slip(day_numbers(day), np.array([step])))
    assert (moved.year, moved.month) == (day.year, day.month)
    assert moved != day


@given(DAYS, st.sampled_from([-1, 1]))
def test_a_month_slip_stays_within_the_year(day: date, step: int) -> None:
    moved = as_date(slips.month_slip(day_numbers(day), np.array([step])))
    assert (moved.year, abs(moved.month - day.month)) == (day.year, 1)


@given(DAYS, st.sampled_from([-10, -1, 1, 10]))
def test_a_year_slip_keeps_day_and_month(day: date, step: int) -> None:
    moved = as_date(slips.year_slip(day_numbers(day), np.array([step])))
    kept = 28 if (day.month, day.day) == (2, 29) and (moved.month, moved.day) == (2, 28) else day.day
    assert (moved.year - day.year, moved.month, moved.day) == (step, day.month, kept)


def test_a_scan_moves_the_edd_mostly_within_14_days_with_a_heavy_tail() -> None:
    shift = np.abs(slips.scan_shift(np.random.Generator(np.random.PCG64(1)), 20_000))
    assert shift.min() >= 1
    assert shift.max() <= 45
    assert (shift <= 14).mean() == pytest.approx(0.93, abs=0.03)
    assert (shift > 28).mean() > 0.01


@pytest.mark.parametrize(
    ("name", "group", "possible"),
    [
        ("Meijer", "nederlands", {"Meyer", "Mijer"}),
        ("Khattabi", "marokkaans", {"Ghattabi", "Kattabi"}),
        ("Bouzidi", "marokkaans", {"Buzidi", "Bouzydi"}),
    ],
)
def test_names_are_respelt_by_the_rules_of_their_origin(name: str, group: str, possible: set[str]) -> None:
    heard = {slips.respelled(name, group, draw) for draw in range(200)}
    assert possible <= heard
    assert all(one[0].isupper() and 1 <= OSA.distance(name, one) <= 2 for one in heard)


@pytest.mark.parametrize(("name", "other"), [("Dijk", "Dyk"), ("Meyer", "Meijer"), ("DIJK", "DYK"), ("Bos", "Bos")])
def test_ij_and_y_change_places(name: str, other: str) -> None:
    assert slips.ij_as_y(name) == other
