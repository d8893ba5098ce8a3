"""One simulation for all tests that only look at it, and its pairs: every second registration beside its first."""

from datetime import date

import pandas as pd
import pytest

from dedup.lab.simulate import Simulation, SimulationSettings, generate

DAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def day() -> date:
    return DAY


@pytest.fixture(scope="session")
def simulation() -> Simulation:
    return generate(SimulationSettings(registrations=20_000, doubles=0.08, seed=11, day=DAY))


@pytest.fixture(scope="session")
def rows(simulation: Simulation) -> pd.DataFrame:
    """All registrations with their truth."""
    return simulation.registrations.merge(simulation.truth, on="registratie_id", validate="one_to_one")


@pytest.fixture(scope="session")
def pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Second registrations of the same woman (right, `_2`) beside the first one (left, `_1`)."""
    firsts = rows[rows["soort"] == "basis"]
    seconds = rows[rows["soort"] != "basis"]
    return firsts.merge(seconds, on="vrouw", suffixes=("_1", "_2"))
