"""The engine as a whole: right pairs, right groups, the same result whatever the order, memory in slices."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import BundleError, ModelError
from dedup.link.engine import LinkOptions, link


def found(linkage, threshold=0.5):
    chosen = linkage.pairs.probability >= threshold
    return set(zip(linkage.pairs.left[chosen].tolist(), linkage.pairs.right[chosen].tolist(), strict=True))


def truth(who):
    return {(i, j) for j in range(len(who)) for i in range(j) if who[i] == who[j]}


def test_finds_nearly_all_doubles_and_hardly_anything_else(crowd, model):
    records, who = crowd
    linkage = link(records, model, threshold=0.5)
    right = found(linkage) & truth(who)
    assert len(right) >= 0.98 * len(truth(who))
    assert len(found(linkage) - truth(who)) <= 1


def test_groups_are_named_after_their_smallest_record(crowd, model):
    records, who = crowd
    groups = link(records, model, threshold=0.5).groups
    assert groups.dtype == np.int32
    assert all(groups[group] == group for group in np.unique(groups))
    assert (groups <= np.arange(len(groups))).all()
    assert (who[groups] == who).mean() > 0.998


def test_every_pair_stands_once_left_before_right_in_order(crowd, model):
    pairs = link(crowd[0], model, threshold=0.5).pairs
    assert (pairs.left < pairs.right).all()
    keys = pairs.left.astype(np.int64) * len(crowd[0]) + pairs.right
    assert (np.diff(keys) > 0).all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_records_and_entries_does_not_matter(crowd, model, reorder, seed):
    """Probabilities and levels are equal to the bit, groups are the same sets."""
    records, _ = crowd
    new_place = np.random.default_rng(seed).permutation(len(records))
    one = link(records, model, threshold=0.5)
    other = link(reorder(records, new_place, seed), model, threshold=0.5)
    assert as_mapping(one, np.arange(len(records))) == as_mapping(other, np.argsort(new_place))
    assert as_sets(one.groups, np.arange(len(records))) == as_sets(other.groups, np.argsort(new_place))


def as_mapping(linkage, name):
    pairs = linkage.pairs
    return {
        frozenset((int(name[a]), int(name[b]))): (p, tuple(levels), int(weeks))
        for a, b, p, levels, weeks in zip(
            pairs.left,
            pairs.right,
            pairs.probability.tolist(),
            pairs.levels.tolist(),
            pairs.edd_weeks_apart,
            strict=True,
        )
    }


def as_sets(groups, name):
    members = {}
    for record, label in enumerate(groups):
        members.setdefault(label, set()).add(int(name[record]))
    return {frozenset(group) for group in members.values()}


def test_slices_of_any_size_give_the_same_result(crowd, model):
    whole = link(crowd[0], model, threshold=0.5)
    sliced = link(crowd[0], model, threshold=0.5, options=LinkOptions(max_hits=7))
    np.testing.assert_array_equal(whole.pairs.left, sliced.pairs.left)
    np.testing.assert_array_equal(whole.pairs.right, sliced.pairs.right)
    np.testing.assert_array_equal(whole.pairs.probability, sliced.pairs.probability)
    np.testing.assert_array_equal(whole.groups, sliced.groups)


def test_blocks_over_the_largest_size_are_skipped_and_reported(model, encode):
    """A block of five under a cap of four gives no pair, and is named with its pass."""
    people = [{"name": (f"name{i}",), "initial": ("n",), "phone": ("612345678",)} for i in range(5)]
    records = encode(people, [-1] * 5, model)
    assert len(link(records, model, threshold=0.5).pairs) == 10
    capped = link(records, model, threshold=0.5, options=LinkOptions(max_block=4))
    assert len(capped.pairs) == 0
    assert [(s.linkage_pass, s.blocks, s.entries) for s in capped.skipped] == [(4, 1, 5)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_handful_of_records_that_share_nothing_gives_no_pairs(model, encode, count):
    people = [{"name": (f"{i}abcdef",), "initial": (f"{i}",)} for i in range(count)]
    linkage = link(encode(people, [-1] * count, model), model, threshold=0.5)
    assert len(linkage.pairs) == 0
    np.testing.assert_array_equal(linkage.groups, np.arange(count))


def test_records_of_another_model_are_refused(crowd, model):
    records, _ = crowd
    fewer = dataclasses.replace(records, passes=records.passes[1:])
    with pytest.raises(BundleError) as caught:
        link(fewer, model, threshold=0.5)
    assert caught.value.code == "link.shape"


def test_u_tables_of_the_wrong_width_are_refused(crowd, model):
    first, *rest = model.comparisons
    broken = dataclasses.replace(model, comparisons=(dataclasses.replace(first, u=((1.0,),) * 3), *rest))
    with pytest.raises(ModelError) as caught:
        link(crowd[0], broken, threshold=0.5)
    assert caught.value.code == "link.u-table"
