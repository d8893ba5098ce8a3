"""Findings through faults, new keys, answers, mergers and splits, one case each; the laws are in test_life_laws."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from dedup.findings.classify import find
from dedup.findings.conditions import Conditions
from dedup.findings.decisions import Decision, decision_frame
from dedup.findings.deliveries import Fault, Suspicion
from dedup.weeks import week_of

FIRST = date(2026, 11, 22)
A, B, C, D = ({"id": name, "aanbieder_agb": f"1000000{number}"} for number, name in enumerate("abcd", 1))
SAME = [(0, 1, {})]
ALL = frozenset(f"1000000{number}" for number in range(1, 5))


def suspicion(provider: str) -> dict[str, Suspicion]:
    return {provider: Suspicion(provider, Fault.SHRUNKEN, FIRST, 1, 9, FIRST - timedelta(days=1))}


@pytest.fixture
def life(registration_frame, pair_frame, rules):
    """Runs nights, each (registrations, pairs, conditions), one a day; answers with each night's `Findings`."""

    def run(*plan, rules=rules, every: int = 1):
        results, previous = [], None
        for number, (registrations, pairs, *more) in enumerate(plan):
            frame = registration_frame(*registrations, today=FIRST)
            conditions = more[0] if more else Conditions(delivered=ALL)
            previous = find(
                frame, pair_frame(*pairs), rules, today=FIRST + timedelta(days=number * every), previous=previous,
                conditions=conditions,
            )  # fmt: skip
            results.append(previous)
        return results

    return run


def states(night):
    return [
        (row["state"], row["settled_by"], row["kept"], row["kept_for"]) for row in night.findings.to_dict("records")
    ]


def test_a_registration_that_is_gone_by_a_suspected_fault_keeps_its_finding_open_and_marked(life):
    fault = Conditions(suspected=suspicion("10000002"), delivered=ALL)
    first, kept, back, left = life(([A, B], SAME), ([A], [], fault), ([A, B], SAME), ([A], []))
    assert states(kept) == [("open", "", "delivery", "10000002")]
    assert kept.members.set_index("aanbieder_agb")["absent"].to_dict() == {"10000001": False, "10000002": True}
    assert kept.deliveries.to_dict("records") == [
        {
            "aanbieder_agb": "10000002",
            "fault": "shrunken",
            "since": "2026-11-22",
            "registrations": 1,
            "expected": 9,
            "last_believed": "2026-11-21",
        }
    ]
    assert states(back) == [("open", "", "", "")]
    assert states(left) == [("settled", "left", "", "")]
    assert len({night.findings["finding"].item() for night in (first, kept, back, left)}) == 1
    assert kept.findings["days_open"].item() == 1


def test_a_provider_whose_snapshot_does_not_count_tonight_closes_nothing(life):
    absent = Conditions(delivered=ALL - {"10000002"})
    _, kept, still = life(([A, B], SAME), ([A], [], absent), ([A], [], absent))
    assert states(kept) == states(still) == [("open", "", "delivery", "10000002")]
    assert kept.findings["kept_since"].item() == still.findings["kept_since"].item() == "2026-11-23"


def test_a_stopping_provider_that_falls_silent_is_believed(life, rules_with):
    rules = rules_with({"L10_stopping": {"providers": ["10000002"]}})
    _, left = life(([A, B], SAME), ([A], [], Conditions(delivered=ALL - {"10000002"})), rules=rules)
    assert states(left) == [("settled", "left", "", "")]


def test_the_third_of_a_group_stays_in_it_through_a_fault(life, id_of):
    triple = [(0, 1, {}), (1, 2, {})]
    fault = Conditions(suspected=suspicion("10000002"), delivered=ALL)
    first, kept, back = life(([A, B, C], triple), ([A, C], [], fault), ([A, B, C], triple))
    assert set(kept.members["registratie_id"]) == {id_of("a"), id_of("b"), id_of("c")}
    assert states(kept) == [("open", "", "delivery", "10000002")]
    partly = life(([A, B, C], triple), ([A, C], SAME, fault))[1]
    assert partly.members.set_index("registratie_id")["absent"].to_dict() == {
        id_of("a"): False,
        id_of("b"): True,
        id_of("c"): False,
    }
    assert first.findings["finding"].item() == back.findings["finding"].item() == partly.findings["finding"].item()


