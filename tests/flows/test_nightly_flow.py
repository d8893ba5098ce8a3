"""The nightly flow does what `dedup nightly` does, and hands Prefect nothing but counts."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.lab.installation import Installation
from dedup.nightly.night import open_installation, open_night
from dedup.nightly.run import run_night

from .conftest import artifact

NIGHT = date(2026, 11, 22)

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_the_flow_gives_the_digest_of_the_plain_run_and_leaves_counts(
    submitted: Installation, copy_of: Callable[[Installation, str], Installation], caplog: pytest.LogCaptureFixture
) -> None:
    """The operator is to be told by a webhook whose address is not set: that is a warning, and stops nothing."""
    from flows.nightly import nightly

    flowing, plain = copy_of(submitted, "flowing"), copy_of(submitted, "plain")
    with open_night(plain.settings, today=NIGHT, clock=lambda: datetime.now(UTC)) as night:
        expected = run_night(night)
    settings = flowing.folder / "config" / "settings.toml"
    text = settings.read_text("utf-8").replace("[notify]\n", '[notify]\nwebhook_url_env = "NOT_THERE"\n')
    settings.write_text(text, "utf-8")

    result = nightly(config=str(flowing.folder / "config"), day=NIGHT.isoformat())

    assert result["result_digest"] == expected.result_digest
    stages = ["receive", "ingest", "link", "findings", "reports"]
    assert [stage["stage"] for stage in result["stages"]] == stages
    assert [row["stage"] for row in artifact("nightly-counts")] == stages
    assert artifact("nightly-ksvs") == [line.to_json() for line in expected.ksvs]
    assert "[notify.secret-missing]" in caplog.text


@pytest.fixture
def hardly_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next try come at once; there is one."""
    monkeypatch.setattr("flows.tasks.RETRY_DELAYS_SECONDS", (0.1,))


@pytest.mark.usefixtures("hardly_a_pause")
def test_a_ksv_whose_report_failed_is_named_in_the_runs_state_and_stops_no_other(installation: Installation) -> None:
    from flows.nightly import nightly

    with open_night(installation.settings, today=NIGHT, clock=lambda: datetime.now(UTC)) as night:
        broken, *others = [line.ksv for line in run_night(night).ksvs]
    for folder in ("reports", "provider-reports"):
        shutil.rmtree(installation.folder / folder)
    (installation.folder / "reports").mkdir()
    (installation.folder / "reports" / broken).write_text("a file where a folder must come")

    state = nightly(config=str(installation.folder / "config"), day=NIGHT.isoformat(), return_state=True)

    assert state.is_failed()
    assert f"{broken} (system.refused)" in str(state.message)
    rows = {row["ksv"]: (row["report"], row["error"]) for row in artifact("nightly-ksvs")}
    assert rows == {broken: ("failed", "system.refused")} | dict.fromkeys(others, ("written", ""))
    assert {path.parents[1].name for path in installation.folder.glob("reports/*/*/report.html")} == set(others)


@pytest.mark.usefixtures("hardly_a_pause")
def test_a_night_waits_for_the_work_that_holds_the_store(installation: Installation) -> None:
    """An import of answers, say, that is done by the time of the second try."""
    from flows.nightly import nightly

    with ExitStack() as importing:

        class DoneAtTheRetry(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "Retry 1/1" in record.getMessage():
                    retried.append(record.getMessage())
                    importing.close()

        retried: list[str] = []
        settings = installation.settings
        importing.enter_context(open_installation(settings, today=NIGHT, clock=lambda: datetime.now(UTC)))
        handler = DoneAtTheRetry()
        logging.getLogger().addHandler(handler)
        try:
            result = nightly(config=str(settings.config_dir), day=NIGHT.isoformat(), until="receive")
        finally:
            logging.getLogger().removeHandler(handler)

    assert len(retried) == 1
    assert [stage["stage"] for stage in result["stages"]] == ["receive"]


def test_an_error_of_a_stage_reaches_prefect_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    from flows.tasks import as_task
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


@pytest.mark.usefixtures("hardly_a_pause")
@pytest.mark.parametrize("code", ["store.unavailable", "store.locked"])
def test_a_stage_is_tried_again_when_the_store_was_in_the_way(code: str) -> None:
    from flows.tasks import as_task
    from prefect import flow

    from dedup.errors import StoreError

    tries: list[int] = []

    def busy_once() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise StoreError(code, "Later.")
        return "done"

    @flow(name="trial")
    def trial() -> str:
        return as_task("receive", busy_once)

    assert trial() == "done"
    assert len(tries) == 2
