"""A delivery that is missing or far too small is suspected, until enough alike make it believed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dedup.findings.deliveries import Delivery, Fault, suspected_deliveries

FIRST = date(2026, 10, 1)


def suspicion(counts, rules, *, silent: int = 0):
    """What is suspected after one delivery a day with these counts (None: no delivery), and then silence."""
    deliveries = [Delivery("10000001", FIRST + timedelta(days=at), count) for at, count in enumerate(counts) if count]
    today = FIRST + timedelta(days=len(counts) - 1 + silent)
    return suspected_deliveries(deliveries, rules.deliveries, today=today).get("10000001")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([100], None),
        ([100, 99, 97, 101], None),
        ([100, 71], None),
        ([100, 69], (Fault.SHRUNKEN, 1, 69, 100, 0)),
        ([100, 40, 100], None),
        ([100, 40, 41], (Fault.SHRUNKEN, 1, 41, 100, 0)),
        ([100, 40, 41, 40], None),
        ([100, 40, 20, 21], (Fault.SHRUNKEN, 1, 21, 100, 0)),
        ([100, 40, 20, 21, 20], None),
        ([100, 40, 41, 40, 20], (Fault.SHRUNKEN, 4, 20, 40, 3)),
        ([10, 6], None),
        ([10, 4], (Fault.SHRUNKEN, 1, 4, 10, 0)),
        ([100, None, None, None], None),
        ([100, None, None, None, None], (Fault.MISSING, 1, 0, 100, 0)),
    ],
)
def test_what_is_suspected(counts, expected, rules):
    found = suspicion(counts, rules)
    if found is not None:
        last = (found.last_believed - FIRST).days
        found = (found.fault, (found.since - FIRST).days, found.registrations, found.expected, last)
    assert found == expected


def test_a_provider_that_falls_silent_is_suspected_after_its_days(rules):
    assert suspicion([50], rules, silent=3) is None
    assert suspicion([50], rules, silent=4).fault is Fault.MISSING


def test_a_night_that_is_run_again_knows_no_later_delivery(rules):
    deliveries = [Delivery("10000001", FIRST, 100), Delivery("10000001", FIRST + timedelta(days=1), 10)]
    assert suspected_deliveries(deliveries, rules.deliveries, today=FIRST) == {}
