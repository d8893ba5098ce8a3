"""Each rule by a table of examples: what two registrations look like, and what the rule makes of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dedup.findings.config import Rules
from dedup.findings.pair import Pair, Registration
from dedup.findings.rules import (
    BY_CODE,
    JUDGING,
    internal,
    pregnancy,
    product,
    shared_care,
    stopping,
    subcontracting,
    transfer,
    waiting_list,
)
from dedup.findings.rules.reflection import is_held

A, B, C = "10000001", "10000002", "10000003"
WEEK = 105_000


def pair(one: dict[str, object], other: dict[str, object]) -> Pair:
    return Pair(
        Registration(**({"id": "a", "provider": A, "edd_week": WEEK, "registered_week": WEEK - 20} | one)),
        Registration(**({"id": "b", "provider": B, "edd_week": WEEK, "registered_week": WEEK - 10} | other)),
    )


def outcome(rule_module, one, other, rules: Rules, this_week: int = WEEK) -> str:
    """The verdict in one word, with the id of the registration to act on where there is one."""
    verdict = rule_module.judge(pair(one, other), rules, this_week)
    if verdict is None:
        return "-"
    return f"{verdict.outcome} {verdict.acts_on.id}" if verdict.acts_on else str(verdict.outcome)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, "-"),
        ({}, {"provider": A}, "internal b"),
        ({"registered_week": WEEK}, {"provider": A}, "internal a"),
        ({"edd_week": -1}, {"provider": A}, "internal b"),
        ({"edd_week": WEEK - 100}, {"provider": A}, "-"),
    ],
)
def test_l0_keeps_a_providers_own_doubles_to_itself(one, other, expected, rules):
    assert outcome(internal, one, other, rules) == expected


MAIN = {"role": "hoofdaannemer", "related_provider": B}
SUB = {"role": "onderaannemer", "related_provider": A}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (MAIN, SUB, "legitimate"),
        (MAIN | {"role": "bemiddelaar"}, SUB, "legitimate"),
        (MAIN, SUB | {"related_provider": C}, "to_review"),
        (MAIN | {"related_provider": ""}, SUB, "to_review"),
        (MAIN | {"related_provider": C}, SUB | {"related_provider": ""}, "to_review"),
        ({}, SUB, "to_review"),
        ({}, SUB | {"related_provider": C}, "-"),
        (MAIN, MAIN | {"related_provider": C}, "to_review"),
        ({}, {}, "-"),
    ],
)
def test_l1_needs_main_and_sub_to_point_at_each_other(one, other, expected, rules):
    assert outcome(subcontracting, one, other, rules) == expected
    assert outcome(subcontracting, *mirrored(one, other), rules) == expected


def mirrored(one, other):
    """The same example with the sides changed over, and the provider each points at with them."""
    swap = {A: B, B: A}
    return tuple(
        {key: swap.get(value, value) if key == "related_provider" else value for key, value in side.items()}
        for side in (other, one)
    )


HANDED = {"status": "overgedragen", "transferred_to": B}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (HANDED | {"transfer_week": WEEK}, {}, "legitimate"),
        (HANDED | {"transfer_week": WEEK - 2}, {}, "legitimate"),
        (HANDED | {"transfer_week": WEEK - 3}, {}, "clean_up a"),
        (HANDED | {"status_week": WEEK - 1}, {}, "legitimate"),
        (HANDED, {}, "clean_up a"),
        (HANDED | {"transferred_to": C, "transfer_week": WEEK}, {}, "-"),
        ({"transferred_to": B, "transfer_week": WEEK}, {}, "-"),
        ({}, HANDED | {"transferred_to": A, "transfer_week": WEEK - 9}, "clean_up b"),
    ],
)
def test_l2_gives_a_transfer_fourteen_days(one, other, expected, rules):
    assert outcome(transfer, one, other, rules) == expected


WAITING = {"status": "wachtlijst"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, "-"),
        (WAITING, WAITING, "legitimate"),
        (WAITING, {"registered_week": WEEK - 2}, "legitimate"),
        (WAITING, {"registered_week": WEEK - 3}, "clean_up a"),
        ({}, WAITING | {"registered_week": WEEK - 3}, "clean_up b"),
        ({}, WAITING | {"registered_week": WEEK}, "legitimate"),
        (WAITING | {"registered_week": -1}, {"registered_week": -1}, "clean_up a"),
    ],
)
def test_l3_gives_a_waiting_list_entry_beside_a_registration_fourteen_days(one, other, expected, rules):
    assert outcome(waiting_list, one, other, rules) == expected


def shared(promised: int, indicated: int = 48) -> dict[str, object]:
    return {"shared_care": True, "promised_hours": promised, "indicated_hours": indicated}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, "-"),
        ({"sharing": "ab12"}, {"sharing": "ab12"}, "legitimate"),
        ({"sharing": "ab12"}, {"sharing": "cd34"}, "-"),
        (shared(24), shared(24), "legitimate"),
        (shared(24), shared(28), "legitimate"),
        (shared(28), shared(28), "to_review"),
        (shared(48), shared(48), "to_review"),
        (shared(-1), shared(24), "to_review"),
        (shared(24, -1), shared(24, -1), "to_review"),
        (shared(24), {}, "-"),
    ],
)
def test_l4_wants_one_sharing_code_or_hours_that_fit(one, other, expected, rules):
    assert outcome(shared_care, one, other, rules) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("kraamzorg", "kraamzorg", "-"),
        ("partus", "partus", "-"),
        ("kraamzorg", "partus", "legitimate"),
        ("kraamhotel", "kraamzorg", "legitimate"),
        ("kraamzorg", "uitgesteld", "legitimate"),
        ("kraamzorg", "adoptie", "legitimate"),
    ],
)
def test_l5_lets_another_product_stand_beside_home_care(one, other, expected, rules):
    assert outcome(product, {"product": one}, {"product": other}, rules) == expected


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        (0, "-"),
        (4, "-"),
        (5, "to_review"),
        (11, "to_review"),
        (12, "legitimate"),
        (47, "legitimate"),
        (48, "to_review"),
        (52, "to_review"),
        (56, "to_review"),
        (57, "legitimate"),
    ],
)
def test_l6_tells_pregnancies_apart_by_weeks(apart, expected, rules):
    this_week = WEEK - 5
    assert outcome(pregnancy, {}, {"edd_week": WEEK + apart}, rules, this_week) == expected


@pytest.mark.parametrize(
    ("one", "other", "weeks_past", "expected"),
    [
        ({}, {"edd_week": WEEK + 40}, 4, "legitimate"),
        ({}, {"edd_week": WEEK + 40}, 5, "clean_up a"),
        ({"closed": True}, {"edd_week": WEEK + 40}, 5, "legitimate"),
        ({"edd_week": WEEK + 40}, {}, 7, "clean_up b"),
        ({"edd_week": -1}, {}, 7, "to_review"),
    ],
)
def test_l6_calls_an_older_registration_outdated_once_it_is_past_its_time(one, other, weeks_past, expected, rules):
    assert outcome(pregnancy, one, other, rules, WEEK + weeks_past) == expected


@pytest.mark.parametrize(
    ("today", "expected"), [(date(2026, 11, 22), True), (date(2026, 12, 5), True), (date(2026, 12, 6), False)]
)
def test_l9_holds_a_registration_for_fourteen_days_after_the_server_saw_it(today, expected, rules):
    seen = date(2026, 11, 22)
    assert expected == is_held(
        ksv="KSV01", first_seen=seen, tokens_changed=None, bootstrap=False, rules=rules, today=today
    )


def test_l9_starts_again_when_the_tokens_change_even_for_a_bootstrap_snapshot(rules):
    seen, changed = date(2026, 1, 1), date(2026, 11, 20)
    for bootstrap in (False, True):
        held = [
            is_held(
                ksv="K", first_seen=seen, tokens_changed=changed, bootstrap=bootstrap, rules=rules,
                today=changed + timedelta(days=days),
            )
            for days in (13, 14)
        ]  # fmt: skip
        assert held == [True, False]


def test_l9_exempts_a_bootstrap_snapshot(rules):
    today = date(2026, 11, 22)
    assert not is_held(ksv="K", first_seen=today, tokens_changed=None, bootstrap=True, rules=rules, today=today)


def test_l10_makes_a_stopping_provider_a_transfer(rules_with):
    rules = rules_with({"L10_stopping": {"providers": [A]}})
    assert outcome(stopping, {}, {}, rules) == "legitimate"
    assert outcome(stopping, {"provider": C}, {}, rules) == "-"
    assert outcome(stopping, {}, {"provider": A}, rules) == "-"


def test_l9_is_released_early_under_code_red(rules_with):
    rules = rules_with({"L9_reflection": {"code_red_ksvs": ["KSV07"]}})
    today = date(2026, 11, 22)
    held = {
        ksv: is_held(ksv=ksv, first_seen=today, tokens_changed=None, bootstrap=False, rules=rules, today=today)
        for ksv in ("KSV07", "KSV08")
    }
    assert held == {"KSV07": False, "KSV08": True}


def test_every_rule_explains_itself_in_two_languages():
    assert [*(f"L{number}" for number in range(11)), "E1", "E2"] == sorted(
        BY_CODE, key=lambda code: (code[0] == "E", int(code[1:]))
    )
    for rule in BY_CODE.values():
        assert rule.explanation.nl.endswith(".")
        assert rule.explanation.en.endswith(".")
    assert {rule.code for rule in JUDGING} <= set(BY_CODE)


def test_the_wording_of_l6_never_hints_at_a_loss():
    wording = BY_CODE["L6"].explanation
    for word in ("verlies", "miskraam", "overleden", "afgebroken", "loss", "miscarriage", "ended"):
        assert word not in (wording.nl + wording.en).lower()
