"""`dedup simulate` as its users call it."""

import json
import subprocess
import sys
from pathlib import Path


def simulate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dedup", "simulate", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_it_writes_what_it_says_and_refuses_to_write_twice(tmp_path: Path) -> None:
    asked = ("made-up", "--registrations", "300", "--doubles", "0.1", "--seed", "3", "--date", "2026-11-22")
    done = simulate(*asked, "--providers", "8", "--ksvs", "4", "--nights", "2", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["registrations"] == 300
    assert said["kinds"]["dubbel"] == 30
    assert said["nights"] == ["2026-11-21", "2026-11-22"]
    extracts = {path.name: path.read_bytes() for path in (tmp_path / "made-up" / "extracts").glob("*.csv")}
    last_night = (tmp_path / "made-up" / "nights" / "2026-11-22" / "extracts").glob("*.csv")
    assert len(extracts) == said["extracts"] == 8
    assert extracts == {path.name: path.read_bytes() for path in last_night}

    again = simulate(*asked, cwd=tmp_path)
    assert again.returncode == 1
    assert "[simulate.folder-in-use]" in again.stderr
    assert "Traceback" not in again.stderr


def test_wrong_use_and_impossible_figures_have_their_own_exit_codes(tmp_path: Path) -> None:
    assert simulate("x", "--registrations", "many", cwd=tmp_path).returncode == 2
    refused = simulate("x", "--registrations", "10", "--doubles", "0.9", "--json", cwd=tmp_path)
    assert refused.returncode == 1
    assert json.loads(refused.stderr)["error"] == "simulate.doubles"
    assert not (tmp_path / "x").exists()
