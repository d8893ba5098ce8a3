"""Every kind of second registration is what its name says, as far as anyone can see it in the extracts."""

from datetime import date

import pandas as pd
import pytest

from dedup.lab.simulate import Simulation
from dedup.lab.simulate.care import APPLIED
from dedup.lab.simulate.kinds import KINDS, Tie


def of(pairs: pd.DataFrame, kind: str) -> pd.DataFrame:
    chosen = pairs[pairs["soort_2"] == kind]
    assert len(chosen) > 0
    return chosen


def days_ago(column: pd.Series, day: date) -> pd.Series:
    return (pd.Timestamp(day) - pd.to_datetime(column)).dt.days


def test_every_kind_is_applied() -> None:
    assert list(APPLIED) == [kind.code for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_women_and_pregnancies_are_tied_as_the_table_says(rows: pd.DataFrame, kind: object) -> None:
    chosen = rows[rows["soort"] == kind.code]
    first = rows[rows["soort"] == "basis"]
    same_woman = chosen["vrouw"].isin(first["vrouw"])
    same_pregnancy = chosen["zwangerschap"].isin(first["zwangerschap"])
    assert set(same_woman) == {kind.tie is not Tie.ANOTHER_WOMAN}
    assert set(same_pregnancy) == {kind.tie is Tie.SAME_PREGNANCY}


def test_doubles_are_at_other_providers_mostly_in_the_same_region(pairs: pd.DataFrame, simulation: Simulation) -> None:
    doubles = of(pairs, "dubbel")
    assert (doubles["aanbieder_agb_1"] != doubles["aanbieder_agb_2"]).all()
    contracted = simulation.contracts.groupby("aanbieder_agb")["ksv"].apply(set)
    shared = [
        bool(contracted[one] & contracted[two])
        for one, two in zip(doubles["aanbieder_agb_1"], doubles["aanbieder_agb_2"], strict=True)
    ]
    assert pd.Series(shared).mean() > 0.85


def test_no_two_registrations_of_a_double_are_at_one_provider(rows: pd.DataFrame) -> None:
    doubled = rows[rows["vrouw"].isin(rows.loc[rows["soort"] == "dubbel", "vrouw"])]
    assert not doubled.duplicated(["vrouw", "aanbieder_agb"]).any()


@pytest.mark.parametrize("kind", ["zelfde_aanbieder", "tweeling_kind"])
def test_some_kinds_stay_with_the_provider(pairs: pd.DataFrame, kind: str) -> None:
    chosen = of(pairs, kind)
    assert (chosen["aanbieder_agb_1"] == chosen["aanbieder_agb_2"]).all()


def test_main_and_subcontractor_point_at_each_other(pairs: pd.DataFrame) -> None:
    both, one_sided = of(pairs, "L1_onderaanneming"), of(pairs, "L1_eenzijdig")
    for chosen in (both, one_sided):
        assert (chosen["relatie_agb_1"] == chosen["aanbieder_agb_2"]).all()
        assert set(chosen["rol_1"]) <= {"hoofdaannemer", "bemiddelaar"}
    assert (both["relatie_agb_2"] == both["aanbieder_agb_1"]).all()
    assert set(both["rol_2"]) == {"onderaannemer"}
    assert set(one_sided["relatie_agb_2"]) == {""}


@pytest.mark.parametrize(("kind", "least", "most"), [("L2_overdracht", 0, 10), ("L2_overdracht_oud", 30, 80)])
def test_transfers_point_at_the_receiver(pairs: pd.DataFrame, day: date, kind: str, least: int, most: int) -> None:
    chosen = of(pairs, kind)
    assert set(chosen["status_1"]) == {"overgedragen"}
    assert (chosen["overdracht_agb_1"] == chosen["aanbieder_agb_2"]).all()
    assert days_ago(chosen["overdracht_datum_1"], day).between(least, most).all()


@pytest.mark.parametrize(("kind", "least", "most"), [("L3_wachtlijst", 0, 10), ("L3_wachtlijst_oud", 30, 400)])
def test_waiting_lists_beside_a_registration(pairs: pd.DataFrame, day: date, kind: str, least: int, most: int) -> None:
    chosen = of(pairs, kind)
    assert set(chosen["status_2"]) == {"wachtlijst"}
    assert "wachtlijst" not in set(chosen["status_1"])
    latest = chosen[["inschrijf_datum_1", "inschrijf_datum_2"]].max(axis=1)
    assert days_ago(latest, day).between(least, most).all()


def test_two_waiting_lists_name_each_other(pairs: pd.DataFrame) -> None:
    chosen = of(pairs, "L3_twee_wachtlijsten")
    assert set(chosen["status_1"]) == set(chosen["status_2"]) == {"wachtlijst"}
    assert (chosen["voorkeur_2_agb_1"] == chosen["aanbieder_agb_2"]).all()
    assert (chosen["voorkeur_2_agb_2"] == chosen["aanbieder_agb_1"]).all()


def test_shared_care_splits_the_hours_of_one_indication(pairs: pd.DataFrame) -> None:
    chosen = of(pairs, "L4_gedeeld")
    assert (chosen["verdeling_id_1"] == chosen["verdeling_id_2"]).all()
    assert set(chosen["gedeelde_zorg_1"]) == set(chosen["gedeelde_zorg_2"]) == {"ja"}
    hours = chosen["toegezegde_uren_1"].astype(int) + chosen["toegezegde_uren_2"].astype(int)
    assert (hours == chosen["indicatie_uren_1"].astype(int)).all()


def test_another_product_is_another_product_and_a_double_is_not(pairs: pd.DataFrame) -> None:
    other, doubles = of(pairs, "L5_ander_product"), of(pairs, "dubbel")
    assert (other["zorgproduct_1"] != other["zorgproduct_2"]).all()
    assert (doubles["zorgproduct_1"] == doubles["zorgproduct_2"]).all()


@pytest.mark.parametrize(
    ("kind", "status"), [("L6_volgende_zwangerschap", "afgerond"), ("L6_verouderd", "ingeschreven")]
)
def test_the_next_pregnancy_is_far_from_the_older(pairs: pd.DataFrame, day: date, kind: str, status: str) -> None:
    chosen = of(pairs, kind)
    slipped = chosen[["a_terme_datum_1", "a_terme_datum_2"]].apply(pd.to_datetime)
    weeks = (slipped["a_terme_datum_2"] - slipped["a_terme_datum_1"]).dt.days / 7
    # Errors move some of them; the plan is 24 weeks at least.
    assert (weeks.between(18, 47)).mean() > 0.9
    assert set(chosen["status_1"]) == {status}
    if kind == "L6_verouderd":
        assert days_ago(chosen["a_terme_datum_1"], day).between(37, 56).all()


def test_fresh_doubles_are_of_the_last_week_and_others_are_not(pairs: pd.DataFrame, day: date) -> None:
    assert days_ago(of(pairs, "verse")["inschrijf_datum_2"], day).between(0, 6).all()
    assert days_ago(of(pairs, "dubbel")["inschrijf_datum_2"], day).min() >= 15


def test_only_the_kind_of_stopping_providers_has_them(pairs: pd.DataFrame, simulation: Simulation) -> None:
    stopping = set(simulation.providers.loc[simulation.providers["stopt_per"] != "", "aanbieder_agb"])
    assert stopping
    chosen = of(pairs, "L10_stoppend")
    assert set(chosen["aanbieder_agb_1"]) <= stopping
    assert not set(chosen["aanbieder_agb_2"]) & stopping
    doubles = of(pairs, "dubbel")
    assert not (set(doubles["aanbieder_agb_1"]) | set(doubles["aanbieder_agb_2"])) & stopping


def test_dates_are_in_order(rows: pd.DataFrame, day: date) -> None:
    assert (rows["inschrijf_datum"] <= rows["status_datum"]).all()
    assert rows["status_datum"].max() <= day.isoformat()


def test_look_alikes_share_what_their_kind_says(simulation: Simulation, rows: pd.DataFrame) -> None:
    slipped = simulation.slips[simulation.slips.drop(columns="registratie_id").any(axis=1)]["registratie_id"]
    firsts = rows[rows["soort"] == "basis"]
    careful = rows[~rows["registratie_id"].isin(slipped)]

    def shared(kind: str, *columns: str) -> float:
        """Share of the look-alikes for whom a first registration holds the same in these columns."""
        plain = [frame[list(columns)].apply(lambda column: column.str.replace(" ", "")) for frame in (firsts, careful)]
        known = set(plain[0].itertuples(index=False, name=None))
        chosen = plain[1][careful["soort"] == kind].itertuples(index=False, name=None)
        return float(pd.Series([values in known for values in chosen]).mean())

    assert shared("tweelingzus", "geboortedatum") == 1.0
    assert shared("huisgenoot", "postcode", "huisnummer") == 1.0
    assert shared("draagmoeder", "postcode", "huisnummer") == 1.0
    assert shared("draagmoeder", "email") > 0.3  # not every package fills it
    assert 0.0 < shared("zus", "postcode", "huisnummer") < 0.4
