"""What is past its time goes, at the end of every night and by itself: from the store, the reports and the inbox."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from dedup.findings.config import load_rules
from dedup.findings.frames import Findings
from dedup.findings.lifecycle import is_expired
from dedup.lab.installation import Installation
from dedup.nightly.finding import FINDINGS, findings_from_json
from dedup.nightly.memory import content_of
from dedup.nightly.night import Night, open_installation, open_night
from dedup.nightly.old_files import last_day
from dedup.nightly.result import NightResult
from dedup.nightly.retention import DROP_AFTER_DAYS, Removed, apply_retention
from dedup.nightly.run import run_night
from dedup.store.runs import outputs_before
from dedup.store.tables import AuditRow

NIGHT = date(2026, 11, 22)


def run(installation: Installation, day: date) -> NightResult:
    with open_night(installation.settings, today=day, clock=lambda: at(day, 1)) as night:
        return run_night(night)


def remove(installation: Installation, day: date, *, clock: date | None = None) -> Removed:
    with open_installation(installation.settings, today=day, clock=lambda: at(clock or day, 5)) as night:
        return apply_retention(night)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def kept_findings(installation: Installation, day: date) -> dict[date, Findings]:
    """Return the findings that each night keeps, once another process has opened the store."""
    with open_installation(installation.settings, today=day, clock=lambda: at(day, 6)) as night:
        with night.store.registry.read() as session:
            nights = outputs_before(session, FINDINGS, date.max)
        return {of: findings_from_json(content_of(night, output)) for of, output in nights}


def everything_kept(night: Night) -> bytes:
    """Return the content of every object under the attributes' key."""
    return b"".join(bytes(night.store.attributes.get(name)) for name in night.store.attributes.names())


def keep_snapshots_for(installation: Installation, days: int) -> None:
    path = installation.folder / "config" / "settings.toml"
    path.write_text(path.read_text("utf-8").replace("drop_after_days = 42", f"drop_after_days = {days}"), "utf-8")


def ingest_counts(installation: Installation, *, day: date, clock: date) -> dict[str, int]:
    moment = datetime(clock.year, clock.month, clock.day, 1, 15, tzinfo=UTC)
    with open_night(installation.settings, today=day, clock=lambda: moment) as night:
        stages = {stage.name: dict(stage.counts) for stage in run_night(night).stages}
    return {"expired": stages["ingest"]["expired"], "linked": stages["link"]["providers"]}


def objects(installation: Installation, folder: str) -> int:
    store = installation.settings.server_home / "store"
    return len(list((store / folder).glob("*.object")))


def test_a_silent_providers_snapshot_is_removed_after_the_days_that_are_set(installation: Installation) -> None:
    bundles = len(list(installation.inbox.glob("*.bundle")))
    last, after = (NIGHT + timedelta(days=DROP_AFTER_DAYS + more) for more in (0, 1))

    assert ingest_counts(installation, day=NIGHT, clock=NIGHT) == {"expired": 0, "linked": bundles}
    assert ingest_counts(installation, day=last, clock=last) == {"expired": 0, "linked": bundles}
    assert objects(installation, "attributes") > bundles
    assert objects(installation, "link-views") == 1
    assert ingest_counts(installation, day=after, clock=after) == {"expired": bundles, "linked": 0}
    assert objects(installation, "attributes") < bundles
    assert objects(installation, "link-views") == 0


def test_a_date_typed_by_mistake_removes_nothing(installation: Installation) -> None:
    bundles = len(list(installation.inbox.glob("*.bundle")))
    ingest_counts(installation, day=NIGHT, clock=NIGHT)
    far = NIGHT + timedelta(days=365)

    assert ingest_counts(installation, day=far, clock=NIGHT) == {"expired": 0, "linked": bundles}


def test_a_finding_goes_eight_weeks_after_its_edd_also_while_no_night_is_run(after_a_night: Installation) -> None:
    installation = after_a_night
    before = kept_findings(installation, NIGHT)[NIGHT]
    later = NIGHT + timedelta(weeks=16)
    with open_installation(installation.settings, today=later, clock=lambda: at(later, 5)) as night:
        weeks = dict(zip(before.findings["finding"], before.findings["edd_week"], strict=True))
        expired = {name for name, week in weeks.items() if is_expired(week, night.rules, later)}
        removed = apply_retention(night)
        # No object tells of them any more, at once: nothing is left for the next night to remove.
        told = everything_kept(night)

    assert 0 < len(expired) < len(weeks)
    assert removed.findings == len(expired)
    assert removed.objects > 0
    after = kept_findings(installation, later)[NIGHT]
    assert set(after.findings["finding"]) == set(weeks) - expired
    assert not (set(after.members["finding"]) | set(after.pairs["finding"])) & expired
    gone = set(before.members["registratie_id"]) - set(after.members["registratie_id"])
    assert gone
    assert not [name for name in (*expired, *gone) if name.encode() in told]
    assert remove(installation, later).to_json() == dict.fromkeys(removed.to_json(), 0)


