"""A night goes from the inbox to the reports, once, whatever happens on the way."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from dedup.bundle.keyfiles import LinkageKey, write_key
from dedup.errors import KeyFileError, StoreError
from dedup.lab.installation import Installation, submit
from dedup.nightly.night import open_night
from dedup.nightly.run import NightResult, Stage, run_night
from dedup.store.runs import last_run
from dedup.store.tables import RunState

NIGHT = date(2026, 11, 22)
CopyOf = Callable[[Installation, str], Installation]


def clock() -> datetime:
    return datetime.now(UTC)


def run(installation: Installation, day: date = NIGHT, until: Stage = Stage.REPORTS) -> NightResult:
    with open_night(installation.settings, today=day, clock=clock) as night:
        return run_night(night, until=until)


@pytest.fixture(scope="module")
def expected_digest(submitted: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("expected") / "installation"
    shutil.copytree(submitted.folder, folder)
    digest = run(Installation(folder)).result_digest
    assert digest is not None
    return digest


def test_a_night_leaves_a_report_per_ksv_and_the_findings(installation: Installation) -> None:
    result = run(installation)

    folders = {path.parent for path in result.reports}
    assert len({folder.parent.name for folder in folders}) >= 3
    assert {folder.name for folder in folders} == {"2026-11-22"}
    for folder in folders:
        kinds = ["report.csv", "report.html", "report.json", "report.pdf", "report.xlsx"]
        assert sorted(path.name for path in folder.iterdir()) == kinds
    findings = pd.read_parquet(installation.folder / "findings.parquet")
    assert list(findings.columns) == ["finding", "registratie_id", "class", "code"]
    assert (findings.groupby("finding").size() >= 2).all()


def test_every_bundle_is_taken_in_once_and_removed(installation: Installation) -> None:
    bundles = len(list(installation.inbox.glob("*.bundle")))
    stages = {stage.name: stage.counts for stage in run(installation).stages}

    assert stages["receive"] == {"accepted": bundles, "known_already": 0, "refused": 0}
    assert stages["ingest"]["snapshots"] == bundles
    assert list(installation.inbox.glob("*.bundle")) == []
    assert len(list((installation.inbox / "receipts").glob("*.json"))) == bundles
    assert list((installation.settings.server_home / "store" / "submissions").glob("*.bundle")) == []


def test_a_night_that_is_run_again_gives_the_same_and_does_nothing_twice(
    installation: Installation, expected_digest: str
) -> None:
    first = run(installation)
    written = {path: path.stat().st_mtime_ns for path in first.reports}
    again = run(installation)

    assert first.result_digest == again.result_digest == expected_digest
    assert {path: path.stat().st_mtime_ns for path in again.reports} == written


def test_the_order_and_names_of_bundles_decide_nothing(installation: Installation, expected_digest: str) -> None:
    bundles = sorted(installation.inbox.glob("*.bundle"))
    for number, bundle in enumerate(reversed(bundles)):
        bundle.rename(installation.inbox / f"{number:03d}.bundle")

    assert run(installation).result_digest == expected_digest


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.REPORTS])
def test_a_night_that_was_stopped_goes_on_to_the_same_result(
    installation: Installation, expected_digest: str, stage: Stage
) -> None:
    stopped = run(installation, until=stage)

    assert [done.name for done in stopped.stages][-1] == stage.value
    assert stopped.result_digest is None
    assert run(installation).result_digest == expected_digest


def test_a_night_on_postgresql_has_the_same_result(
    installation: Installation, expected_digest: str, postgresql_url: str
) -> None:
    settings = installation.folder / "config" / "settings.toml"
    address = postgresql_url.replace("postgresql+psycopg:", "postgresql:")
    settings.write_text(settings.read_text("utf-8").replace("[store]\n", f'[store]\nurl = "{address}"\n'), "utf-8")

    assert [run(installation).result_digest for _ in range(2)] == [expected_digest] * 2
    assert not (installation.settings.server_home / "store" / "registry.sqlite").exists()
    with pytest.raises(StoreError) as fault, open_night(installation.settings, today=NIGHT, clock=clock):
        run(installation)
    assert fault.value.code == "store.locked"


def test_a_report_that_was_lost_is_written_again_byte_by_byte(installation: Installation) -> None:
    reports = run(installation).reports
    before = {path: path.read_bytes() for path in reports}
    for path in reports[:3]:
        path.unlink()
    run(installation)

    assert {path: path.read_bytes() for path in reports} == before


def test_findings_go_on_over_the_nights(installation: Installation) -> None:
    """A finding keeps its id; one whose registrations all left their provider's snapshot is no longer reported."""
    run(installation)
    first = pd.read_parquet(installation.folder / "findings.parquet")
    leaving = first["registratie_id"].iloc[0]
    extract, text = next(
        (path, path.read_text("utf-8"))
        for vendor in installation.vendors
        for path in installation.extracts_of(vendor)
        if leaving in path.read_text("utf-8")
    )
    lines = [line for line in text.splitlines(keepends=True) if leaving not in line]
    extract.write_text("".join(lines), "utf-8", newline="")
    tomorrow = NIGHT + timedelta(days=1)
    list(submit(installation, today=tomorrow, created=clock(), processes=1))
    run(installation, day=tomorrow)
    second = pd.read_parquet(installation.folder / "findings.parquet")

    left = set(first["finding"][first["registratie_id"] == leaving])
    assert leaving not in set(second["registratie_id"])
    assert set(first["finding"]) - left <= set(second["finding"])


def test_a_night_without_bundles_has_a_result(installation: Installation) -> None:
    shutil.rmtree(installation.inbox)
    result = run(installation)

    pages = [path.read_text("utf-8") for path in result.reports if path.suffix == ".html"]
    assert len(pages) >= 3  # those of the KSVs in which providers are contracted, who must hear that nobody delivers
    assert all("Nooit geleverd" in page and "Actueel</span>" not in page for page in pages)
    assert len(pd.read_parquet(installation.folder / "findings.parquet")) == 0


def test_two_runs_at_once_are_refused(installation: Installation) -> None:
    with (
        open_night(installation.settings, today=NIGHT, clock=clock),
        pytest.raises(StoreError) as fault,
        open_night(installation.settings, today=NIGHT, clock=clock),
    ):
        pass

    assert fault.value.code == "store.locked"


def test_a_server_that_holds_a_linkage_key_does_not_start(installation: Installation) -> None:
    write_key(installation.server_keys / "epoch.key", LinkageKey.generate(os.urandom), created=clock())

    with pytest.raises(KeyFileError) as fault:
        run(installation)

    assert fault.value.code == "key.linkage-key-on-server"


def test_a_run_that_fails_is_noted_as_failed(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file where a folder must come")
    with (
        pytest.raises(OSError, match="in-the-way"),
        open_night(installation.settings, today=NIGHT, clock=clock, out=tmp_path / "in-the-way") as night,
    ):
        run_night(night)
    with open_night(installation.settings, today=NIGHT, clock=clock) as night:
        with night.store.registry.read() as session:
            begun = last_run(session)
        assert begun is not None
        assert begun.id == night.run_id
        assert begun.state is RunState.RUNNING
        assert night.store.registry.verify_audit().number > 0
