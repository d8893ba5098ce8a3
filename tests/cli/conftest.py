"""What tests of the operator's commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from .operated import Installation


@pytest.fixture
def operator(tmp_path: Path) -> Installation:
    return Installation(tmp_path)