def test_a_match_that_is_absent_under_new_keys_settles_nothing_until_a_registration_changes(life):
    new_keys = Conditions(delivered=ALL, basis="epoch 2")
    apart = [A, B | {"group": 1}]
    _, kept, still = life(([A, B], SAME, Conditions(basis="epoch 1")), (apart, [], new_keys), (apart, [], new_keys))
    assert states(kept) == states(still) == [("open", "", "relinked", "")]
    edited = [A, B | {"group": 1, "tokens_changed": FIRST + timedelta(days=2)}]
    _, _, changed = life(([A, B], SAME, Conditions(basis="epoch 1")), (apart, [], new_keys), (edited, [], new_keys))
    assert states(changed) == [("settled", "no_match", "", "")]


def test_a_merger_of_findings_and_a_split_are_recorded(life):
    two = [(0, 1, {}), (2, 3, {})]
    four = [(0, 1, {}), (2, 3, {}), (1, 2, {})]
    apart = [A, B, C | {"group": 1}, D | {"group": 1}]
    first, merged, split = life((apart, two), ([A, B, C, D], four), (apart, two))
    names = set(first.findings["finding"])
    [line] = merged.lineage.to_dict("records")
    assert {line["finding"], line["other"]} == names
    assert (line["how"], line["night"]) == ("merged", "2026-11-23")
    assert sorted(states(merged)) == [("open", "", "", ""), ("settled", "merged", "", "")]
    assert set(split.findings["finding"]) == names
    assert ("reopened", "", "", "") in states(split)


def test_a_finding_that_splits_off_says_from_which(life):
    four = [(0, 1, {}), (2, 3, {}), (1, 2, {})]
    apart = [A, B, C | {"group": 1}, D | {"group": 1}]
    first, split = life(([A, B, C, D], four), (apart, [(0, 1, {}), (2, 3, {})]))
    [line] = split.lineage.to_dict("records")
    assert (line["how"], line["other"]) == ("split", first.findings["finding"].item())
    assert set(split.findings["finding"]) == {line["finding"], line["other"]}


def decision(id_of, answer: str, rule: str = "", about: str = "ab", **changes) -> Conditions:
    """What provider of the first of `about` answered on the first day, under the key `k`."""
    usual = "birth_date edd first_name phone surname address"
    one = Decision(
        registratie_id=id_of(about[0]),
        other=id_of(about[1]),
        provider="10000001",
        answer=answer,
        rule=rule,
        decided=changes.get("decided", FIRST.isoformat()),
        agreed=usual,
        edd_week=week_of(FIRST) + 12,
        basis="k",
        stale=False,
    )
    return Conditions(delivered=ALL, basis=changes.get("basis", "k"), decisions=decision_frame([one]))


def test_what_is_no_double_is_settled_and_not_reported_again_without_new_evidence(life, id_of):
    no = decision(id_of, "geen_dubbel")
    same = ([A, B], SAME, no)
    nights = life(([A, B], SAME, Conditions(basis="k")), same, same, *[same] * 40)
    assert states(nights[1]) == states(nights[2]) == [("settled", "feedback", "", "")]
    assert nights[1].findings["feedback"].item() == "geen_dubbel"
    assert nights[-1].findings.empty


@pytest.mark.parametrize(
    ("registrations", "pairs", "first", "last"),
    [
        (
            [A, B | {"tokens_changed": FIRST + timedelta(days=2), "bootstrap": True}],
            SAME,
            ("held", "feedback"),
            "reopened",
        ),
        ([A, B], [(0, 1, {"email": 1})], ("reopened", ""), "open"),
    ],
)
def test_new_evidence_reopens_what_was_no_double(life, id_of, registrations, pairs, first, last):
    """Identifiers that changed start the reflection time (L9) again first."""
    no = decision(id_of, "geen_dubbel")
    start = (([A, B], SAME, Conditions(basis="k")), ([A, B], SAME, no))
    nights = life(*start, *[(registrations, pairs, no)] * 15)
    found = nights[-1]
    assert [states(night) for night in nights[2:]] == [[(*first, "", "")]] + [states(nights[3])] * 13 + [
        [(last, "", "", "")]
    ]
    assert found.decisions["stale"].tolist() == [True]


