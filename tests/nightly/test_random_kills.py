"""A night that is killed with SIGKILL at any moment whatever ends, when it is run again, in the same result."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.lab.installation import Installation
from dedup.nightly.night import open_night
from dedup.nightly.run import run_night

# CI takes the first few moments; `make trials` takes them all.
SAMPLE, ALL = 3, 200
# A night of the test installation takes some three seconds, of which about two are imports.
EARLIEST, LATEST = 1.0, 5.0


def moments() -> list[object]:
    chosen = random.Random(20_261_122)
    drawn = [chosen.uniform(EARLIEST, LATEST) for _ in range(ALL)]
    return [
        pytest.param(seconds, id=f"{seconds:.3f}s", marks=() if number < SAMPLE else pytest.mark.trial)
        for number, seconds in enumerate(drawn)
    ]


def digest_of_night(folder: Path) -> str | None:
    settings = Installation(folder).settings
    with open_night(settings, today=date(2026, 11, 22), clock=lambda: datetime.now(UTC)) as night:
        result = run_night(night)
        night.store.registry.verify_audit()
    return result.result_digest


@pytest.fixture(scope="module")
def expected_digest(submitted: Installation, tmp_path_factory: pytest.TempPathFactory) -> str | None:
    folder = tmp_path_factory.mktemp("expected") / "installation"
    shutil.copytree(submitted.folder, folder)
    return digest_of_night(folder)


@pytest.mark.parametrize("seconds", moments())
def test_a_night_killed_at_any_moment_ends_in_the_same_result(
    installation: Installation, expected_digest: str | None, seconds: float
) -> None:
    config = str(installation.folder / "config")
    command = [sys.executable, "-m", "dedup", "nightly", "--config", config, "--date", "2026-11-22"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()

    assert digest_of_night(installation.folder) == expected_digest
    assert not list(installation.folder.rglob("*.unfinished"))
