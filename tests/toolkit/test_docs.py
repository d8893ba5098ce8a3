"""docs/toolkit.md runs from top to bottom, as its reader would type it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import recordlinkage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "toolkit.md").read_text("utf-8")


def test_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = re.findall(r"```(python|sh)\n(.*?)```", PAGE, flags=re.DOTALL)
    assert [language for language, _ in blocks].count("sh") == 2
    for language, block in blocks:
        if language == "python":
            exec(compile(block, "docs/toolkit.md", "exec"), names)
            continue
        for line in block.splitlines():
            command = shlex.split(line)
            assert command[0] == "dedup"
            subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, env=dict(os.environ))
    assert recordlinkage.fscore(names["true_links"], names["by_ecm"]) > 0.9


def test_every_error_of_the_toolkit_is_named() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "dedup" / "toolkit").glob("*.py"))
    raised = set(re.findall(r'"(toolkit\.[a-z-]+)"', sources))
    assert set(re.findall(r"`(toolkit\.[a-z-]+)`", PAGE.partition("## Errors")[2])) == raised
