"""A pair's weights add up to its log odds, to the engine's own probability, and their words say what the levels are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.link.engine import link
from dedup.link.explain import ComparisonWeights, LevelWord, Meaning, explain, weight_table
from dedup.link.levels import cell_count, level_rules, observed_levels
from dedup.link.patterns import PatternTable
from dedup.link.weights import Kind, Weights
from dedup.model.linkage import ComparisonKind

chances = st.floats(min_value=1e-9, max_value=1.0)


@st.composite
def weights_and_cells(draw, model):
    """Any kinds of matches, relatives of some kinds or none, and any cell of every comparison."""
    counts = [cell_count(comparison) for comparison in model.comparisons]

    def cells():
        return tuple(
            np.array([1.0, *draw(st.lists(chances, min_size=count - 1, max_size=count - 1))]) for count in counts
        )

    def kinds(least, most):
        shares = draw(st.lists(st.floats(min_value=1e-9, max_value=0.1), min_size=least, max_size=most))
        return tuple(Kind(share, cells()) for share in shares)

    weights = Weights(kinds(1, 4), kinds(0, 4), cells(), u_fitted=True, rounds=1)
    return weights, np.array([draw(st.integers(0, count - 1)) for count in counts], dtype=np.int64)


def level_of(comparison, cell):
    observed = observed_levels(comparison)
    return -1 if cell == 0 else observed if cell == 1 else (cell - 2) % observed


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_the_weights_of_any_pair_add_up_to_its_log_odds(model, data):
    """Whatever the kinds of pairs are: prior, comparisons, a possible move and a possible relative are all of it."""
    weights, cells = data.draw(weights_and_cells(model))
    levels = np.array([level_of(c, cell) for c, cell in zip(model.comparisons, cells, strict=True)], dtype=np.int8)
    found = explain(weight_table(weights, model), cells, levels)
    expected = weights.log_odds(PatternTable(cells=cells[None, :], counts=np.ones(1)))[0] / np.log(2.0)
    terms = [found.prior_bits, *(c.bits for c in found.contributions), found.together_bits, found.relatives_bits]
    assert sum(terms) == pytest.approx(expected, abs=1e-9)
    assert found.log_odds_bits == pytest.approx(expected, abs=1e-9)
    assert [c.bits for c, level in zip(found.contributions, levels, strict=True) if level < 0] == [0.0] * sum(
        levels < 0
    )
    if not weights.relatives:
        assert found.relatives_bits == 0.0
    if len(weights.matches) == 1:
        assert found.together_bits == 0.0


def test_every_pair_of_the_engine_is_explained_to_its_own_probability(model, crowd):
    kin = replace(
        model,
        comparisons=tuple(replace(c, shared_by_relatives=c.name in ("address", "phone")) for c in model.comparisons),
    )
    linkage = link(crowd[0], kin, threshold=0.5)
    table = weight_table(linkage.weights, kin)
    assert len(table.relatives) == 1
    assert table.relatives[0] > 0
    assert len(linkage.pairs) > 60
    for position in range(len(linkage.pairs)):
        cells = linkage.patterns.cells[linkage.pairs.pattern[position]]
        found = explain(table, cells, linkage.pairs.levels[position])
        assert found.probability == pytest.approx(linkage.pairs.probability[position], abs=1e-12)
        assert [c.comparison for c in found.contributions] == list(level_rules(kin).names)
        assert found.relatives_bits < 1e-3


def compared(kind, thresholds, *, split=False):
    return ComparisonWeights("x", kind, thresholds, split, np.zeros(1), np.zeros((1, 1)), np.zeros((0, 1)))


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ((0.6,), ["different", "equal"]),
        ((0.35, 0.9), ["different", "similar", "equal"]),
        ((0.3, 0.6, 0.9), ["different", "similar", "very_similar", "equal"]),
        ((0.2, 0.4, 0.6, 0.9), ["different", "slightly_similar", "similar", "very_similar", "equal"]),
        (
            (0.1, 0.2, 0.4, 0.6, 0.9),
            ["different", "slightly_similar", "slightly_similar", "similar", "very_similar", "equal"],
        ),
    ],
)
@pytest.mark.parametrize("split", [False, True])
def test_levels_of_a_sketch_rise_in_words(thresholds, words, split):
    weights = compared(ComparisonKind.SKETCH, thresholds, split=split)
    expected = ["missing", *(["different_altogether"] if split else []), *words, "exact"]
    assert [weights.meaning(level).word for level in range(-1, len(expected) - 1)] == expected


def test_weeks_and_addresses_have_words_of_their_own():
    weeks = compared(ComparisonKind.WEEKS, (0, 2, 11))
    assert [weeks.meaning(level) for level in range(4)] == [
        Meaning(LevelWord.FURTHER_APART, 11),
        Meaning(LevelWord.WITHIN_WEEKS, 11),
        Meaning(LevelWord.WITHIN_WEEKS, 2),
        Meaning(LevelWord.SAME_WEEK),
    ]
    address = compared(ComparisonKind.ADDRESS, (0.3, 0.6, 0.93))
    words = [address.meaning(level).word for level in range(7)]
    assert len(set(words)) == 7
    assert (words[0], words[5], words[6]) == ("address_different", "address_equal", "exact")


def test_a_pair_that_relatives_explain_as_well_is_told_so(model):
    """Address and phone agree: that is much for a match, and as much for a sister, so together it is nothing."""

    def cells(agreeing):
        shared = ("address", "phone")
        return tuple(np.full(cell_count(c), agreeing if c.name in shared else 0.2) for c in model.comparisons)

    alike = Kind(1e-4, cells(0.9))
    weights = Weights((alike,), (alike,), u=cells(1e-6), u_fitted=True, rounds=1)
    levels = np.array([0, 0, 5, 1, 0], dtype=np.int8)
    found = explain(weight_table(weights, model), 2 + levels.astype(np.int64), levels)
    evidence = {c.comparison: c.bits for c in found.contributions}
    assert evidence["address"] == evidence["phone"] == pytest.approx(np.log2(0.9 / 1e-6))
    assert evidence["name"] == evidence["birth_date"] == 0.0
    assert found.relatives_bits == pytest.approx(-2 * np.log2(0.9 / 1e-6) - np.log2(1e-4), abs=0.01)
    assert found.probability == pytest.approx(0.5, abs=0.01)


def test_a_move_gives_back_what_address_and_phone_took(model):
    """Both differ, which is rare one by one and goes together for those who moved; one alone gets nothing back."""

    def cells(kept):
        both = ("address", "phone")
        return tuple(
            np.array([1.0, kept, *[1 - kept] * (cell_count(c) - 2)]) if c.name in both else np.full(cell_count(c), 0.2)
            for c in model.comparisons
        )

    stay, move = cells(0.98), cells(0.02)
    weights = Weights((Kind(0.9e-4, stay), Kind(0.1e-4, move)), (), u=cells(1e-3), u_fitted=True, rounds=1)
    table = weight_table(weights, model)
    both = explain(table, np.array([2, 2, 2, 2, 2]), np.array([0, 0, 0, 0, 0], dtype=np.int8))
    one = explain(table, np.array([2, 2, 2, 0, 2]), np.array([0, 0, 0, -1, 0], dtype=np.int8))
    assert both.together_bits == pytest.approx(np.log2((0.9 * 0.02**2 + 0.1 * 0.98**2) / 0.116**2))
    assert both.together_bits > 2.8
    assert one.together_bits == pytest.approx(0.0, abs=1e-12)
