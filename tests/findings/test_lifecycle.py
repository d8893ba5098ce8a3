"""Findings over the nights: they keep their id, open, settle, come back and are deleted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.findings.classify import find
from dedup.findings.lifecycle import match_to_previous, name_finding
from dedup.weeks import week_of

FIRST = date(2026, 11, 22)
A, B, C = ({"id": name, "aanbieder_agb": f"1000000{number}"} for number, name in enumerate("abc", 1))
BOTH = ([A, B], [(0, 1, {})])


@pytest.fixture
def nights(registration_frame, pair_frame, rules):
    """Runs nights after each other, each a (days after the first, registrations, pairs), and returns their findings."""

    def run(*plan):
        results, previous = [], None
        for days, registrations, pairs in plan:
            frame = registration_frame(*registrations, today=FIRST)
            previous = find(frame, pair_frame(*pairs), rules, today=FIRST + timedelta(days=days), previous=previous)
            results.append(previous.findings.to_dict("records"))
        return results

    return run


def lines(night):
    return [(row["state"], row["opened"], row["days_open"], row["settled"], row["settled_by"]) for row in night]


def test_a_finding_is_new_once_then_open(nights):
    first, second, third = nights((0, *BOTH), (1, *BOTH), (8, *BOTH))
    assert lines(first) == [("new", "2026-11-22", 0, "", "")]
    assert lines(second) == [("open", "2026-11-22", 1, "", "")]
    assert lines(third) == [("open", "2026-11-22", 8, "", "")]
    assert first[0]["finding"] == second[0]["finding"] == third[0]["finding"]


def test_a_rerun_of_a_night_changes_nothing(nights):
    first, again = nights((0, *BOTH), (0, *BOTH))
    assert first == again


def test_a_finding_settles_when_a_registration_leaves_and_reopens_when_it_returns(nights):
    first, gone, later, back, after = nights((0, *BOTH), (1, [A], []), (2, [A], []), (3, *BOTH), (4, *BOTH))
    assert lines(gone) == [("settled", "2026-11-22", 0, "2026-11-23", "left")]
    assert lines(later) == lines(gone)
    assert lines(back) == [("reopened", "2026-11-25", 0, "", "")]
    assert lines(after) == [("open", "2026-11-25", 1, "", "")]
    assert first[0]["finding"] == back[0]["finding"]


def test_a_registration_that_is_cancelled_settles_its_finding(nights):
    _, cancelled = nights((0, *BOTH), (1, [A, B | {"status": "geannuleerd"}], [(0, 1, {})]))
    assert lines(cancelled) == [("settled", "2026-11-22", 0, "2026-11-23", "left")]


def test_a_finding_settles_when_its_registrations_no_longer_match(nights):
    _, unmatched = nights((0, *BOTH), (1, [A, B | {"group": 1}], []))
    assert lines(unmatched) == [("settled", "2026-11-22", 0, "2026-11-23", "no_match")]


def test_a_settled_finding_is_deleted_after_its_days(nights):
    night = nights((0, *BOTH), (1, [A], []), (29, [A], []), (30, [A], []))
    assert [len(found) for found in night] == [1, 1, 1, 0]


def test_a_finding_is_deleted_eight_weeks_after_its_edd(nights):
    due = {"edd_week": week_of(FIRST) + 1}
    plan = ([A | due, B | due], [(0, 1, {})])
    night = nights((0, *plan), (9 * 7, *plan), (10 * 7, *plan))
    assert [len(found) for found in night] == [1, 1, 0]


def test_a_third_registration_joins_the_finding_and_keeps_its_id(nights):
    first, second = nights((0, *BOTH), (1, [A, B, C], [(0, 1, {}), (1, 2, {})]))
    assert [row["finding"] for row in first] == [row["finding"] for row in second]
    assert lines(second) == [("open", "2026-11-22", 1, "", "")]


def test_a_held_finding_opens_as_new_on_the_day_it_is_released(nights):
    old = {"id": "x", "aanbieder_agb": "10000002", "group": 9}
    young = B | {"first_seen": FIRST - timedelta(days=10)}
    plan = ([A, young, old], [(0, 1, {})])
    held, still, released = nights((0, *plan), (3, *plan), (4, *plan))
    assert lines(held) == [("held", "2026-11-22", 0, "", "")]
    assert [row["state"] for row in still] == ["held"]
    assert lines(released) == [("new", "2026-11-26", 0, "", "")]


def test_a_held_finding_that_goes_was_never_shown(nights):
    old = {"id": "x", "aanbieder_agb": "10000002", "group": 9}
    young = B | {"first_seen": FIRST}
    _, gone = nights((0, [A, young, old], [(0, 1, {})]), (1, [A, old], []))
    assert [(row["state"], row["settled_by"]) for row in gone] == [("settled", "withdrawn")]


def test_a_finding_that_is_held_again_after_an_edit_goes_on_as_it_was(nights):
    edited = (
        [A, B | {"tokens_changed": FIRST + timedelta(days=2)}, {"id": "x", "aanbieder_agb": "10000002", "group": 9}],
        [(0, 1, {})],
    )
    first, held, released = nights((0, *BOTH), (2, *edited), (16, *edited))
    assert [row["state"] for row in held] == ["held"]
    assert lines(released) == [("open", "2026-11-22", 16, "", "")]
    assert first[0]["actionable_since"] == released[0]["actionable_since"]


def test_a_settled_finding_that_comes_back_held_is_reopened_when_it_is_released(nights):
    edited = ([A, B | {"tokens_changed": FIRST + timedelta(days=2)}], [(0, 1, {})])
    _, gone, held, released, after = nights((0, *BOTH), (1, [A], []), (2, *edited), (16, *edited), (17, *edited))
    assert [row["settled_by"] for row in gone] == ["left"]
    assert lines(held) == [("held", "2026-11-22", 0, "2026-11-23", "left")]
    assert lines(released) == [("reopened", "2026-12-08", 0, "", "")]
    assert lines(after) == [("open", "2026-12-08", 1, "", "")]


def test_a_settled_finding_that_was_only_held_since_is_settled_as_it_was(nights):
    edited = ([A, B | {"tokens_changed": FIRST + timedelta(days=2)}], [(0, 1, {})])
    _, gone, _, again = nights((0, *BOTH), (1, [A], []), (2, *edited), (3, [A], []))
    assert lines(again) == lines(gone) == [("settled", "2026-11-22", 0, "2026-11-23", "left")]


def test_a_finding_that_nobody_was_shown_is_new_when_it_comes_back(nights):
    old = {"id": "x", "aanbieder_agb": "10000002", "group": 9}
    plan = ([A, B | {"first_seen": FIRST}, old], [(0, 1, {})])
    _, gone, back = nights((0, *plan), (1, [A, old], []), (14, *plan))
    assert [(row["state"], row["settled_by"]) for row in gone] == [("settled", "withdrawn")]
    assert lines(back) == [("new", "2026-12-06", 0, "", "")]


ids = st.sets(st.sampled_from("abcdefghij"), min_size=2, max_size=4).map(frozenset)


@given(
    st.lists(ids, unique=True, max_size=6), st.lists(ids, unique=True, max_size=6), st.randoms(use_true_random=False)
)
def test_matching_gives_each_finding_its_own_id_whatever_the_order(before, tonight, shuffler):
    previous = dict(zip(match_to_previous(before, {}), before, strict=True))
    names = match_to_previous(tonight, previous)
    assert len(set(names)) == len(tonight)
    for name, members in zip(names, tonight, strict=True):
        if members in before:
            assert previous[name] == members
        elif name in previous:
            assert len(previous[name] & members) >= 2
    shuffled = tonight.copy()
    shuffler.shuffle(shuffled)
    assert dict(zip(tonight, names, strict=True)) == dict(
        zip(shuffled, match_to_previous(shuffled, previous), strict=True)
    )


def test_an_id_comes_from_the_members_alone():
    assert name_finding(["b", "a"], {}) == name_finding(["a", "b"], {})
    first = name_finding(["a", "b"], {})
    second = name_finding(["a", "b"], {first: None})
    assert first != second
    assert {len(first), len(second)} == {12}
