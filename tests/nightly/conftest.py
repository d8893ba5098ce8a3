"""What tests of the nightly run share: a break in one KSV's or provider's report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def in_the_way() -> Callable[[Path], Path]:
    """Return a function that puts a file where a report's folder must come, so that the system refuses to write it."""

    def put(folder: Path) -> Path:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("a file where a folder must come")
        return folder

    return put
