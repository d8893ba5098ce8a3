"""The laws of findings over nights: nothing lost, nothing closed by a fault or new keys, whatever nights bring."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.findings.classify import find
from dedup.findings.conditions import Conditions
from dedup.findings.decisions import Decision, decision_frame
from dedup.findings.deliveries import Delivery, suspected_deliveries
from dedup.weeks import week_of

FIRST = date(2026, 11, 22)
# What may happen in a night, drawn for each: who delivers how, who leaves, whether keys change, who answers what.
PROVIDERS = tuple(f"1000000{number}" for number in range(1, 5))
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
            delivered=frozenset(PROVIDERS) - uncounted,
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
