"""EM against pairs that were drawn from known probabilities: it finds them again, and its odds are calibrated."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dedup.errors import ModelError
from dedup.link.engine import link
from dedup.link.levels import level_rules, observed_levels
from dedup.link.weights import PatternTable, fit, probability

M = {
    "name": [0.02, 0.03, 0.15, 0.8],
    "birth_date": [0.01, 0.04, 0.95],
    "address": [0.1, 0.02, 0.01, 0.01, 0.01, 0.85],
    "phone": [0.2, 0.8],
    "edd": [0.1, 0.2, 0.7],
}
SHARED = ("address", "birth_date")


def drawn(model, matches, relatives, strangers, seed):
    """Return drawn pairs as a pattern table of single pairs, and which of them are matches."""
    rng = np.random.default_rng(seed)
    columns = []
    for comparison in model.comparisons:
        u = list(comparison.u[0])
        levels = observed_levels(comparison)
        parts = [
            rng.choice(levels, matches, p=M[comparison.name]),
            rng.choice(levels, relatives, p=M[comparison.name] if comparison.name in SHARED else u),
            rng.choice(levels, strangers, p=u),
        ]
        columns.append(2 + np.concatenate(parts))
    cells = np.stack(columns, axis=1)
    table = PatternTable(cells=cells, counts=np.ones(len(cells)))
    return table, np.arange(len(cells)) < matches


def all_pairs_of(records):
    return records * (records - 1) // 2


@pytest.fixture
def family_model(model):
    marked = tuple(dataclasses.replace(c, shared_by_relatives=c.name in SHARED) for c in model.comparisons)
    return dataclasses.replace(model, comparisons=marked)


def test_em_finds_the_prior_and_m_again(model):
    records = 1_000
    table, _ = drawn(model, 2_000, 0, all_pairs_of(records) - 2_000, seed=1)
    weights = fit(table, model, records, {})
    assert weights.prior == pytest.approx(2_000 / all_pairs_of(records), rel=0.02)
    assert weights.prior_relatives == 0
    for comparison, m in zip(model.comparisons, weights.m, strict=True):
        assert m[2 : 2 + observed_levels(comparison)] == pytest.approx(M[comparison.name], abs=0.03)


def test_probabilities_are_calibrated(model):
    """Among pairs to which EM gives about p, a share of about p are matches; three comparisons leave many in doubt."""
    few = dataclasses.replace(
        model, comparisons=tuple(c for c in model.comparisons if c.name in ("name", "phone", "edd"))
    )
    table, is_match = drawn(few, 3_000, 0, all_pairs_of(1_200) - 3_000, seed=2)
    chance = probability(fit(table, few, 1_200, {}).log_odds(table))
    for low, high in ((0.05, 0.5), (0.5, 0.95), (0.95, 1.0)):
        band = (chance > low) & (chance <= high)
        assert band.sum() > 100
        assert chance[band].mean() == pytest.approx(is_match[band].mean(), abs=0.05)


def test_relatives_are_a_class_of_their_own(family_model):
    """Twin sisters at one address pass as matches without the class, and hardly any do with it."""
    records = 1_000
    strangers = all_pairs_of(records) - 2_300
    table, is_match = drawn(family_model, 2_000, 300, strangers, seed=3)
    unmarked = dataclasses.replace(
        family_model,
        comparisons=tuple(dataclasses.replace(c, shared_by_relatives=False) for c in family_model.comparisons),
    )
    false = {}
    for name, model in {"with": family_model, "without": unmarked}.items():
        weights = fit(table, model, records, {})
        chance = probability(weights.log_odds(table))
        false[name] = int(((chance >= 0.5) & ~is_match).sum())
        assert ((chance >= 0.5) & is_match).sum() > 1_950
    assert false["without"] > 100
    assert false["with"] < 20
    weights = fit(table, family_model, records, {})
    assert weights.prior_relatives == pytest.approx(300 / all_pairs_of(records), rel=0.15)


def test_a_move_is_one_piece_of_evidence(model):
    """Where address and phone change together, those who moved are found as a kind, and fewer of them are missed."""
    records, movers, others, strangers = 1_000, 600, 1_400, all_pairs_of(1_000) - 2_000
    rng = np.random.default_rng(5)
    columns = []
    for comparison in model.comparisons:
        u, m, levels = comparison.u[0], M[comparison.name], observed_levels(comparison)
        moves = comparison.name in ("address", "phone")
        kept = [0.0, 0.02, 0.01, 0.01, 0.01, 0.95] if comparison.name == "address" else [0.05, 0.95]
        parts = (
            rng.choice(levels, movers, p=u if moves else m),
            rng.choice(levels, others, p=kept if moves else m),
            rng.choice(levels, strangers, p=u),
        )
        columns.append(2 + np.concatenate(parts))
    table = PatternTable(cells=np.stack(columns, axis=1), counts=np.ones(movers + others + strangers))
    marked = dataclasses.replace(
        model,
        comparisons=tuple(
            dataclasses.replace(c, changes_together=c.name in ("address", "phone")) for c in model.comparisons
        ),
    )
    weights, plain = (fit(table, one, records, {}) for one in (marked, model))
    assert weights.changed == pytest.approx(movers / (movers + others), abs=0.03)
    assert plain.changed == 0
    disagrees = 2
    assert weights.m_changed[3][disagrees] > 0.95 > 0.1 > weights.m[3][disagrees]
    assert weights.m_changed[0].tolist() == weights.m[0].tolist()
    with_mark, without = (one.log_odds(table)[:movers] for one in (weights, plain))
    assert np.median(with_mark - without) > 0.5
    missed, missed_before = (int((odds < 0).sum()) for odds in (with_mark, without))
    assert missed < missed_before


def test_u_of_a_block_value_is_measured_on_the_server(model):
    """Where strangers share phones more often than the model's population, the phone counts for less."""
    table, _ = drawn(model, 500, 0, 5_000, seed=4)
    few, many = (fit(table, model, 10_000, {3: pairs}) for pairs in (450, 100_450))
    exact = 1
    assert many.u[3][exact] == pytest.approx(100_000 / all_pairs_of(10_000), rel=0.01)
    assert few.u[3][exact] == model.comparisons[3].u[2][-1]


