"""Runs `dedup bench` as its users do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def bench() -> Callable[..., Any]:
    """Return a function that runs `dedup bench ... --json` and returns what it printed; `code` is the exit code."""

    def run(*arguments: object, code: int = 0) -> Any:
        result = subprocess.run(
            [sys.executable, "-m", "dedup", "bench", *map(str, arguments), "--json"],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert result.returncode == code, result.stderr
        # A fault is the last line on standard error, behind what was told of progress.
        return json.loads(result.stdout if code == 0 else result.stderr.splitlines()[-1])

    return run
