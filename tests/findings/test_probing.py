"""A provider stands out when an honest one hardly ever would; small counts and common shares name nobody."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
import pytest

from dedup.findings.classify import find
from dedup.findings.conditions import Conditions
from dedup.findings.probing import probing_table

FIRST = date(2026, 11, 22)
PROVIDERS = [f"2000000{number}" for number in range(6)]


def clients(agb: str, count: int = 30, **changes):
    return [
        {"id": f"{agb}-{number}", "aanbieder_agb": agb, "group": 100 * int(agb[-1]) + number, **changes}
        for number in range(count)
    ]


@pytest.fixture
def table(registration_frame, pair_frame, rules):
    """Runs nights of (registrations, pairs by id) and returns the signals of the last one by provider."""

    def run(*nights):
        previous = None
        for number, (rows, matches) in enumerate(nights):
            today = FIRST + timedelta(days=number)
            place = {row["id"]: at for at, row in enumerate(rows)}
            group = {name: 9_000 + at for at, pair in enumerate(matches) for name in pair}
            frame = registration_frame(*({**row, "group": group.get(row["id"], row["group"])} for row in rows))
            pairs = pair_frame(*((place[one], place[other], {}) for one, other in matches))
            delivered = Conditions(delivered=frozenset(PROVIDERS))
            previous = find(frame, pairs, rules, today=today, previous=previous, conditions=delivered)
        found = probing_table(previous, frame, rules.probing, today=today)
        return found.set_index("aanbieder_agb")

    return run


def honest():
    return [row for agb in PROVIDERS for row in clients(agb)]


def test_nobody_stands_out_among_equals(table):
    matches = [(f"{one}-{number}", f"{other}-{number}") for number, (one, other) in enumerate(pairwise(PROVIDERS))]
    found = table((honest(), matches))
    assert set(found["signals"]) == {""}
    assert found["matching"].sum() == 10


@pytest.mark.parametrize(("questions", "named"), [(2, ""), (8, "vanished")])
def test_registrations_that_appear_match_and_vanish(table, questions, named):
    asking = [
        {"id": f"ask-{number}", "aanbieder_agb": PROVIDERS[0], "group": 5_000 + number, "first_seen": FIRST}
        for number in range(questions)
    ]
    arrivals = [row for agb in PROVIDERS for row in clients(agb, 20, first_seen=FIRST)]
    others = honest()[1:] + [{**row, "id": row["id"] + "new", "group": row["group"] + 7_000} for row in arrivals]
    matches = [(f"ask-{number}", f"{PROVIDERS[1]}-{number}") for number in range(questions)]
    found = table((others + asking, matches), (others, []))
    assert found.loc[PROVIDERS[0], "vanished"] == questions
    assert found.loc[PROVIDERS[0], "signals"] == named
    assert set(found["signals"].drop(PROVIDERS[0])) == {""}


def test_registrations_that_are_edited_again_and_again(table):
    rows = honest()
    for number, row in enumerate(rows[:6]):
        row |= {"identity_changes": 4 + number, "tokens_changed": FIRST}
    for row in rows[6:]:
        row |= {"identity_changes": 1, "tokens_changed": FIRST}
    found = table((rows, []))
    assert found["edited"].tolist() == [6, 0, 0, 0, 0, 0]
    assert found["signals"].tolist() == ["edited", "", "", "", "", ""]


def test_a_share_of_doubles_that_stands_out(table):
    matches = [(f"{PROVIDERS[0]}-{number}", f"{PROVIDERS[1 + number % 5]}-{number}") for number in range(25)]
    found = table((honest(), matches))
    assert found["signals"].tolist() == ["matching", "", "", "", "", ""]


def test_the_table_holds_counts_per_provider_only(table):
    found = table((honest(), [])).reset_index()
    assert found.select_dtypes("object").columns.tolist() == ["aanbieder_agb", "signals"]
    assert isinstance(found, pd.DataFrame)
