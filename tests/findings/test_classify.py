"""From registrations and pairs to findings, with groups of two to four."""

from __future__ import annotations

import time
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from dedup.findings.classify import find
from dedup.findings.frames import FINDING_COLUMNS, MEMBER_COLUMNS, PAIR_COLUMNS, FindingsError, class_table
from dedup.weeks import week_of

A, B, C, D = ({"id": name, "aanbieder_agb": f"1000000{number}"} for number, name in enumerate("abcd", 1))
LIKELY = {"probability": 0.95}
OTHER_NAME = {"first_name": 0}


@pytest.fixture
def found(registration_frame, pair_frame, rules, id_of, today):
    """Returns the findings as {members: (class, code)} with the short names of the members."""

    def run(registrations, pairs, **changes):
        night = find(
            registration_frame(*registrations), pair_frame(*pairs), changes.get("rules", rules),
            today=changes.get("today", today), previous=None,
        )  # fmt: skip
        names = {id_of(registration["id"]): registration["id"] for registration in registrations}
        members = night.members.groupby("finding")["registratie_id"].agg(
            lambda ids: "".join(sorted(names[i] for i in ids))
        )
        return {members[row["finding"]]: (row["class"], row["code"]) for row in night.findings.to_dict("records")}

    return run


def test_two_registrations_of_one_woman_are_a_certain_double(found):
    assert found([A, B], [(0, 1, {})]) == {"ab": ("certain", "")}


def test_a_group_of_four_is_one_finding(found):
    assert found([A, B, C, D], [(0, 1, {}), (1, 2, {}), (2, 3, {})]) == {"abcd": ("certain", "")}


def test_a_finding_is_no_surer_than_its_weakest_necessary_link(found):
    assert found([A, B, C], [(0, 1, {}), (1, 2, LIKELY)]) == {"abc": ("likely", "")}
    assert found([A, B, C], [(0, 1, {}), (1, 2, LIKELY), (0, 2, {})]) == {"abc": ("certain", "")}


def test_a_sister_is_never_pulled_into_a_certain_finding(found):
    assert found([A, B, C], [(0, 1, {}), (1, 2, OTHER_NAME), (0, 2, OTHER_NAME | {"probability": 0.9})]) == {
        "ab": ("certain", ""),
        "bc": ("to_review", "E1"),
    }


def test_a_group_is_split_by_pregnancy(found, today):
    later = week_of(today) + 40
    registrations = [A, B, C | {"edd_week": later}, D | {"edd_week": later}]
    pairs = [(0, 1, {}), (2, 3, {}), (0, 2, LIKELY), (1, 3, {"probability": 0.98})]
    assert found(registrations, pairs) == {
        "ab": ("certain", ""),
        "cd": ("certain", ""),
        "bd": ("legitimate", "L6"),
    }


def test_a_real_double_beside_a_transfer_is_a_real_double(found, today):
    handed = B | {"status": "overgedragen", "overdracht_agb": "10000001", "overdracht_week": week_of(today)}
    assert found([A, handed], [(0, 1, {})]) == {"ab": ("legitimate", "L2")}
    assert found([A, handed, C], [(0, 1, {}), (1, 2, {})]) == {"abc": ("certain", "")}


def test_registrations_of_different_groups_and_closed_ones_are_in_no_finding(found):
    assert found([A, B | {"group": 1}], [(0, 1, {})]) == {}
    assert found([A, B | {"status": "geannuleerd"}], [(0, 1, {})]) == {}
    assert found([A, B | {"status": "afgerond"}], [(0, 1, {})]) == {}


def test_a_finished_registration_of_an_earlier_pregnancy_is_legitimate(found, today):
    finished = B | {"status": "afgerond", "edd_week": week_of(today) - 5}
    assert found([A, finished], [(0, 1, {})]) == {"ab": ("legitimate", "L6")}
    assert found([A, finished | {"status": "in_zorg"}], [(0, 1, {})]) == {"ab": ("clean_up", "L6")}


