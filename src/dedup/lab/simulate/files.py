"""Writes a simulation as the files that the rest of the world would see, and the truth that it would not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from dedup.lab.simulate.settings import Simulation, SimulationError


def write(simulation: Simulation, folder: Path) -> None:
    """Write the simulation into a folder that is new or empty of an earlier one.

    `extracts/<agb>.csv`, `truth.csv`, `regions.csv`, `contracts.csv`, `providers.csv`, and for each night
    `nights/<date>/extracts/<agb>.csv` and `nights/<date>/deliveries.csv`. Raises `SimulationError`
    (`simulate.folder-in-use`) when extracts or a truth are there already: left-overs would pass for part of the
    new ones, and a demo's truth would be lost.
    """
    if any((folder / "extracts").glob("*.csv")) or (folder / "truth.csv").exists():
        raise SimulationError(
            "simulate.folder-in-use", f"{folder} already holds extracts or their truth; name another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_extracts(simulation.registrations, folder / "extracts")
    write_table(simulation.truth, folder / "truth.csv", ",")
    write_table(simulation.regions, folder / "regions.csv", ";")
    write_table(simulation.contracts, folder / "contracts.csv", ";")
    write_table(simulation.providers, folder / "providers.csv", ";")
    for night in simulation.nights:
        here = folder / "nights" / night.day.isoformat()
        write_extracts(night.registrations, here / "extracts")
        write_table(night.deliveries, here / "deliveries.csv", ";")


def write_extracts(registrations: pd.DataFrame, folder: Path) -> None:
    """Write one extract per provider, as RFC 4180 asks: quotes where needed, lines ended by CR LF."""
    folder.mkdir(parents=True, exist_ok=True)
    for agb, rows in registrations.groupby("aanbieder_agb", sort=True):
        rows.to_csv(folder / f"{agb}.csv", sep=";", index=False, encoding="utf-8", lineterminator="\r\n")


def write_table(table: pd.DataFrame, path: Path, separator: str) -> None:
    """Write a small table, lines ended by LF."""
    table.to_csv(path, sep=separator, index=False, encoding="utf-8", lineterminator="\n")
