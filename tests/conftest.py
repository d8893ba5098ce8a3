"""A small made-up installation with full inbox, built once and copied for every test that needs one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.encode.job import Encoded
from dedup.lab.installation import Installation, build_installation, submit
from dedup.lab.simulate import SimulationSettings, generate

ROOT = Path(__file__).parents[1]
NIGHT = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """600 registrations of 12 providers in 3 KSVs, encoded, sealed and in the inbox; do not change it."""
    simulation = generate(SimulationSettings(registrations=600, doubles=0.08, seed=7, day=NIGHT, providers=12, ksvs=3))
    folder = tmp_path_factory.mktemp("submitted") / "installation"
    installation = build_installation(folder, simulation, config=ROOT / "config", created=NOW)
    outcomes = list(submit(installation, today=NIGHT, created=NOW, processes=1))
    assert all(isinstance(outcome, Encoded) for outcome in outcomes)
    return installation


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Installation, str], Installation]:
    """Return a function that copies an installation under a name, so that a test may change it."""

    def copied(installation: Installation, name: str) -> Installation:
        shutil.copytree(installation.folder, tmp_path / name)
        return Installation(tmp_path / name)

    return copied


@pytest.fixture
def installation(submitted: Installation, copy_of: Callable[[Installation, str], Installation]) -> Installation:
    """An installation with a full inbox that the test may change."""
    return copy_of(submitted, "installation")
