"""What tests of the doctor share: an installation in which a night is done, and an examination of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.conftest import FirstNight

from dedup.doctor import Examination, Finding, examine
from dedup.lab.installation import Installation

MORNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def look(
    installation: Installation, *, now: datetime = MORNING, environ: Mapping[str, str] | None = None
) -> Examination:
    return examine(installation.folder / "config", environ=environ or {}, now=now)


def found(installation: Installation, code: str, *, now: datetime = MORNING, **environ: str) -> Finding:
    """Return what one check finds."""
    return next(one for one in look(installation, now=now, environ=environ).findings if one.code == code)


@pytest.fixture
def healthy(first_night: FirstNight) -> Installation:
    """An installation after the night of 22 November 2026; do not change it."""
    return first_night.installation


@pytest.fixture
def patient(healthy: Installation, copy_of: Callable[[Installation, str], Installation]) -> Installation:
    """The same, which the test may break."""
    return copy_of(healthy, "patient")


def set_setting(installation: Installation, section: str, line: str) -> None:
    """Put a line at the head of a section of `settings.toml`."""
    path: Path = installation.folder / "config" / "settings.toml"
    text = path.read_text("utf-8")
    assert text.count(f"\n[{section}]") == 1
    head, _, tail = text.partition(f"\n[{section}]")
    rest_of_line, _, following = tail.partition("\n")
    path.write_text(f"{head}\n[{section}]{rest_of_line}\n{line}\n{following}", "utf-8")
