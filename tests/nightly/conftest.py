"""What tests of the nightly run share: an installation after a night that may be changed, and a break in a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import FirstNight

from dedup.lab.installation import Installation


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
