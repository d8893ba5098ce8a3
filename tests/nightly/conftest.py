"""What tests of the nightly run share: an installation in which one night is done, and a break in one's report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.lab.installation import Installation
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import run_night


@dataclass(frozen=True)
class FirstNight:
    """An installation after the night of 22 November 2026, and what that night made; do not change it."""

    installation: Installation
    result: NightResult


@pytest.fixture(scope="session")
def first_night(submitted: Installation, tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    folder = tmp_path_factory.mktemp("first-night") / "installation"
    shutil.copytree(submitted.folder, folder)
    done = Installation(folder)
    moment = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
    with open_night(done.settings, today=date(2026, 11, 22), clock=lambda: moment) as night:
        return FirstNight(done, run_night(night))


@pytest.fixture
def after_a_night(first_night: FirstNight, copy_of: Callable[[Installation, str], Installation]) -> Installation:
    """An installation after that night, which the test may change."""
    return copy_of(first_night.installation, "after-a-night")


@pytest.fixture
def in_the_way() -> Callable[[Path], Path]:
    """Return a function that puts a file where a report's folder must come, so that the system refuses to write it."""

    def put(folder: Path) -> Path:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("a file where a folder must come")
        return folder

    return put
