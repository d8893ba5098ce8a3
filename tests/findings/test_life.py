"""Findings through faults, new keys, answers, mergers and splits; and the laws that hold whatever the nights bring."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.findings.classify import find
from dedup.findings.conditions import Conditions
from dedup.findings.decisions import Decision, decision_frame
from dedup.findings.deliveries import Delivery, Fault, Suspicion, suspected_deliveries
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
        ([A, B | {"tokens_changed": FIRST + timedelta(days=2), "bootstrap": True}], SAME, "held", "new"),
        ([A, B], [(0, 1, {"email": 1})], "reopened", "open"),
    ],
)
def test_new_evidence_reopens_what_was_no_double(life, id_of, registrations, pairs, first, last):
    """Identifiers that changed start the reflection time (L9) again first."""
    no = decision(id_of, "geen_dubbel")
    start = (([A, B], SAME, Conditions(basis="k")), ([A, B], SAME, no))
    nights = life(*start, *[(registrations, pairs, no)] * 15)
    found = nights[-1]
    assert [states(night) for night in nights[2:]] == [[(first, "", "", "")]] + [states(nights[3])] * 13 + [
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


# What may happen in a night, drawn for each: who delivers how, who leaves, whether keys change, who answers what.
PROVIDERS = tuple(sorted(ALL))
WOMEN = {"a1": 0, "b1": 1, "c1": 2, "a2": 0, "d2": 3, "b3": 1, "c3": 2, "d3": 3, "a3": 0, "c4": 2, "d4": 3}
FILLERS = 8
events = st.fixed_dictionaries(
    {
        "delivery": st.tuples(*[st.sampled_from(["full"] * 6 + ["missing", "shrunken", "uncounted"])] * 4),
        "leaves": st.lists(st.sampled_from(sorted(WOMEN)), max_size=1),
        "new_keys": st.sampled_from([False] * 5 + [True]),
        "unmatched": st.sets(st.sampled_from("1234"), max_size=2),
        "answer": st.none() | st.tuples(st.sampled_from("1234"), st.sampled_from(["geen_dubbel", "terecht", "ons"])),
    }
)


@settings(max_examples=40, deadline=None)
@given(nights=st.lists(events, min_size=4, max_size=14))
def test_the_laws_of_findings_over_nights(registration_frame, pair_frame, rules, id_of, nights):
    """Nothing is lost; no fault and no new key closes a finding; what was settled stays so; ids are stable."""
    there, keys, answers, previous = set(WOMEN), 0, [], None
    known_deliveries: list[Delivery] = []
    snapshot: dict[str, list[str]] = {agb: [] for agb in PROVIDERS}
    matched_keys: dict[str, int] = {}
    for number, night in enumerate(nights):
        today = FIRST + timedelta(days=number)
        there -= set(night["leaves"]) if number else set()
        keys += night["new_keys"]
        uncounted = set()
        for at, agb in enumerate(PROVIDERS):
            kind = night["delivery"][at] if number else "full"
            mine = sorted(name for name in there if WOMEN[name] == at)
            everything = [*mine, *(f"{agb}-{filler}" for filler in range(FILLERS))]
            if kind == "uncounted":
                uncounted.add(agb)
            if kind in ("full", "shrunken"):
                snapshot[agb] = everything if kind == "full" else everything[len(everything) // 2 + 2 :]
                known_deliveries.append(Delivery(agb, today, len(snapshot[agb])))
        present = [name for agb in PROVIDERS if agb not in uncounted for name in snapshot[agb]]
        rows = [
            {"id": name, "aanbieder_agb": PROVIDERS[WOMEN[name]], "group": int(name[1])}
            if name in WOMEN
            else {"id": name, "aanbieder_agb": name[:8], "group": 100 + place}
            for place, name in enumerate(present)
        ]
        # A woman whose match is lost is lost only on nights of other keys than she was matched under.
        lost = {one for one in night["unmatched"] if matched_keys.get(one, keys) != keys}
        matched_keys |= {one: keys for one in "1234" if one not in lost}
        seats = {name: place for place, name in enumerate(present)}
        pairs = [
            (seats[one], seats[other], {})
            for one in present
            for other in present
            if one < other and one in WOMEN and other in WOMEN and one[1] == other[1] and one[1] not in lost
        ]
        conditions = Conditions(
            suspected=suspected_deliveries(known_deliveries, rules.deliveries, today=today),
            delivered=ALL - uncounted,
            basis=str(keys),
            decisions=decision_frame(answers),
        )
        frame = registration_frame(*rows, today=FIRST)
        tonight = find(frame, pair_frame(*pairs), rules, today=today, previous=previous, conditions=conditions)
        check_laws(previous, tonight, {id_of(name) for name in there}, conditions, known_deliveries, today)
        again = find(frame, pair_frame(*pairs), rules, today=today, previous=previous, conditions=conditions)
        pd.testing.assert_frame_equal(tonight.findings, again.findings)
        if night["answer"]:
            who, answer = night["answer"]
            names = {id_of(name): name for name in WOMEN}
            open_pairs = [(row["left"], row["right"]) for row in tonight.pairs.to_dict("records")]
            answers = [one for one in answers if names[one.registratie_id][1] != who] + [
                Decision(
                    left, right, "10000001", answer, "L4" if answer == "terecht" else "", today.isoformat(),
                    "address birth_date edd first_name phone surname", week_of(FIRST) + 12, str(keys), False,
                )
                for left, right in open_pairs
                if names[left][1] == who
            ]  # fmt: skip
        previous = tonight


def check_laws(before, tonight, truly_there, conditions, known_deliveries, today):
    rows = tonight.findings.set_index("finding").to_dict("index")
    members = {name: frozenset(ids) for name, ids in tonight.members.groupby("finding")["registratie_id"]}
    live = {name for name, row in rows.items() if row["state"] != "settled"}
    # Ids are one each, and no two registrations share two findings that live.
    together = [
        frozenset((one, other)) for name in live for one in members[name] for other in members[name] if one < other
    ]
    assert len(rows) == len(tonight.findings)
    assert len(together) == len(set(together))
    # What is no double is in no finding that lives, as long as the answer is not stale.
    said = {}
    for one in tonight.decisions.to_dict("records"):
        if not one["stale"]:
            said.setdefault(frozenset((one["registratie_id"], one["other"])), set()).add(one["answer"])
    found_now = {name for name in live if rows[name]["found_on"] == today.isoformat()}
    present_pairs = {
        frozenset((row["left"], row["right"]))
        for row in tonight.pairs.to_dict("records")
        if row["finding"] in found_now
    }
    for pair, given_answers in said.items():
        if given_answers == {"geen_dubbel"}:
            assert pair not in present_pairs
    assert not tonight.decisions["stale"].any()
    if before is None:
        return
    earlier = before.findings.set_index("finding").to_dict("index")
    earlier_members = {name: frozenset(ids) for name, ids in before.members.groupby("finding")["registratie_id"]}
    by_members = {members[name]: name for name in live}
    for name, row in earlier.items():
        if row["state"] == "settled":
            continue
        # Nothing is lost: it is there, alive or settled for a reason.
        assert name in rows
        now = rows[name]
        if now["state"] == "settled":
            assert now["settled_by"] in {"left", "no_match", "feedback", "merged", "withdrawn"}
            # Nothing closed by a fault: it closes as `left` only when fewer than two are truly still there.
            if now["settled_by"] == "left":
                believed = believed_shrunken(conditions, known_deliveries)
                assert len(earlier_members[name] & truly_there) < 2 or believed
            # Nothing closed by new keys: here nobody's identifiers ever change.
            if now["settled_by"] == "no_match":
                assert row["basis"] == conditions.basis
        # Ids are stable while the members are.
        if earlier_members[name] in by_members:
            assert by_members[earlier_members[name]] == name


def believed_shrunken(conditions, known_deliveries) -> bool:
    """Whether some provider's shrunken snapshots were alike so often that they are believed, right or wrong."""
    counts: dict[str, list[int]] = {}
    for one in known_deliveries:
        counts.setdefault(one.provider, []).append(one.registrations)
    return any(
        provider not in conditions.suspected and len(seen) > 3 and seen[-1] < 0.7 * max(seen)
        for provider, seen in counts.items()
    )