def test_a_registration_more_is_new_evidence(life, id_of):
    no = decision(id_of, "geen_dubbel")
    *_, found = life(
        ([A, B], SAME, Conditions(basis="k")), ([A, B], SAME, no), ([A, B, C], [(0, 1, {}), (0, 2, {}), (1, 2, {})], no)
    )
    assert ("reopened", "", "", "") in states(found)


def test_a_comparison_that_agrees_under_new_keys_is_no_new_evidence(life, id_of):
    """Sketches are drawn anew with the key, so a level can differ by noise; the answer goes on from there."""
    no, turned = decision(id_of, "geen_dubbel"), decision(id_of, "geen_dubbel", basis="k2")
    more = [(0, 1, {"email": 1})]
    start = (([A, B], SAME, Conditions(basis="k")), ([A, B], SAME, no))
    *_, rotated, after = life(*start, ([A, B], more, turned), ([A, B], more, turned))
    assert states(rotated) == states(after) == [("settled", "feedback", "", "")]


def test_what_is_rightly_double_is_legitimate_until_new_evidence_reopens_it(life, id_of):
    yes = decision(id_of, "terecht", "L4")
    start = (([A, B], SAME, Conditions(basis="k")), ([A, B], SAME, yes))
    _, found, again = life(*start, ([A, B], [(0, 1, {"email": 1})], yes))
    [row] = found.findings.to_dict("records")
    assert (row["class"], row["code"], row["acts"], row["feedback"], row["escalation"]) == (
        "legitimate", "L4", "nobody", "terecht", "",
    )  # fmt: skip
    assert row["one_demand"]
    [row] = again.findings.to_dict("records")
    assert (row["class"], row["state"], row["acts"]) == ("certain", "reopened", "provider")


@pytest.mark.parametrize(("answer", "acts_agb"), [("ons", "10000002"), ("ander", "10000001")])
def test_the_provider_that_the_client_does_not_choose_acts(life, id_of, answer, acts_agb):
    _, found = life(([A, B], SAME, Conditions(basis="k")), ([A, B], SAME, decision(id_of, answer)))
    [row] = found.findings.to_dict("records")
    assert (row["state"], row["class"], row["acts"], row["acts_agb"]) == ("open", "certain", "provider", acts_agb)


def test_where_providers_contradict_each_other_the_ksv_acts(life, id_of):
    both = [decision(id_of, "ons").decisions, decision(id_of, "ons", about="ba").decisions]
    said = Conditions(delivered=ALL, basis="k", decisions=pd.concat(both))
    _, found = life(([A, B], SAME, Conditions(basis="k")), ([A, B], SAME, said))
    assert found.findings[["acts", "acts_agb", "acts_on"]].to_numpy().tolist() == [["ksv", "", ""]]


def test_findings_and_answers_survive_a_provider_that_goes_on_under_another_code(
    registration_frame, pair_frame, rules_with, id_of
):
    merger = {"old": "10000002", "new": "10000009", "from": FIRST + timedelta(days=1)}
    rules = rules_with({"merger": [merger]})
    asks = {"conditions": Conditions(delivered=ALL | {"10000009"})}
    first = find(registration_frame(A, B), pair_frame(*SAME), rules, today=FIRST)
    tomorrow = FIRST + timedelta(days=1)
    older = {"id": "x", "aanbieder_agb": "10000009", "first_seen": FIRST - timedelta(days=90), "group": 7}
    # At first both deliver her registration, under one id, which the night then writes with their codes.
    twice = registration_frame(
        A, B, B | {"aanbieder_agb": "10000009", "first_seen": tomorrow}, older, today=FIRST
    )  # fmt: skip
    twice["registratie_id"] = [id_of("a"), f"{id_of('b')}@10000002", f"{id_of('b')}@10000009", id_of("x")]
    both = find(twice, pair_frame((0, 1, {}), (0, 2, {}), (1, 2, {})), rules, today=tomorrow, previous=first, **asks)
    moved = registration_frame(A, B | {"aanbieder_agb": "10000009", "first_seen": tomorrow}, older)
    after = find(moved, pair_frame(*SAME), rules, today=tomorrow + timedelta(days=1), previous=both, **asks)
    for night in (both, after):
        assert states(night) == [("open", "", "", "")]
        assert night.findings["finding"].item() == first.findings["finding"].item()
        assert set(night.members["aanbieder_agb"]) == {"10000001", "10000009"}


