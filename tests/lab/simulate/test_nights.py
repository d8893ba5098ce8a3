"""Over the nights registrations arrive, move on and leave, and not every delivery comes as planned."""

from datetime import date, timedelta

import pandas as pd
import pytest

from dedup.lab.simulate import Simulation, SimulationSettings, generate

NIGHTS = 12


@pytest.fixture(scope="module")
def evolving(day: date) -> Simulation:
    return generate(SimulationSettings(registrations=6_000, doubles=0.15, seed=4, day=day, nights=NIGHTS))


def kinds_on(evolving: Simulation, number: int) -> dict[str, str]:
    table = evolving.nights[number].deliveries
    return dict(zip(table["aanbieder_agb"], table["levering"], strict=True))


def rows_of(evolving: Simulation, number: int, agb: str) -> pd.DataFrame:
    rows = evolving.nights[number].registrations
    return rows[rows["aanbieder_agb"] == agb].reset_index(drop=True)


def test_there_is_a_night_for_each_day_up_to_the_last(evolving: Simulation, day: date) -> None:
    assert [night.day for night in evolving.nights] == [day - timedelta(days=left) for left in reversed(range(NIGHTS))]


def test_the_last_night_is_the_snapshot_in_full(evolving: Simulation) -> None:
    pd.testing.assert_frame_equal(evolving.nights[-1].registrations, evolving.registrations)
    assert set(kinds_on(evolving, -1).values()) == {"full"}


def test_without_nights_nobody_has_left(simulation: Simulation) -> None:
    assert simulation.nights == ()
    assert len(simulation.registrations) == len(simulation.truth)


def test_registrations_arrive_leave_and_move_on(evolving: Simulation) -> None:
    first, last = (
        night.registrations.set_index("registratie_id") for night in (evolving.nights[0], evolving.nights[-1])
    )
    assert len(last.index.difference(first.index)) > 50
    assert len(first.index.difference(last.index)) > 50
    both = first.index.intersection(last.index)
    moved = first.loc[both, "status"] != last.loc[both, "status"]
    assert 0 < moved.mean() < 0.5
    unchanged = ["geboortedatum", "achternaam", "postcode", "a_terme_datum", "inschrijf_datum"]
    pd.testing.assert_frame_equal(first.loc[both, unchanged], last.loc[both, unchanged])


def test_doubles_are_settled_more_often_than_others_leave(evolving: Simulation) -> None:
    left = ~evolving.truth["registratie_id"].isin(evolving.registrations["registratie_id"])
    double = evolving.truth["soort"] == "dubbel"
    assert left[double].mean() > 2 * left[~double].mean()


def test_nothing_is_dated_after_its_night(evolving: Simulation) -> None:
    for number, night in enumerate(evolving.nights):
        assert night.registrations["inschrijf_datum"].max() <= night.day.isoformat(), number
        assert night.registrations["status_datum"].max() <= night.day.isoformat(), number


def test_everything_delivered_is_in_the_truth(evolving: Simulation) -> None:
    known = set(evolving.truth["registratie_id"])
    assert all(set(night.registrations["registratie_id"]) <= known for night in evolving.nights)


def test_deliveries_are_what_they_are_called(evolving: Simulation) -> None:
    seen = set()
    for number in range(1, NIGHTS):
        for agb, kind in kinds_on(evolving, number).items():
            seen.add(kind)
            rows, before = rows_of(evolving, number, agb), rows_of(evolving, number - 1, agb)
            if kind == "missing":
                assert rows.empty
            if kind == "repeated" and kinds_on(evolving, number - 1)[agb] != "missing":
                pd.testing.assert_frame_equal(rows, before)
            if kind in ("late", "full") and kinds_on(evolving, number - 1)[agb] == "full":
                assert len(rows) == pytest.approx(len(before), rel=0.1, abs=6)
            if kind == "shrunken" and kinds_on(evolving, number - 1)[agb] == "full":
                assert len(rows) < 0.6 * len(before)
    assert seen >= {"full", "missing", "repeated", "late"}
