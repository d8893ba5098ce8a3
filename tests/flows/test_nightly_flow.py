"""The Prefect flow does what `dedup nightly` does, and hands Prefect nothing but counts."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.lab.installation import Installation
from dedup.nightly.night import open_night
from dedup.nightly.run import run_night

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Prefect server of its own for these tests, without telemetry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=180):
            yield


@pytest.mark.usefixtures("prefect_server")
def test_the_flow_gives_the_digest_of_the_plain_run(
    submitted: Installation, copy_of: Callable[[Installation, str], Installation]
) -> None:
    from flows.nightly import nightly

    flowing, plain = copy_of(submitted, "flowing"), copy_of(submitted, "plain")
    with open_night(plain.settings, today=date(2026, 11, 22), clock=lambda: datetime.now(UTC)) as night:
        expected = run_night(night).result_digest

    result = nightly(config=str(flowing.folder / "config"), day="2026-11-22")

    assert result["result_digest"] == expected
    assert [stage["stage"] for stage in result["stages"]] == ["receive", "ingest", "link", "findings", "reports"]


@pytest.mark.usefixtures("prefect_server")
def test_an_error_of_a_stage_reaches_prefect_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    from flows.nightly import as_task
    from prefect import flow

    from dedup.errors import StoreError
    from dedup.nightly.run import Stage

    def bug() -> None:
        try:
            int("Jansen")
        except ValueError as error:
            raise KeyError("Pietersen") from error

    def fault() -> None:
        try:
            int("Jansen")
        except ValueError as error:
            raise StoreError("store.object-missing", "An object is missing.") from error

    @flow(name="trial")
    def trial() -> list[str]:
        said = []
        for work in (bug, fault):
            try:
                as_task(Stage.LINK, work)
            except Exception as error:
                said.append(str(error))
        return said

    with caplog.at_level("DEBUG"):
        said = trial()

    assert said == [
        f"This is a bug in dedup: KeyError at {Path(__file__).name}:{bug.__code__.co_firstlineno + 4}.",
        "An object is missing.",
    ]
    assert "This is a bug in dedup" in caplog.text
    assert "Jansen" not in caplog.text
    assert "Pietersen" not in caplog.text


def test_the_schedule_is_a_time_that_every_night_has_once() -> None:
    """Between 02:00 and 03:00 a night in March has no such time, and one in October has it twice."""
    import yaml

    deployment = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"][0]
    schedule = deployment["schedules"][0]
    minute, hour = schedule["cron"].split()[:2]

    assert schedule["timezone"] == "Europe/Amsterdam"
    assert int(hour) not in {2}
    assert 0 <= int(minute) < 60
    module, flow = deployment["entrypoint"].split(":")
    assert (ROOT / module).is_file()
    assert flow == "nightly"


def test_prefect_is_locked_to_the_version_that_was_measured() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert "prefect==3.8.8" in project["dependencies"]