def test_no_two_registrations_share_two_findings(registration_frame, pair_frame, rules, today):
    generator = np.random.default_rng(7)
    registrations = registration_frame(
        *(
            {
                "id": f"r{row}",
                "aanbieder_agb": f"1000{generator.integers(6):04d}",
                "edd_week": week_of(today) + int(generator.choice([-1, 5, 12, 20, 40, 60])),
                "status": str(generator.choice(["ingeschreven", "wachtlijst"])),
                "group": row // 8,
            }
            for row in range(400)
        )
    )
    pairs = pair_frame(
        *(
            (8 * group + left, 8 * group + right, {
                "probability": float(generator.uniform(0.5, 1)), "first_name": int(generator.integers(0, 5))
            })
            for group in range(50) for left in range(8) for right in range(left + 1, 8)
        )
    )  # fmt: skip
    night = find(registrations, pairs, rules, today=today)
    together = night.members.merge(night.members, on="finding")
    together = together[together["registratie_id_x"] < together["registratie_id_y"]]
    assert len(together) > 500
    assert not together.duplicated(["registratie_id_x", "registratie_id_y"]).any()
    assert set(night.findings["finding"]) == set(night.members["finding"]) == set(night.pairs["finding"])


def test_the_order_of_rows_makes_no_difference(registration_frame, pair_frame, rules, today):
    registrations = registration_frame(A, B, C, D | {"group": 1}, {"id": "e", "aanbieder_agb": "10000005", "group": 1})
    pairs = pair_frame((0, 1, {}), (1, 2, LIKELY), (3, 4, OTHER_NAME))
    expected = find(registrations, pairs, rules, today=today)
    order = [4, 2, 0, 3, 1]
    place = {old: new for new, old in enumerate(order)}
    shuffled = pairs.iloc[::-1].assign(left=pairs["left"].map(place), right=pairs["right"].map(place))
    actual = find(registrations.iloc[order].reset_index(drop=True), shuffled, rules, today=today)
    pd.testing.assert_frame_equal(expected.findings, actual.findings)
    pd.testing.assert_frame_equal(expected.members, actual.members)
    pd.testing.assert_frame_equal(expected.pairs, actual.pairs)


def test_a_night_without_pairs_gives_empty_tables_with_their_columns(registration_frame, pair_frame, rules, today):
    night = find(registration_frame(A, B), pair_frame(), rules, today=today)
    assert [list(frame.columns) for frame in (night.findings, night.members, night.pairs)] == [
        list(FINDING_COLUMNS),
        list(MEMBER_COLUMNS),
        list(PAIR_COLUMNS),
    ]
    assert len(class_table(night)) == 0


def test_the_youngest_registrations_provider_acts(registration_frame, pair_frame, rules, today, id_of):
    registrations = registration_frame(A, B | {"inschrijf_week": week_of(today) - 1}, C)
    night = find(registrations, pair_frame((0, 1, {}), (0, 2, {})), rules, today=today)
    [finding] = night.findings.to_dict("records")
    assert (finding["acts"], finding["acts_agb"], finding["acts_on"]) == ("provider", "10000002", id_of("b"))
    assert dict(zip(night.members["registratie_id"], night.members["role"], strict=True)) == {
        id_of("a"): "older",
        id_of("b"): "acts",
        id_of("c"): "older",
    }


def test_who_acts_follows_the_class(registration_frame, pair_frame, rules, today, id_of):
    cases = {
        "to_review": (B, OTHER_NAME, ("ksv", "", "")),
        "legitimate": (B | {"zorgproduct": "partus"}, {}, ("nobody", "", "")),
        "clean_up": (
            B | {"status": "wachtlijst", "inschrijf_week": week_of(today) - 30},
            {},
            ("provider", "10000002", id_of("b")),
        ),
    }
    for expected_class, (other, levels, expected) in cases.items():
        night = find(registration_frame(A, other), pair_frame((0, 1, levels)), rules, today=today)
        [finding] = night.findings.to_dict("records")
        assert finding["class"] == expected_class
        assert (finding["acts"], finding["acts_agb"], finding["acts_on"]) == expected


def test_a_pair_names_what_agreed_and_a_band_never_a_level_or_the_probability(
    registration_frame, pair_frame, rules, today
):
    levels = {"surname": 2, "address": 3, "email": 1, "insurance": 0}
    night = find(registration_frame(A, B), pair_frame((0, 1, levels)), rules, today=today)
    [pair] = night.pairs.to_dict("records")
    assert pair["agreed"] == "birth_date edd email first_name phone"
    assert pair["band"] == "very_high"
    assert not any(frame.dtypes.eq(float).any() for frame in (night.findings, night.members, night.pairs))


