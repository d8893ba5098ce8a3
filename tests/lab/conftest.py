"""Runs `dedup` as its users do, for all tests of the lab's commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def dedup() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs `dedup ...` in the checkout; `code` is the exit code that it must end with."""

    def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "dedup", *map(str, arguments)], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert result.returncode == code, result.stderr
        return result

    return run
