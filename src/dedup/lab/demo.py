"""The demo: made-up extracts of four vendors become match reports per KSV, the whole way that real ones would go."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pandas as pd

from dedup.encode.job import Encoded
from dedup.errors import ExtractError
from dedup.lab.installation import Installation, build_installation, submit
from dedup.lab.simulate import Simulation, SimulationSettings, generate
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import run_night
from dedup.regions import Regions, read_regions

REGISTRATIONS = 4_000
DOUBLES = 0.08
SEED = 20_261_122
PROVIDERS = 24
KSVS = 4

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo left behind; `refused` rows are the ones that it planted."""

    installation: Installation
    bundles: int
    registrations: int
    refused: int
    night: NightResult


def run_demo(folder: Path, *, config: Path, day: date, clock: Callable[[], datetime], cores: int, tell: Told) -> Demo:
    """Run the whole way in `folder`, which must be new or empty; `tell` is given a sentence for every step.

    Raises `ConfigError` (`installation.exists`), and `ExtractError` (`demo.refused`) when other rows than the planted
    ones are refused.
    """
    tell(f"Making up {REGISTRATIONS:,} registrations of {PROVIDERS} providers in {KSVS} KSVs (no real people).")
    regions = read_regions(config / "regions.csv")
    simulation = generate(
        SimulationSettings(
            registrations=REGISTRATIONS,
            doubles=DOUBLES,
            seed=SEED,
            day=day,
            providers=PROVIDERS,
            ksvs=KSVS,
            regions=regions,
        )
    )
    if strays := strayed(simulation, regions):
        reported = KSVS + len(set(strays))
        tell(f"Mistyped postcodes put {len(strays)} of them in another KSV, so {reported} KSVs get a report.")
    installation = build_installation(folder, simulation, config=config, created=clock())
    planted = plant_faulty_rows(installation.extracts_of(installation.vendors[0])[0])
    tell(f"{len(installation.vendors)} vendors encode, sign and seal their extracts into the server's inbox.")
    outcomes = list(submit(installation, today=day, created=clock(), processes=cores))
    encoded = [outcome for outcome in outcomes if isinstance(outcome, Encoded)]
    refused = sum(outcome.report.refused for outcome in encoded if outcome.report)
    if len(encoded) < len(outcomes) or refused != planted:
        raise ExtractError("demo.refused", "The demo's extracts were refused in other places than where it broke them.")
    tell("The nightly run receives, ingests, links, classifies and reports.")
    with open_night(installation.settings, today=day, clock=clock) as night:
        result = run_night(night)
    result.raise_for_reports()
    return Demo(installation, len(encoded), sum(outcome.records for outcome in encoded), refused, result)


def strayed(simulation: Simulation, regions: Regions) -> list[str]:
    """Return the KSV of each registration that lies where no provider of the simulation is at home."""
    found = simulation.registrations["postcode"].str[:4].map(regions.ksv_of)
    home = set(simulation.providers["ksv"])
    return [ksv for ksv in found if ksv and ksv not in home]


def plant_faulty_rows(extract: Path) -> int:
    """Break two rows of an extract, as happens in every real one; returns how many rows must now be refused."""
    with extract.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    broken = [
        {**rows[0], "registratie_id": ""},
        {**rows[1], "registratie_id": rows[1]["registratie_id"], "status": "?"},
    ]
    frame = pd.DataFrame([*rows[:1], *rows[2:], *broken])
    frame.to_csv(extract, sep=";", index=False, encoding="utf-8", lineterminator="\r\n")
    return len(broken)
