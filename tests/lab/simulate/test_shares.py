"""As many doubles, kinds, origins and vendors as were asked for."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from dedup.lab.simulate import Simulation, SimulationError, SimulationSettings, generate
from dedup.lab.simulate.kinds import KINDS
from dedup.lab.simulate.names.origins import origins
from dedup.lab.simulate.vendors import VENDORS


@pytest.mark.parametrize("share", [0.0, 0.03, 0.08, 0.15, 0.30])
def test_the_share_of_doubles_is_the_one_asked_for(day: date, share: float) -> None:
    truth = generate(SimulationSettings(registrations=4_000, doubles=share, seed=3, day=day)).truth
    assert len(truth) == 4_000
    assert (truth["soort"] == "dubbel").sum() == round(4_000 * share)


def test_every_kind_has_its_share(simulation: Simulation) -> None:
    counts = simulation.truth["soort"].value_counts()
    assert {kind.code: round(20_000 * kind.share) for kind in KINDS} == {kind.code: counts[kind.code] for kind in KINDS}


def test_groups_of_three_and_four_occur(simulation: Simulation) -> None:
    truth = simulation.truth
    doubled = truth[truth["vrouw"].isin(truth.loc[truth["soort"] == "dubbel", "vrouw"])]
    assert set(doubled["vrouw"].value_counts()) == {2, 3, 4}


def test_origins_have_their_shares(simulation: Simulation) -> None:
    women = simulation.truth.drop_duplicates("vrouw")
    for origin in origins():
        seen = (women["groep"] == origin.name).mean()
        assert seen == pytest.approx(origin.share, abs=5 * np.sqrt(origin.share / len(women)))


def test_about_58_percent_of_the_mothers_has_a_partners_surname(rows: pd.DataFrame) -> None:
    assert sum(origin.share * origin.partnered for origin in origins()) == pytest.approx(0.58, abs=0.01)
    asked_for_both = rows[(rows["bronsysteem"] == "wiegwijs") & (rows["soort"] == "basis")]
    recorded = (asked_for_both["achternaam_partner"] != "").mean()
    assert recorded == pytest.approx(0.58 * VENDORS[0].fills["partner"], abs=0.04)


@pytest.mark.parametrize("providers", [4, 12, 40])
def test_every_vendor_has_a_provider(day: date, providers: int) -> None:
    settings = SimulationSettings(registrations=400, doubles=0.08, seed=1, day=day, providers=providers, ksvs=3)
    assert set(generate(settings).providers["vendor"]) == {vendor.code for vendor in VENDORS}


@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_small_simulations_work(day: date, size: int) -> None:
    assert len(generate(SimulationSettings(registrations=size, doubles=0.3, seed=1, day=day)).registrations) == size


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"registrations": 0}, "simulate.registrations"),
        ({"doubles": 0.31}, "simulate.doubles"),
        ({"doubles": -0.1}, "simulate.doubles"),
        ({"providers": 3}, "simulate.providers"),
        ({"ksvs": 51, "providers": 200}, "simulate.ksvs"),
        ({"ksvs": 0}, "simulate.ksvs"),
        ({"nights": -1}, "simulate.negative"),
    ],
)
def test_what_cannot_be_simulated_is_refused(day: date, wrong: dict[str, float], code: str) -> None:
    asked = {"registrations": 100, "doubles": 0.08, "seed": 1, "day": day} | wrong
    with pytest.raises(SimulationError) as caught:
        SimulationSettings(**asked)  # type: ignore[arg-type]  # the cases are of several types
    assert caught.value.code == code
