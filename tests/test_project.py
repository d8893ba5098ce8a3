"""The project itself: what a newcomer types works, and what must not be in the repository is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_demo_works_in_a_clean_clone(tmp_path: Path) -> None:
    """The README's first command, on what is committed alone, leaves a report for at least three KSVs."""
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(ROOT), str(clone))
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DEDUP_", "VIRTUAL_ENV"))}

    result = subprocess.run(
        ["make", "demo"], cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=540
    )

    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    reports = sorted((clone / "demo" / "reports").glob("*/*/report.html"))
    assert len({report.parents[1].name for report in reports}) >= 3
    assert all((report.with_suffix(suffix)).is_file() for report in reports for suffix in (".xlsx", ".json"))
    assert str(Path("demo") / "reports") in result.stdout


def test_the_commands_of_the_readme_are_the_ones_that_exist() -> None:
    """Every `dedup` command and `make` target that the README names can be run."""
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = set(re.findall(r"^(?:\$ )?(?:\.venv/bin/)?dedup ([a-z-]+)", readme, re.MULTILINE))
    targets = set(re.findall(r"\bmake ([a-z]+)", readme))
    makefile = (ROOT / "Makefile").read_text("utf-8")

    assert commands
    for command in sorted(commands):
        result = subprocess.run(
            [sys.executable, "-m", "dedup", command, "--help"], capture_output=True, check=False, timeout=60
        )
        assert result.returncode == 0, command
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_prefects_server_can_be_imported_with_what_is_locked() -> None:
    """A newer fastapi breaks Prefect's server at import; the pin in pyproject.toml keeps it whole."""
    result = subprocess.run(
        [sys.executable, "-c", "import prefect.server.api.server"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert result.returncode == 0, result.stderr[-500:]


def test_the_lock_holds_hashes_and_no_index_address() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    requirements = re.findall(r"^[a-z0-9][^\n]*==", lock, re.MULTILINE | re.IGNORECASE)

    assert len(requirements) > 100
    assert lock.count("--hash=sha256:") >= len(requirements)
    assert re.search(r"index-url|find-links|https?://", lock) is None


@pytest.mark.parametrize("pattern", [r"BEGIN (EC |RSA )?PRIVATE KEY", r'"(secret|d)": *"[A-Za-z0-9_-]{43}"'])
def test_no_secret_is_committed(pattern: str) -> None:
    """No key file and no private key lies in the repository outside the specification's made-up vectors."""
    found = subprocess.run(
        ["git", "grep", "-lE", pattern, "--", ".", ":!docs/spec/vectors", ":!tests/test_project.py"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert found.stdout == ""
