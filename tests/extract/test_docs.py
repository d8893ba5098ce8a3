"""The vendors' page names every column, code and fault that the code knows."""

from __future__ import annotations

import re
from pathlib import Path

from dedup.extract.columns import COLUMN_NAMES
from dedup.extract.faults import FAULTS, Severity
from dedup.fields import CareProduct, EndReason, Role, Status

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/extract.md").read_text("utf-8")


def test_every_column_and_code_is_on_the_page() -> None:
    wanted = [*COLUMN_NAMES, *CareProduct, *Role, *Status, *EndReason]
    assert [name for name in wanted if f"`{name}`" not in PAGE] == []


def test_every_fault_stands_on_the_page_with_its_severity_and_hint() -> None:
    words = {Severity.ERROR: "refused", Severity.WARNING: "warning", Severity.NOTE: "note"}
    rows = re.findall(r"^\| `([a-z_]+\.[a-z-]+)` \| (\w+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(fault.code, words[fault.severity], fault.english) for fault in FAULTS.values()]


def test_every_fault_of_a_whole_file_is_on_the_page() -> None:
    source = "".join(
        (ROOT / f"src/dedup/extract/{name}.py").read_text("utf-8")
        for name in ("read", "whole_file", "header", "checks")
    )
    codes = set(re.findall(r'"(extract\.[a-z-]+)"', source))
    assert len(codes) > 10
    assert [code for code in codes if f"`{code}`" not in PAGE] == []
