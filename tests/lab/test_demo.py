"""The demo says how many KSVs get a report, also when a mistyped postcode adds one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dedup.lab import demo
from dedup.lab.simulate import SimulationSettings, generate
from dedup.regions import read_regions

REGIONS = read_regions(Path(__file__).parents[2] / "config" / "regions.csv")


def test_strays_are_the_registrations_outside_the_ksvs_of_the_providers() -> None:
    made = generate(
        SimulationSettings(
            registrations=demo.REGISTRATIONS, doubles=demo.DOUBLES, seed=demo.SEED, day=date(2026, 11, 22),
            providers=demo.PROVIDERS, ksvs=demo.KSVS, regions=REGIONS,
        )
    )  # fmt: skip
    reported = {ksv for ksv in made.registrations["postcode"].str[:4].map(REGIONS.ksv_of) if ksv}
    home = set(made.providers["ksv"])
    assert len(home) == demo.KSVS
    assert set(demo.strayed(made, REGIONS)) == reported - home
