"""Errors fall as often as the one table says, and cluster in careless rows."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dedup.lab.simulate import Simulation, SimulationSettings, generate, kinds, rates
from dedup.lab.simulate.errors import SLIPS
from dedup.lab.simulate.rates import ALL, HARSH_FACTOR, RATES, TOLD, chance_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "simulator.md"


@pytest.fixture(scope="module")
def planted(simulation: Simulation) -> pd.DataFrame:
    """The errors of the second registrations of a large simulation."""
    return simulation.slips[simulation.truth["soort"] != "basis"].drop(columns="registratie_id")


@pytest.mark.parametrize("table", [rates.markdown_table(), kinds.markdown_table()])
def test_the_documentation_shows_the_tables_of_the_code(table: str) -> None:
    assert table in DOCUMENT.read_text("utf-8")


def test_every_error_of_the_table_is_made_and_no_other() -> None:
    assert [error.code for error in RATES] == list(SLIPS)


def test_the_truth_tells_in_what_a_registration_is_wrong(simulation: Simulation) -> None:
    slips, told = simulation.slips.set_index("registratie_id"), simulation.truth.set_index("registratie_id")["fouten"]
    assert set(told) > {"", "achternaam", "achternaam+adres"}
    assert (
        told.str.contains("adres")
        == slips[["moved", "postcode_typo", "house_number_typo", "suffix_missing"]].any(axis=1)
    ).all()
    without = slips.drop(columns=[error.code for error in RATES if error.field in TOLD])
    assert (told[without.any(axis=1)] == "").any(), "an error of the phone alone is not told"


def test_first_registrations_hold_no_errors(simulation: Simulation) -> None:
    firsts = simulation.slips[simulation.truth["soort"] == "basis"]
    assert not firsts.drop(columns="registratie_id").to_numpy().any()


@pytest.mark.parametrize("error", [error for error in RATES if error.among == ALL], ids=lambda error: error.code)
def test_errors_fall_as_often_as_the_table_says(planted: pd.DataFrame, error: rates.ErrorRate) -> None:
    # Five standard deviations; a careless row's factor makes no difference to the mean.
    tolerance = 5 * np.sqrt(error.rate / len(planted))
    assert planted[error.code].mean() == pytest.approx(error.rate, abs=tolerance)


def test_errors_of_some_rows_only_fall_less_often_over_all(planted: pd.DataFrame) -> None:
    for error in RATES:
        if error.among != ALL:
            assert 0 < planted[error.code].mean() < error.rate * 1.3


def test_harsh_is_three_times_as_bad(day: date, planted: pd.DataFrame) -> None:
    harsh = generate(SimulationSettings(registrations=20_000, doubles=0.08, seed=11, day=day, harsh=True))
    worse = harsh.slips[harsh.truth["soort"] != "basis"].drop(columns="registratie_id")
    # Errors with a small rate: those with a large one are held below certainty.
    rare = [error.code for error in RATES if error.rate <= 0.06]
    assert worse[rare].sum().sum() / planted[rare].sum().sum() == pytest.approx(HARSH_FACTOR, rel=0.12)
    assert all(chance_of(error, harsh=True) <= 0.95 for error in RATES)


def test_careless_errors_cluster_and_those_of_life_do_not(planted: pd.DataFrame) -> None:
    def spread(careless: bool) -> float:
        """Variance of the number of errors in a row, over what independent errors would give."""
        chosen = planted[[error.code for error in RATES if error.careless is careless and error.among == ALL]]
        chance = chosen.mean()
        return float(chosen.sum(axis=1).var() / (chance * (1 - chance)).sum())

    assert spread(careless=True) > 1.3
    assert spread(careless=False) == pytest.approx(1.0, abs=0.1)
