"""Groups: components, contradictions, and independence of the order of records."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.link.groups import group


def grouped(records, pairs):
    left, right, odds = (np.array(column) for column in zip(*pairs, strict=True)) if pairs else ([], [], [])
    labels = group(
        records,
        np.array(left, dtype=np.int32),
        np.array(right, dtype=np.int32),
        np.array(odds, dtype=np.float64),
        joins_from=0.0,
        contradicts_below=-5.0,
    )
    return labels.tolist()


def test_pairs_above_the_threshold_connect():
    assert grouped(6, [(0, 1, 2.0), (1, 4, 0.0), (2, 3, -1.0)]) == [0, 0, 2, 3, 0, 5]


def test_a_weak_pair_inside_a_component_is_no_contradiction():
    assert grouped(3, [(0, 1, 2.0), (0, 2, -1.0), (1, 2, 2.0)]) == [0, 0, 0]


def test_the_weaker_join_gives_way_to_a_contradiction():
    """0 and 2 are surely two women: 1 goes with 0, to whom she is closer."""
    assert grouped(3, [(0, 1, 4.0), (0, 2, -9.0), (1, 2, 3.0)]) == [0, 0, 2]


def test_a_left_out_join_does_not_keep_others_from_joining():
    pairs = [(0, 1, 4.0), (0, 2, -9.0), (1, 2, 3.0), (2, 3, 2.0), (3, 4, 1.0)]
    assert grouped(5, pairs) == [0, 0, 2, 2, 2]


def test_equally_strong_joins_that_contradict_are_all_left_out():
    assert grouped(3, [(0, 1, 4.0), (0, 2, -9.0), (1, 2, 4.0)]) == [0, 1, 2]


def test_contradictions_follow_a_cluster_that_is_merged_into_another():
    pairs = [(0, 5, -9.0), (0, 1, 5.0), (2, 3, 5.0), (3, 4, 4.5), (1, 2, 4.0), (4, 5, 3.0)]
    assert grouped(6, pairs) == [0, 0, 0, 0, 0, 5]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), count=st.integers(2, 9))
def test_laws(data, count):
    """No group holds a contradiction, none spans two components, and relabelling records relabels groups."""
    pairs = {}
    for a in range(count):
        for b in range(a + 1, count):
            odds = data.draw(st.sampled_from([None, -9.0, -1.0, 1.0, 2.0, 3.0]))
            if odds is not None:
                pairs[a, b] = odds
    labels = grouped(count, [(a, b, odds) for (a, b), odds in pairs.items()])
    assert not any(odds < -5 and labels[a] == labels[b] for (a, b), odds in pairs.items())
    loose = grouped(count, [(a, b, odds) for (a, b), odds in pairs.items() if odds >= 0])
    assert all(loose[a] == loose[b] for a in range(count) for b in range(count) if labels[a] == labels[b])

    order = data.draw(st.permutations(range(count)))
    moved = [(*sorted((order[a], order[b])), odds) for (a, b), odds in pairs.items()]
    again = grouped(count, moved)
    same = {(a, b) for a in range(count) for b in range(count) if labels[a] == labels[b]}
    assert same == {(a, b) for a in range(count) for b in range(count) if again[order[a]] == again[order[b]]}
