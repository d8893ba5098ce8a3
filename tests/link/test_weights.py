"""EM against pairs that were drawn from known probabilities: it finds them again, and its odds are calibrated."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from dedup.errors import ModelError
from dedup.link.engine import link
from dedup.link.kinds import Source, kinds_of_pairs
from dedup.link.levels import level_rules, observed_levels
from dedup.link.patterns import PatternTable
from dedup.link.weights import fit, probability

M = {
    "name": [0.02, 0.03, 0.15, 0.8],
    "birth_date": [0.01, 0.04, 0.95],
    "address": [0.1, 0.02, 0.01, 0.01, 0.01, 0.85],
    "phone": [0.2, 0.8],
    "edd": [0.1, 0.2, 0.7],
}
SHARED = ("address", "birth_date")
M_NAMES = tuple(M)


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
    (matches,) = weights.matches
    for comparison, m in zip(model.comparisons, matches.cells, strict=True):
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
            dataclasses.replace(c, changes_together="home" if c.name in ("address", "phone") else "")
            for c in model.comparisons
        ),
    )
    weights, plain = (fit(table, one, records, {}) for one in (marked, model))
    stayed, moved = weights.matches
    assert moved.share / weights.prior == pytest.approx(movers / (movers + others), abs=0.03)
    assert len(plain.matches) == 1
    disagrees = 2
    assert moved.cells[3][disagrees] > 0.95 > 0.1 > stayed.cells[3][disagrees]
    assert moved.cells[0].tolist() == stayed.cells[0].tolist()
    with_mark, without = (one.log_odds(table)[:movers] for one in (weights, plain))
    assert np.median(with_mark - without) > 0.5
    missed, missed_before = (int((odds < 0).sum()) for odds in (with_mark, without))
    assert missed < missed_before


def kin_drawn(model, shared, pairs, rng):
    """Return drawn cells of so many pairs of two people who share some comparisons as one person does."""
    return np.stack(
        [
            2 + rng.choice(observed_levels(c), pairs, p=M[c.name] if c.name in shared else list(c.u[0]))
            for c in model.comparisons
        ],
        axis=1,
    )


def test_twins_are_relatives_who_share_one_thing_more(model):
    """Half of the relatives are twins; where all must be alike in sharing a birth date, more twins pass as matches."""
    records, rng = 1_000, np.random.default_rng(6)
    home = ("address", "phone")
    of_kind = {M_NAMES: 2_000, home: 300, (*home, "birth_date"): 300}
    strangers = all_pairs_of(records) - sum(of_kind.values())
    cells = [kin_drawn(model, shared, pairs, rng) for shared, pairs in {**of_kind, (): strangers}.items()]
    table = PatternTable(cells=np.concatenate(cells), counts=np.ones(all_pairs_of(records)))
    twins = slice(2_300, 2_600)

    def fitted(*, special, shared):
        marked = tuple(
            dataclasses.replace(c, shared_by_relatives=c.name in shared, shared_by_some_relatives=c.name == special)
            for c in model.comparisons
        )
        return fit(table, dataclasses.replace(model, comparisons=marked), records, {})

    apart, as_one = fitted(special="birth_date", shared=home), fitted(special="", shared=home)
    plain, special = apart.relatives
    assert plain.share == pytest.approx(300 / all_pairs_of(records), rel=0.2)
    assert special.share == pytest.approx(300 / all_pairs_of(records), rel=0.2)
    birth_date = [c.name for c in model.comparisons].index("birth_date")
    assert special.cells[birth_date].tolist() == apart.matches[0].cells[birth_date].tolist()
    odds, odds_before = (one.log_odds(table) for one in (apart, as_one))
    taken, taken_before = (int((of[twins] > 0).sum()) for of in (odds, odds_before))
    missed, missed_before = (int((of[:2_000] < 0).sum()) for of in (odds, odds_before))
    assert taken < taken_before / 2
    assert taken + missed < taken_before + missed_before


def test_each_thing_that_happens_splits_the_matches_and_the_relatives_who_share_all_of_it(model):
    """A move that relatives may make too, and names exchanged: which are no relatives' to share."""
    happens = {"address": "home", "phone": "home", "name": "names", "birth_date": "names"}
    marked = tuple(
        dataclasses.replace(
            c,
            changes_together=happens.get(c.name, ""),
            shared_by_relatives=c.name in ("address", "phone"),
            shared_by_some_relatives=c.name == "birth_date",
        )
        for c in model.comparisons
    )
    kinds = kinds_of_pairs(marked)
    matches = [kind for kind in kinds if kind.is_match]
    assert (len(matches), len(kinds)) == (4, 8)
    assert math.fsum(kind.start for kind in matches) == pytest.approx(0.05)
    at = {c.name: position for position, c in enumerate(marked)}
    assert {kind.sources[at["address"]] for kind in matches} == {Source(True, False), Source(True, True)}
    assert {kind.sources[at["edd"]] for kind in matches} == {Source(True)}
    plain, plain_moved, twins, twins_moved = kinds[4:]
    assert plain.sources[at["address"]] == twins.sources[at["address"]] == Source(False, False)
    assert plain_moved.sources[at["phone"]] == twins_moved.sources[at["phone"]] == Source(False, True)
    assert plain.sources[at["birth_date"]] is plain.sources[at["name"]] is twins.sources[at["name"]] is None
    assert twins.sources[at["birth_date"]] == Source(True, False)


def test_a_model_without_marks_has_one_kind_of_matches_and_no_relatives(model):
    (only,) = kinds_of_pairs(model.comparisons)
    assert set(only.sources) == {Source(of_matches=True)}


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
