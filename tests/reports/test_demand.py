"""Demand counts clients, not registrations."""

from __future__ import annotations

from datetime import date

import pytest

from dedup.findings.classify import find
from dedup.reports.data import DemandMonth, Hours
from dedup.reports.demand import demand_months, demand_table, month_of
from dedup.weeks import week_of

THERE = "41000003"


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


@pytest.mark.parametrize(
    ("monday", "month"),
    [("2026-11-30", "2026-12"), ("2026-12-28", "2026-12"), ("2026-12-29", "2026-12"), ("2027-01-04", "2027-01")],
)
def test_a_week_belongs_to_the_month_of_its_thursday(monday, month):
    assert month_of(week_of(date.fromisoformat(monday))) == month


def test_a_missing_week_has_no_month():
    assert month_of(-1) == ""
