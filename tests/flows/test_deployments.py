"""Deployments: flows that take scalars only, at times that every day has once, one run at a time."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    one["name"]: one for one in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
}
FLOWS = ("nightly", "monthly", "retention")


def test_every_flow_is_deployed() -> None:
    assert tuple(DEPLOYMENTS) == FLOWS


@pytest.mark.parametrize("name", FLOWS)
def test_a_deployment_runs_one_at_a_time_at_a_time_that_every_day_has_once(name: str) -> None:
    """Between 02:00 and 03:00 a night in March has no such time, and one in October has it twice."""
    [schedule] = DEPLOYMENTS[name]["schedules"]
    minute, hour = schedule["cron"].split()[:2]

    assert schedule["timezone"] == "Europe/Amsterdam"
    assert int(hour) != 2
    assert 0 <= int(minute) < 60
    assert DEPLOYMENTS[name]["concurrency_limit"] == 1


@pytest.mark.parametrize("name", FLOWS)
def test_a_deployments_entrypoint_is_a_flow_that_takes_scalars_only(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded as a worker loads it, from the folder that holds `prefect.yaml`."""
    from prefect.flows import load_flow_from_entrypoint

    monkeypatch.chdir(ROOT)
    loaded = load_flow_from_entrypoint(DEPLOYMENTS[name]["entrypoint"])

    assert loaded.name == name
    taken = inspect.signature(loaded.fn).parameters
    assert {parameter.annotation for parameter in taken.values()} == {"str | None"}
    assert set(DEPLOYMENTS[name]["parameters"]) <= set(taken)


def test_what_is_served_on_one_machine_has_the_schedules_of_the_deployments() -> None:
    from flows.serve import SCHEDULED

    served = {flow.name: cron for flow, cron in SCHEDULED}
    assert served == {name: one["schedules"][0]["cron"] for name, one in DEPLOYMENTS.items()}


def test_prefect_is_locked_to_the_version_that_was_measured() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert "prefect==3.8.8" in project["dependencies"]
