"""The commands that attack everybody: the JSON that others rely on, and errors as one sentence with a code."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from dedup.cli.app import app


def _dedup(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dedup", "attack", *arguments], capture_output=True, text=True, check=False
    )


def test_quasi_prints_the_shape_of_every_attack() -> None:
    done = _dedup("quasi", "--people", "2000", "--date", "2026-11-22", "--json")
    assert done.returncode == 0, done.stderr
    for line in json.loads(done.stdout):
        assert {"form", "people", "overlap", "chance", "control", "ours"} <= set(line)
        assert {"reidentified", "of"} <= set(line["control"])
        low, high = line["ours"]["interval"]
        assert 0 <= low <= line["ours"]["reidentified"] <= high <= line["ours"]["of"]


def test_a_failed_control_is_an_error_and_no_figure() -> None:
    """Among a thousand registrations hardly a first name is common enough for the control of frequency."""
    done = _dedup("frequency", "--people", "1000", "--seed", "3", "--date", "2026-11-22", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr.splitlines()[-1])["error"] == "attack.control-failed"


@pytest.mark.parametrize("name", ["frequency", "block-graph", "quasi", "vendor-key"])
def test_help_shows_an_example(name: str) -> None:
    done = CliRunner().invoke(app, ["attack", name, "--help"])
    assert done.exit_code == 0
    assert f"dedup attack {name}" in done.stdout