def test_a_night_that_is_run_again_after_a_removal_gives_the_same(after_a_night: Installation) -> None:
    """What the newest night went on from is left as it was, until the next night."""
    installation = after_a_night
    keep_snapshots_for(installation, 400)
    later = NIGHT + timedelta(weeks=16)
    first = run(installation, later)
    removed = remove(installation, later)
    again = run(installation, later)

    assert removed.findings == 0
    assert first.result_digest == again.result_digest is not None
    next_night = run(installation, later + timedelta(days=1))
    assert next_night.removed is not None
    assert next_night.removed["findings"] > 0
    rules = load_rules(installation.settings.config_dir / "rules.toml")
    for found in kept_findings(installation, later).values():
        assert not [week for week in found.findings["edd_week"] if is_expired(week, rules, later)]


def test_reports_that_name_registrations_go_after_their_days_and_aggregates_stay(after_a_night: Installation) -> None:
    installation = after_a_night
    aggregates = installation.folder / "insurer-reports" / "3311" / "2026-01"
    month = installation.folder / "monthly-reports" / "KSV01" / "2026-11"
    for folder in (aggregates, month):
        folder.mkdir(parents=True)
        (folder / "report.csv").write_text("a line")
    kept, dropped = NIGHT + timedelta(days=56), NIGHT + timedelta(days=57)
    folders = [*(installation.folder / "reports").glob("*/*"), *(installation.folder / "provider-reports").glob("*/*")]

    assert remove(installation, kept).reports == 0
    assert remove(installation, dropped).reports == len(folders)
    assert list((installation.folder / "reports").iterdir()) == []
    assert list((installation.folder / "provider-reports").iterdir()) == []
    assert month.is_dir()
    assert remove(installation, date(2026, 11, 30) + timedelta(days=57)).reports == 1
    assert aggregates.is_dir()


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2026-11-22", date(2026, 11, 22)),
        ("2026-02", date(2026, 2, 28)),
        ("2024-02", date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 31)),
        ("2026-13", None),
        ("2026-11-31", None),
        ("latest", None),
        ("20261122", None),
    ],
)
def test_a_folders_name_says_its_last_day(name: str, day: date | None) -> None:
    assert last_day(name) == day


def test_refused_files_go_after_their_days_and_a_link_takes_nothing_along(
    after_a_night: Installation, tmp_path: Path
) -> None:
    installation = after_a_night
    rejected = installation.inbox / "rejected"
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("stays")
    (rejected / "old.bundle").write_bytes(b"sealed")
    (rejected / "folder.bundle").mkdir()
    (rejected / "folder.bundle" / "file").write_text("goes")
    (rejected / "link.bundle").symlink_to(precious)
    (rejected / "new.bundle").write_bytes(b"sealed")
    (installation.folder / "reports" / "KSV99").symlink_to(precious)
    for name in ("old.bundle", "folder.bundle", "link.bundle"):
        moment = at(NIGHT - timedelta(days=15), 12).timestamp()
        os.utime(rejected / name, (moment, moment), follow_symlinks=False)
    os.utime(rejected / "new.bundle", (at(NIGHT, 1).timestamp(),) * 2)

    assert remove(installation, NIGHT).rejected == 3
    assert [path.name for path in rejected.iterdir()] == ["new.bundle"]
    assert (precious / "file").read_text() == "stays"


def test_a_removal_with_a_date_typed_by_mistake_removes_nothing(after_a_night: Installation) -> None:
    removed = remove(after_a_night, NIGHT + timedelta(days=2000), clock=NIGHT)

    assert removed.to_json() == dict.fromkeys(removed.to_json(), 0)


def test_every_removal_is_in_the_audit_log(after_a_night: Installation) -> None:
    remove(after_a_night, NIGHT + timedelta(weeks=16))
    with open_installation(after_a_night.settings, today=NIGHT, clock=lambda: at(NIGHT, 6)) as night:
        with night.store.registry.read() as session:
            events = set(session.scalars(select(AuditRow.event)))

        assert {"findings.expired", "snapshots.expired", "reports.removed", "history.forgotten"} <= events
        assert night.store.registry.verify_audit().number > 0