def test_a_code_that_merged_is_suspected_of_nothing_once_its_successor_delivers(life, rules_with):
    rules = rules_with({"merger": [{"old": "10000002", "new": "10000009", "from": FIRST}]})
    silent = suspicion("10000002")
    before, after = life(
        ([A, B], SAME, Conditions(suspected=silent, delivered=ALL)),
        ([A, B | {"aanbieder_agb": "10000009"}], SAME, Conditions(suspected=silent, delivered=ALL | {"10000009"})),
        rules=rules,
    )
    assert before.deliveries["aanbieder_agb"].tolist() == ["10000009"]
    assert after.deliveries["aanbieder_agb"].tolist() == []


def test_a_finding_that_stays_open_is_escalated_step_by_step_by_the_terms_of_its_ksv(life, rules_with):
    red = [{"ksv": "KSV02", "code": "red", "from": FIRST + timedelta(days=20)}]
    slow = [{"ksv": "KSV03", "from": FIRST, "ksv_days": 21}]
    rules = rules_with({"ksv_code": red, "ksv_terms": slow})

    def steps(ksv: str) -> list[tuple[str, str, str]]:
        nights = life(*[([A | {"ksv": ksv}, B | {"ksv": ksv}], SAME)] * 7, rules=rules, every=7)
        return [tuple(night.findings[["escalation", "escalated", "next_escalation"]].iloc[0]) for night in nights]

    assert steps("KSV01") == [
        ("", "", "2026-12-06"),
        ("", "", "2026-12-06"),
        ("ksv", "2026-12-06", "2026-12-20"),
        ("ksv", "2026-12-06", "2026-12-20"),
        ("insurer", "2026-12-20", "2027-01-03"),
        ("insurer", "2026-12-20", "2027-01-03"),
        ("committee", "2027-01-03", ""),
    ]
    assert [step for step, _, _ in steps("KSV02")] == [
        "",
        "",
        "ksv",
        "committee",
        "committee",
        "committee",
        "committee",
    ]
    assert [step for step, _, _ in steps("KSV03")] == ["", "", "", "ksv", "insurer", "insurer", "committee"]


def test_what_waits_for_the_ksv_itself_is_passed_on_to_the_insurer_first(life):
    nights = life(*[([A, B], [(0, 1, {"first_name": 0})])] * 5, every=7)
    rows = [night.findings.iloc[0] for night in nights]
    assert {row["acts"] for row in rows} == {"ksv"}
    assert [row["escalation"] for row in rows] == ["", "", "", "", "insurer"]
    assert {row["next_escalation"] for row in rows[:4]} == {"2026-12-20"}


def test_an_edit_holds_a_finding_again_and_wins_its_provider_no_time(life):
    edited = B | {"tokens_changed": FIRST + timedelta(days=1), "bootstrap": True}
    nights = life(([A, B], SAME), *[([A, edited], SAME)] * 15)
    assert [night.findings["state"].item() for night in nights] == ["new", *["held"] * 14, "open"]
    assert nights[-1].findings[["opened", "actionable_since"]].to_numpy().tolist() == [["2026-11-22", "2026-11-22"]]


def test_a_registration_that_is_edited_again_and_again_is_held_for_long(life):
    edited = B | {"tokens_changed": FIRST - timedelta(days=20), "bootstrap": True}
    found = [life(([A, edited | {"identity_changes": changes}], SAME))[0] for changes in (3, 4)]
    assert [night.findings["state"].item() for night in found] == ["new", "held"]