def test_without_u_tables_the_candidate_pairs_must_do(crowd, model):
    """A model that nobody fitted still links, and says that its u was not fitted."""
    records, who = crowd
    bare = dataclasses.replace(model, comparisons=tuple(dataclasses.replace(c, u=()) for c in model.comparisons))
    linkage = link(records, bare, threshold=0.5)
    assert not linkage.weights.u_fitted
    pairs = linkage.pairs
    chosen = pairs.probability >= 0.5
    is_true = who[pairs.left] == who[pairs.right]
    assert (chosen & is_true).sum() >= 0.9 * is_true.sum()
    assert (chosen & ~is_true).sum() <= 0.05 * chosen.sum()


def test_u_tables_for_some_comparisons_only_are_refused(crowd, model):
    first, *rest = model.comparisons
    half = dataclasses.replace(model, comparisons=(dataclasses.replace(first, u=()), *rest))
    with pytest.raises(ModelError) as caught:
        link(crowd[0], half, threshold=0.5)
    assert caught.value.code == "link.u-table"


@pytest.mark.parametrize(
    "change",
    [
        {"fields": ()},
        {"fields": ("nothing",)},
        {"thresholds": ()},
        {"thresholds": (0.9, 0.3)},
        {"split_lowest_by": "nothing"},
    ],
)
def test_comparisons_that_cannot_be_computed_are_refused(model, change):
    first, *rest = model.comparisons
    with pytest.raises(ModelError) as caught:
        level_rules(dataclasses.replace(model, comparisons=(dataclasses.replace(first, **change), *rest)))
    assert caught.value.code == "link.comparison"
