"""What is built for others works by itself: the wheel carries its own config, texts, templates and migrations."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer would unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_runs_the_demo_from_any_folder(unpacked: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    environment.pop("DEDUP_CONFIG", None)
    where = "import dedup, sys; sys.stdout.write(dedup.__file__)"
    loaded = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    result = subprocess.run(
        [sys.executable, "-m", "dedup", "demo", "made"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert Path(loaded.stdout).is_relative_to(unpacked)
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "made" / "reports").glob("*/*/report.html"))) >= 3


def test_the_wheel_holds_no_tests_and_no_keys(unpacked: Path) -> None:
    names = [str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()]

    assert [name for name in names if name.startswith("tests") or name.endswith((".key", ".sealed"))] == []
    assert "dedup/_config/settings.toml" in names
    assert "dedup/py.typed" in names