def test_the_class_table_writes_a_legitimate_kind_with_its_code(registration_frame, pair_frame, rules, today, id_of):
    night = find(registration_frame(A, B | {"zorgproduct": "partus"}), pair_frame((0, 1, {})), rules, today=today)
    table = class_table(night)
    assert list(table.columns) == ["finding", "registratie_id", "class", "code"]
    assert table[["registratie_id", "class", "code"]].to_numpy().tolist() == [
        [name, "legitimate:L5", "L5"] for name in sorted([id_of("a"), id_of("b")])
    ]


def test_a_finding_past_its_time_is_not_made(found, today):
    past = {"edd_week": week_of(today) - 9}
    assert found([A | past, B | past], [(0, 1, {})]) == {}
    past = {"edd_week": week_of(today) - 8}
    assert found([A | past, B | past], [(0, 1, {})]) == {"ab": ("certain", "")}


def test_l9_holds_a_finding_until_two_registrations_are_past_reflection(registration_frame, pair_frame, rules, today):
    young = {"first_seen": today - timedelta(days=3)}
    seen_before = {"id": "x", "aanbieder_agb": "10000002", "group": 9}
    third = {"id": "y", "aanbieder_agb": "10000003", "group": 8}
    registrations = registration_frame(A, B | young, seen_before)
    night = find(registrations, pair_frame((0, 1, {})), rules, today=today)
    assert night.findings["state"].tolist() == ["held"]
    assert len(night.open) == 0
    registrations = registration_frame(A, B | young, C, seen_before, third)
    night = find(registrations, pair_frame((0, 1, {}), (0, 2, {})), rules, today=today)
    assert night.findings["state"].tolist() == ["new"]
    assert night.members["held"].sum() == 1


def test_a_providers_first_snapshot_is_not_held(registration_frame, pair_frame, rules, rules_with, today):
    registrations = registration_frame(A | {"first_seen": today}, B | {"first_seen": today})
    pairs = pair_frame((0, 1, {}))
    assert find(registrations, pairs, rules, today=today).findings["state"].tolist() == ["new"]
    strict = rules_with({"L9_reflection": {"bootstrap_exempt": False}})
    assert find(registrations, pairs, strict, today=today).findings["state"].tolist() == ["held"]
    known = registrations.assign(bootstrap=False)
    assert find(known, pairs, rules, today=today).findings["state"].tolist() == ["held"]


def test_a_missing_column_and_an_unknown_comparison_are_one_clear_error(registration_frame, pair_frame, rules, today):
    registrations, pairs = registration_frame(A, B), pair_frame((0, 1, {}))
    for registrations_given, pairs_given in (
        (registrations.drop(columns="edd_week"), pairs),
        (registrations, pairs.drop(columns="probability")),
        (registrations, pairs.drop(columns="phone")),
    ):
        with pytest.raises(FindingsError, match=r"edd_week|probability|phone") as error:
            find(registrations_given, pairs_given, rules, today=today)
        assert error.value.code == "findings.columns"


def test_a_national_night_takes_seconds(registration_frame, pair_frame, rules):
    today = date(2026, 11, 22)
    base = registration_frame(A)
    registrations = base.loc[base.index.repeat(100_000)].reset_index(drop=True)
    registrations["registratie_id"] = [f"{row:036d}" for row in range(100_000)]
    registrations["aanbieder_agb"] = [f"{10_000_000 + row % 200}" for row in range(100_000)]
    registrations["group"] = np.arange(100_000) // 2
    one = pair_frame((0, 1, {}))
    pairs = one.loc[one.index.repeat(10_000)].reset_index(drop=True)
    pairs["left"] = np.arange(10_000) * 2
    pairs["right"] = pairs["left"] + 1
    start = time.perf_counter()
    night = find(registrations, pairs, rules, today=today)
    again = find(registrations, pairs, rules, today=today + timedelta(days=1), previous=night)
    assert len(again.findings) == 10_000
    assert time.perf_counter() - start < 15
