"""A provider that stopped delivering is not linked for ever: its snapshot is removed after the days that are set."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from dedup.lab.installation import Installation
from dedup.nightly.night import open_night
from dedup.nightly.retention import DROP_AFTER_DAYS
from dedup.nightly.run import run_night

NIGHT = date(2026, 11, 22)


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
