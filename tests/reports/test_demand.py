"""Demand counts clients, not registrations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dedup.findings.classify import NOTHING_SPECIAL, find
from dedup.findings.conditions import Conditions
from dedup.findings.decisions import Decision, decision_frame
from dedup.reports.data import DemandMonth, DemandWeek, Hours, ReportTerms
from dedup.reports.demand import demand_months, demand_table, demand_weeks, month_of
from dedup.weeks import week_of

THERE = "41000003"
TODAY = date(2026, 11, 22)


@pytest.fixture
def months(registration_frame, pair_frame, rules, today):
    """Returns the demand of a KSV as {month: (gross, unique)}."""

    def make(registrations, pairs, ksv="KSV01"):
        frame = registration_frame(*registrations)
        table = demand_table(frame, find(frame, pair_frame(*pairs), rules, today=today))
        lines = demand_months(table[table["ksv"] == ksv], from_month="2026-11")
        return {line.month: (line.gross, line.unique) for line in lines}

    return make


@pytest.mark.parametrize(
    ("other", "levels", "expected"),
    [
        ({"aanbieder_agb": THERE}, {}, (2, 1)),
        ({}, {}, (2, 1)),
        ({"aanbieder_agb": THERE, "status": "wachtlijst"}, {}, (2, 1)),
        ({"aanbieder_agb": THERE, "zorgproduct": "partus"}, {}, (2, 1)),
        ({"aanbieder_agb": THERE}, {"first_name": 0}, (2, 2)),
        ({"aanbieder_agb": THERE}, {"probability": 0.7}, (2, 2)),
        ({"aanbieder_agb": THERE, "group": 1}, {}, (2, 2)),
        ({"aanbieder_agb": THERE, "status": "geannuleerd"}, {}, (1, 1)),
        ({"aanbieder_agb": THERE, "status": "overgedragen", "overdracht_agb": "41000001"}, {}, (1, 1)),
    ],
)
def test_registrations_of_one_client_are_one_demand_when_that_is_sure(months, other, levels, expected):
    assert months([{}, other], [(0, 1, levels)]) == {"2027-01": expected}


def test_a_client_counts_in_the_ksv_of_her_youngest_registration_only(months, today):
    registrations = [{}, {"aanbieder_agb": THERE, "ksv": "KSV02", "inschrijf_week": week_of(today)}]
    assert months(registrations, [(0, 1, {})], "KSV01") == {"2027-01": (1, 0)}
    assert months(registrations, [(0, 1, {})], "KSV02") == {"2027-01": (1, 1)}


def test_past_months_are_left_out_and_missing_edds_come_last(months, today):
    weeks = [-1, week_of(today) + 10, week_of(today) - 8]
    registrations = [{"edd_week": week, "group": at} for at, week in enumerate(weeks)]
    assert list(months(registrations, []).items()) == [("2027-01", (1, 1)), ("", (1, 1))]


def test_hours_are_those_of_the_youngest_registration_where_known(registration_frame, pair_frame, rules, today):
    frame = registration_frame(
        {"indicatie_uren": 48},
        {"indicatie_uren": -1, "aanbieder_agb": THERE, "inschrijf_week": week_of(today)},
        {"indicatie_uren": 24, "group": 2},
        {"indicatie_uren": -1, "group": 3},
    )
    table = demand_table(frame, find(frame, pair_frame((0, 1, {})), rules, today=today))
    assert demand_months(table, from_month="2026-11") == (
        DemandMonth("2027-01", 4, 3, 0, Hours(2, 72, 36.0, 24, 48), Hours(0, 0, None, None, None), 0, 0, 0),
    )


def test_the_months_demand_is_spread_over_the_weeks_around_the_edd(registration_frame, pair_frame, rules, today):
    """Nothing is lost or added on the way: a double counts twice in gross and once as a client, with her own hours."""
    frame = registration_frame(
        {"indicatie_uren": 48, "toegezegde_uren": 40},
        {"indicatie_uren": 48, "toegezegde_uren": 40, "aanbieder_agb": THERE},
        {"indicatie_uren": 24, "toegezegde_uren": -1, "group": 2, "status": "wachtlijst"},
        {"edd_week": -1, "group": 3},
    )
    table = demand_table(frame, find(frame, pair_frame((0, 1, {})), rules, today=today))
    edd = week_of(today) + 10
    terms = ReportTerms(birth_spread=((-1, 0.25), (0, 0.75)))
    assert demand_weeks(table, this_week=week_of(today), terms=terms) == (
        DemandWeek(edd - 1, gross=0.8, clients=0.5, waiting=0.2, hours=18, promised=10, freed=0),
        DemandWeek(edd, gross=2.2, clients=1.5, waiting=0.8, hours=54, promised=30, freed=0),
    )
    assert demand_weeks(table, this_week=edd, terms=terms)[0].week == edd
    assert demand_weeks(table.iloc[:0], this_week=edd) == ()


@pytest.fixture
def freed(registration_frame, pair_frame, rules, today):
    """Returns the hours freed after two nights, each (registrations, pairs), of which the second knows the first."""

    def make(before, after, *, answers=None):
        previous = None
        for days, (registrations, pairs), conditions in (
            (-2, before, NOTHING_SPECIAL),
            (0, after, answers or NOTHING_SPECIAL),
        ):
            frame = registration_frame(*({"indicatie_uren": 48} | one for one in registrations))
            previous = find(
                frame, pair_frame(*pairs), rules, today=today + timedelta(days=days), previous=previous,
                conditions=conditions,
            )  # fmt: skip
        [settled] = previous.findings[["state", "settled_by"]].to_numpy().tolist() or [("", "")]
        lines = demand_months(demand_table(frame, previous), from_month="2026-01")
        return settled[1], sum(line.hours_freed for line in lines)

    return make


HERE = {"registratie_id": "a", "aanbieder_agb": "41000001"}
ELSEWHERE = {"registratie_id": "b", "aanbieder_agb": THERE}
OTHER = {"registratie_id": "c", "aanbieder_agb": THERE, "group": 9, "indicatie_uren": -1}
SAME = [(0, 1, {})]


def test_hours_are_freed_when_a_registration_of_a_double_leaves(freed):
    assert freed(([HERE, ELSEWHERE], SAME), ([HERE], [])) == ("left", 48)
    assert freed(([HERE, ELSEWHERE], SAME), ([HERE, ELSEWHERE | {"status": "geannuleerd"}], SAME)) == ("left", 48)


@pytest.mark.parametrize(
    ("before", "after", "settled_by"),
    [
        ([HERE, ELSEWHERE], ([HERE, ELSEWHERE | {"group": 1}], []), "no_match"),
        ([HERE, ELSEWHERE, OTHER], ([OTHER], []), "left"),
        (
            [HERE, ELSEWHERE | {"status": "wachtlijst", "inschrijf_week": week_of(date(2026, 10, 1))}],
            ([HERE], []),
            "left",
        ),
        (
            [HERE, ELSEWHERE | {"edd_week": week_of(date(2026, 11, 22)) - 6}],
            ([HERE | {"edd_week": week_of(date(2026, 11, 22)) + 12}], []),
            "left",
        ),
        (
            [HERE | {"edd_week": week_of(date(2026, 11, 22)) - 1}, ELSEWHERE],
            ([HERE | {"edd_week": week_of(date(2026, 11, 22)) - 1}], []),
            "left",
        ),
    ],
    ids=["no match", "nobody stayed", "a waiting list", "another pregnancy", "after the EDD"],
)
def test_no_hours_are_freed_by_what_gives_no_care_back(freed, before, after, settled_by):
    assert freed((before, SAME), after) == (settled_by, 0)


def test_no_hours_are_freed_by_an_answer_that_it_is_no_double(freed):
    no = Decision("a", "b", "41000001", "geen_dubbel", "", "2026-11-21", "", week_of(TODAY) + 12, "", False)
    agreed = "address birth_date edd first_name phone surname"
    answers = Conditions(decisions=decision_frame([replace(no, agreed=agreed)]))
    both = ([HERE, ELSEWHERE], SAME)
    assert freed(both, both, answers=answers) == ("feedback", 0)


def test_no_hours_are_freed_when_a_held_double_goes_unseen(freed, today):
    young = ELSEWHERE | {"first_seen": today - timedelta(days=5)}
    assert freed(([HERE, young, OTHER], SAME), ([HERE, OTHER], [])) == ("withdrawn", 0)


@pytest.mark.parametrize(
    ("monday", "month"),
    [("2026-11-30", "2026-12"), ("2026-12-28", "2026-12"), ("2026-12-29", "2026-12"), ("2027-01-04", "2027-01")],
)
def test_a_week_belongs_to_the_month_of_its_thursday(monday, month):
    assert month_of(week_of(date.fromisoformat(monday))) == month


def test_a_missing_week_has_no_month():
    assert month_of(-1) == ""
