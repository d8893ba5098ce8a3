"""The command line as a whole: quick to start, clear when it fails, silent about values when it breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ["simulate", "check", "encode", "nightly", "link", "evaluate", "explain", "demo", "keys", "model", "bench"]


def dedup(*arguments: str, cwd: Path | None = None, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, or `code` in a process that has its modules at hand."""
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "dedup", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    """`--help` exits with 0 and shows a command that can be typed."""
    result = dedup(command, "--help")

    assert result.returncode == 0, result.stderr
    assert f"dedup {command}" in result.stdout.split("Usage:", 1)[1].split("\n", 1)[1]


def test_help_imports_no_room() -> None:
    """Start-up stays quick because no command imports the tables, kernels or libraries of its room before it runs."""
    code = (
        "import sys; sys.argv = ['dedup', '--help']\n"
        "from dedup.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'pandas', 'numpy', 'numba', 'pyarrow', 'sqlalchemy', 'recordlinkage', 'altair', 'cryptography'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )

    assert "LOADED []" in dedup(code=code).stdout


def test_wrong_usage_exits_with_2() -> None:
    assert dedup("encode", "--no-such-option").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [("encode", "--no-such-option"), ("encode",), ("no-such-command",), ("nightly", "--date", "tomorrow")],
    ids=["option", "argument", "command", "value"],
)
def test_wrong_usage_is_a_document_for_machines(arguments: tuple[str, ...]) -> None:
    result = dedup(*arguments, "--json")

    assert (result.returncode, result.stdout) == (2, "")
    document = json.loads(result.stderr)
    assert document["error"] == "usage"
    assert document["message"]


def test_exit_codes_and_output_are_the_same_for_machines(tmp_path: Path) -> None:
    assert dedup("keys", "new-epoch", "--out", str(tmp_path / "epoch.key"), "--json").returncode == 0
    assert dedup("check", str(tmp_path / "epoch.key"), "--json").returncode == 1


def test_a_fault_is_one_sentence_with_a_code_and_exits_with_1(tmp_path: Path) -> None:
    result = dedup("nightly", "--config", str(tmp_path))

    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.rstrip().endswith("[config.missing]")
    assert "Traceback" not in result.stderr


def test_a_fault_is_a_document_for_machines(tmp_path: Path) -> None:
    result = dedup("nightly", "--config", str(tmp_path), "--json")

    assert json.loads(result.stderr)["error"] == "config.missing"


def test_a_bug_shows_its_place_and_never_its_text() -> None:
    """The text of an unexpected error can hold a value from the data, so it is not printed."""
    code = (
        "import sys; sys.argv = ['dedup', 'boom']\n"
        "from dedup.cli.app import app, main\n"
        "@app.command('boom')\n"
        "def boom() -> None:\n    raise KeyError('Jansen')\n"
        "main()"
    )
    result = dedup(code=code)

    assert result.returncode == 70
    assert "KeyError" in result.stderr
    assert "Jansen" not in result.stdout + result.stderr


def test_force_removes_an_earlier_demo_and_nothing_else(tmp_path: Path) -> None:
    """A real custodian's folder can look much like a demo's."""
    key = tmp_path / "custodian" / "epoch.key"
    key.parent.mkdir()
    key.write_text("precious")
    result = dedup("demo", str(tmp_path), "--force", "--json")

    assert (result.returncode, json.loads(result.stderr)["error"]) == (1, "demo.exists")
    assert key.read_text() == "precious"


def test_a_bundle_never_takes_the_place_of_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.bundle"
    os.mkfifo(pipe)
    result = dedup("encode", "e.csv", "--key", "epoch.key", "--out", str(pipe), "--json")

    assert (result.returncode, json.loads(result.stderr)["error"]) == (1, "encode.out-is-no-file")
    assert pipe.is_fifo()


def test_a_folder_that_cannot_be_made_is_a_fault_and_no_bug(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = dedup("demo", str(tmp_path / "file" / "demo"), "--json")

    assert (result.returncode, json.loads(result.stderr.splitlines()[-1])["error"]) == (1, "system.refused")
