"""A night that is killed with SIGKILL at any of its named places ends, when it is run again, in the same result."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.lab.installation import Installation
from dedup.nightly.night import open_night
from dedup.nightly.run import NIGHT_FAILPOINTS, run_night
from dedup.store.failpoints import FAILPOINTS, VARIABLE


def killed_night(folder: Path, failpoint: str) -> int:
    """Run `dedup nightly` as a process that dies at the failpoint; returns its exit code."""
    command = [sys.executable, "-m", "dedup", "nightly", "--config", str(folder / "config"), "--date", "2026-11-22"]
    environment = {**os.environ, VARIABLE: failpoint}
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120).returncode


def digest_of_night(folder: Path) -> str | None:
    settings = Installation(folder).settings
    with open_night(settings, today=date(2026, 11, 22), clock=lambda: datetime.now(UTC)) as night:
        return run_night(night).result_digest


@pytest.fixture(scope="module")
def expected_digest(submitted: Installation, tmp_path_factory: pytest.TempPathFactory) -> str | None:
    folder = tmp_path_factory.mktemp("expected") / "installation"
    shutil.copytree(submitted.folder, folder)
    return digest_of_night(folder)


@pytest.mark.parametrize("failpoint", [*FAILPOINTS, *NIGHT_FAILPOINTS])
def test_a_killed_night_ends_in_the_same_result(
    installation: Installation, expected_digest: str | None, failpoint: str
) -> None:
    bundles = len(list(installation.inbox.glob("*.bundle")))
    assert killed_night(installation.folder, failpoint) == -signal.SIGKILL

    assert digest_of_night(installation.folder) == expected_digest
    assert len(list((installation.inbox / "receipts").glob("*.json"))) == bundles
    assert not list(installation.folder.rglob("*.unfinished"))
