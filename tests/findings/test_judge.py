"""What the evidence allows, and which rule counts where several have something to say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.findings.judge import judge, weigh
from dedup.findings.pair import Pair, Registration

WEEK = 105_000
COMPARISONS = ["first_name", "surname", "birth_date", "address", "phone", "email", "insurance", "edd"]


def pair(
    probability: float = 0.999, agreed: str = "birth_date edd first_name surname", contradicted: str = "", **other
):
    return Pair(
        Registration(id="a", provider="10000001", edd_week=WEEK, registered_week=WEEK - 20),
        Registration(**{"id": "b", "provider": "10000002", "edd_week": WEEK, "registered_week": WEEK - 10} | other),
        probability,
        frozenset(agreed.split()),
        frozenset(contradicted.split()),
    )


@pytest.mark.parametrize(
    ("probability", "agreed", "contradicted", "expected"),
    [
        (0.999, "birth_date edd first_name surname", "", ("certain", "")),
        (0.999, "birth_date edd phone insurance", "", ("certain", "")),
        (0.999, "birth_date edd first_name", "", ("likely", "")),
        (0.999, "birth_date edd", "", ("to_review", "E2")),
        (0.999, "edd first_name surname", "", ("likely", "")),
        (0.999, "edd first_name surname address", "", ("certain", "")),
        (0.95, "birth_date edd first_name surname phone", "", ("likely", "")),
        (0.6, "birth_date edd first_name surname phone", "", ("to_review", "E2")),
        (0.999, "birth_date edd surname address phone email", "first_name", ("to_review", "E1")),
        (0.999, "address email", "", ("to_review", "L8")),
        (0.999, "address edd", "", ("to_review", "L8")),
        (0.999, "", "", ("to_review", "L8")),
    ],
)
def test_evidence_allows_no_better_class_than_this(probability, agreed, contradicted, expected, rules):
    assert weigh(pair(probability, agreed, contradicted), rules) == expected


@given(
    probability=st.floats(0.5, 1),
    agreed=st.sets(st.sampled_from(COMPARISONS)),
    contradicted=st.sets(st.sampled_from(["first_name"])),
)
def test_a_pair_is_certain_only_with_two_more_agreements_and_no_other_first_name(
    rules, probability, agreed, contradicted
):
    found, _ = weigh(pair(probability, " ".join(agreed), " ".join(contradicted)), rules)
    if found == "certain":
        assert len(agreed - {"birth_date", "edd"}) >= 2
        assert not contradicted
        assert not agreed <= {"address", "email", "edd"}


@given(agreed=st.sets(st.sampled_from(COMPARISONS)), one=st.floats(0.5, 1), other=st.floats(0.5, 1))
def test_more_probability_never_makes_a_class_worse(rules, agreed, one, other):
    order = ["to_review", "likely", "certain"]
    lower, higher = (
        order.index(weigh(pair(probability, " ".join(agreed)), rules)[0]) for probability in sorted((one, other))
    )
    assert lower <= higher


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("certain", "", True)),
        ({"edd_week": WEEK + 4}, ("certain", "", True)),
        ({"edd_week": WEEK + 7}, ("to_review", "L6", False)),
        ({"edd_week": -1}, ("to_review", "L6", False)),
        ({"edd_week": WEEK + 30}, ("legitimate", "L6", False)),
        ({"product": "partus"}, ("legitimate", "L5", True)),
        ({"product": "partus", "edd_week": WEEK + 7}, ("legitimate", "L5", False)),
        ({"product": "partus", "edd_week": -1}, ("legitimate", "L5", False)),
        ({"status": "wachtlijst"}, ("clean_up", "L3", True)),
        ({"status": "wachtlijst", "product": "partus"}, ("legitimate", "L5", True)),
        ({"provider": "10000001"}, ("internal", "L0", True)),
        ({"provider": "10000001", "edd_week": WEEK + 7}, ("internal", "L0", False)),
        ({"provider": "10000001", "edd_week": WEEK + 30}, ("legitimate", "L6", False)),
        ({"status": "overgedragen", "transferred_to": "10000001", "transfer_week": WEEK}, ("legitimate", "L2", True)),
        ({"role": "onderaannemer", "related_provider": "10000001"}, ("to_review", "L1", False)),
        ({"role": "onderaannemer", "related_provider": "10000001", "edd_week": -1}, ("to_review", "L6", False)),
        ({"role": "onderaannemer", "related_provider": "10000001", "product": "partus"}, ("legitimate", "L5", True)),
    ],
)
def test_a_rule_that_explains_goes_before_one_that_asks_and_that_before_the_evidence(changes, expected, rules):
    judgement = judge(pair(**changes), rules, WEEK)
    assert (judgement.outcome, judgement.code, judgement.solid) == expected


@pytest.mark.parametrize("edd_week", [-1, WEEK + 7])
def test_registrations_that_name_each_other_are_explained_though_the_pregnancy_is_in_doubt(edd_week, rules):
    handed = {"status": "overgedragen", "transferred_to": "10000001", "edd_week": edd_week}
    judged = [judge(pair(**handed, transfer_week=WEEK - weeks), rules, WEEK) for weeks in (0, 9)]
    assert [(each.outcome, each.code, each.solid) for each in judged] == [
        ("legitimate", "L2", False),
        ("clean_up", "L2", False),
    ]
    waiting = judge(pair(status="wachtlijst", edd_week=edd_week), rules, WEEK)
    assert (waiting.outcome, waiting.code) == ("to_review", "L6")


def test_a_legitimate_kind_stands_whether_it_is_one_pregnancy_or_two_unless_a_file_is_outdated_or_evidence_weak(rules):
    def found(this_week: int = WEEK, probability: float = 0.999) -> tuple[str, str]:
        judgement = judge(pair(probability, product="partus", edd_week=WEEK + 52), rules, this_week)
        return (judgement.outcome, judgement.code)

    assert found() == ("legitimate", "L5")
    assert found(WEEK + 5) == ("to_review", "L6")
    assert found(probability=0.6) == ("to_review", "L6")


@pytest.mark.parametrize(
    ("number", "changes", "expected"),
    [
        ("phone", {"product": "partus"}, ("legitimate", "L5")),
        ("insurance", {"status": "wachtlijst", "registered_week": WEEK}, ("legitimate", "L3")),
        ("insurance", {"status": "wachtlijst"}, ("to_review", "E1")),
        ("insurance", {}, ("to_review", "E1")),
        ("email", {"product": "partus"}, ("to_review", "E1")),
        ("address", {"product": "partus"}, ("to_review", "E1")),
    ],
)
def test_a_number_that_is_hers_alone_lets_a_legitimate_kind_stand_despite_another_first_name(
    number, changes, expected, rules
):
    found = judge(pair(0.999, f"birth_date edd surname {number}", "first_name", **changes), rules, WEEK)
    assert (found.outcome, found.code) == expected
    assert not found.solid


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("to_review", "E1")),
        ({"product": "partus"}, ("to_review", "E1")),
        ({"status": "wachtlijst"}, ("to_review", "E1")),
        ({"edd_week": WEEK + 30}, ("legitimate", "L6")),
        ({"status": "overgedragen", "transferred_to": "10000001", "transfer_week": WEEK}, ("legitimate", "L2")),
        ({"status": "overgedragen", "transferred_to": "10000001", "transfer_week": WEEK - 9}, ("to_review", "L2")),
        ({"provider": "10000001"}, ("internal", "L0")),
    ],
)
def test_another_first_name_is_explained_only_where_the_registrations_name_each_other(changes, expected, rules):
    judgement = judge(pair(contradicted="first_name", **changes), rules, WEEK)
    assert (judgement.outcome, judgement.code) == expected
    assert not judgement.solid


def test_nobody_is_told_to_clean_up_on_weak_evidence(rules):
    judgement = judge(pair(0.6, status="wachtlijst"), rules, WEEK)
    assert (judgement.outcome, judgement.code, judgement.acts_on) == ("to_review", "L3", None)
