"""Nobody can work out a hidden count from what is shown: tried by solving for it, with the attacker's own program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from dedup.reports.disclosure import DisclosureRules, choose_shown, rounded, too_telling

RULES = DisclosureRules()


def sums_of_table(rows: int, columns: int, *, halves: bool) -> np.ndarray:
    """Every cell and every total; with `halves` all of them again for half of the atoms."""
    atoms = np.arange(rows * columns * (2 if halves else 1))
    row, column, half = atoms % rows, atoms // rows % columns, atoms // (rows * columns)
    everywhere = np.ones(len(atoms), dtype=bool)
    in_row = [*(row == one for one in range(rows)), everywhere]
    in_column = [*(column == one for one in range(columns)), everywhere]
    cells = [one & other for one in in_row for other in in_column]
    return np.array([*cells, *([cell & (half == 0) for cell in cells] if halves else [])], dtype=np.int64)


def range_of(hidden: int, sums: np.ndarray, counts: np.ndarray, shown: np.ndarray) -> tuple[float, float]:
    """The least and the most that a hidden count can be for someone who knows all that is shown."""
    about = rounded(counts, RULES)
    limits = [(max(value - 2, RULES.smallest), value + 2) for value in about[shown].tolist()]
    ends = []
    for sign in (1, -1):
        solved = linprog(
            sign * sums[hidden],
            A_ub=np.vstack([sums[shown], -sums[shown]]) if shown.any() else None,
            b_ub=[high for _, high in limits] + [-low for low, _ in limits] if shown.any() else None,
            bounds=(0, 5_000),
            method="highs",
        )
        ends.append(sign * solved.fun)
    return ends[0], ends[1]


@st.composite
def tables(draw):
    rows, columns, halves = draw(st.integers(1, 3)), draw(st.integers(2, 4)), draw(st.booleans())
    sums = sums_of_table(rows, columns, halves=halves)
    small, large = st.integers(0, 12), st.integers(0, 120)
    atoms = draw(st.lists(st.one_of(small, large), min_size=sums.shape[1], max_size=sums.shape[1]))
    dominated = draw(st.lists(st.sampled_from([False] * 9 + [True]), min_size=len(sums), max_size=len(sums)))
    counts = sums @ np.array(atoms)
    return sums, np.array(atoms), counts, (counts < RULES.smallest) | np.array(dominated)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_no_hidden_count_is_recovered_within_its_protection_interval(table):
    sums, atoms, counts, telling = table
    shown = choose_shown(csr_array(sums.astype(float)), atoms, telling, RULES)
    assert not (shown & telling).any()
    for hidden in np.flatnonzero(~shown):
        low, high = range_of(hidden, sums, counts, shown)
        reach = max(3, np.ceil(counts[hidden] / 10))
        assert low <= max(counts[hidden] - reach, 0) + 1e-6
        assert high >= counts[hidden] + reach - 1e-6
        assert high - low >= RULES.smallest - 1e-6


def test_the_attack_succeeds_where_nothing_else_is_hidden():
    """Two cells and their totals: 4 is recovered to within the rounding, unless more is hidden."""
    sums = sums_of_table(2, 2, halves=False)
    atoms = np.array([4, 40, 60, 80])
    counts = sums @ atoms
    small = counts < RULES.smallest
    (hidden,) = np.flatnonzero(small)
    low, high = range_of(hidden, sums, counts, ~small)
    assert (low, high) == (1, 9)
    shown = choose_shown(csr_array(sums.astype(float)), atoms, small, RULES)
    low, high = range_of(hidden, sums, counts, shown)
    assert high - low >= RULES.smallest
    assert np.count_nonzero(~shown) <= 4


def test_what_is_safe_is_all_shown():
    sums = sums_of_table(3, 4, halves=False)
    atoms = np.arange(20, 32)
    assert choose_shown(csr_array(sums.astype(float)), atoms, np.zeros(len(sums), dtype=bool), RULES).all()


def test_a_publication_of_small_counts_shows_nothing():
    sums = sums_of_table(2, 2, halves=False)
    assert not choose_shown(csr_array(sums.astype(float)), np.array([1, 2, 0, 3]), np.ones(9, dtype=bool), RULES).any()


@pytest.mark.parametrize(
    ("by_provider", "hidden"),
    [
        ([4, 3, 2], True),  # nine in all
        ([4, 3, 3], False),
        ([0, 0, 0], True),  # none is as telling as one
        ([50, 50], True),  # two providers know each other's share
        ([50, 49, 1], True),  # the two largest have 99 %
        ([76, 12, 12], True),  # the largest has 76 %
        ([75, 12, 13], False),
        ([40, 30, 30, 0], False),
    ],
)
def test_a_count_is_hidden_when_small_of_few_or_dominated(by_provider, hidden):
    assert too_telling(np.array(by_provider), RULES) is hidden


def test_counts_are_rounded_to_the_nearest_five():
    assert rounded(np.array([10, 12, 13, 17, 18, 103]), RULES).tolist() == [10, 10, 15, 15, 20, 105]
