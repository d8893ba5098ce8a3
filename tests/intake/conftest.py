"""What tests of intake work with: the server and bundles of the tests of ingest, and a desk for uploads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ingest.conftest import deliver, intake, model, server, vendor_key
from tests.intake.desk import Desk, open_desk

from dedup.model.linkage import LinkageModel

__all__ = ["deliver", "desk", "each_desk", "intake", "model", "server", "vendor_key"]


@pytest.fixture
def desk(tmp_path: Path, model: LinkageModel) -> Iterator[Desk]:
    with open_desk(tmp_path, f"sqlite:///{tmp_path}/registry.sqlite", model) as opened:
        yield opened


@pytest.fixture
def each_desk(tmp_path: Path, url: str, model: LinkageModel) -> Iterator[Desk]:
    """A desk on SQLite and one on PostgreSQL."""
    with open_desk(tmp_path, url, model) as opened:
        yield opened
