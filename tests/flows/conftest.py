"""One Prefect server for all tests of flows, without telemetry, and what flows leave in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=180):
            yield


def artifact(key: str) -> list[dict[str, Any]]:
    """Return the rows of the newest table artifact with this key."""
    from prefect.artifacts import Artifact

    newest = Artifact.get(key)
    assert newest is not None
    assert isinstance(newest.data, str)
    rows: list[dict[str, Any]] = json.loads(newest.data)
    return rows
