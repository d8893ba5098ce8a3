"""Killed at any named point, a rerun ends in the same state as an undisturbed run."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dedup.intake.receipts import verified_receipt
from dedup.store.failpoints import FAILPOINTS, KEY_FAILPOINTS, UPLOAD_FAILPOINTS, VARIABLE
from dedup.store.house import open_store
from dedup.store.submissions import find_submission, held_entries
from dedup.store.tables import AuditRow, SeenRow, SubmissionRow
from dedup.store.views import load_attributes, load_records, rows_of
from dedup.store.wrapping import LocalKey

DRIVER = Path(__file__).with_name("crash_driver.py")
MODEL = Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml"


Night = Callable[..., int]


@pytest.fixture
def night() -> Iterator[Night]:
    """Receive and ingest a server folder in a process of its own; gives its exit status."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    driver = subprocess.Popen(
        [sys.executable, str(DRIVER), str(MODEL)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert driver.stdin is not None
    assert driver.stdout is not None

    def run(home: Path, failpoint: str = "-") -> int:
        print(failpoint, home, file=driver.stdin, flush=True)
        return int(driver.stdout.readline())

    yield run
    driver.communicate()


def end_state(home: Path, keys, model) -> dict[str, Any]:
    """Everything that a later night, a vendor or an auditor can see, without what is random by design."""
    store = open_store(
        home / "store",
        f"sqlite:///{home}/store/registry.sqlite",
        link_view_key=LocalKey(keys.link_view.key_id, keys.link_view.secret),
        attribute_key=LocalKey(keys.attributes.key_id, keys.attributes.secret),
    )
    with store.registry.read() as session:
        rows = [find_submission(session, one) for one in session.scalars(select(SubmissionRow.id).order_by("id"))]
        seen = session.execute(select(SeenRow.registration, SeenRow.first_seen).order_by(SeenRow.registration)).all()
        held = held_entries(session)
        events = session.scalars(select(AuditRow.event).order_by(AuditRow.number)).all()
    live = [row for row in rows if row and row.views]
    links = {row.views.link for row in live}
    numbers, records = load_records(store, links, {row.id for row in live}, model=model)
    attributes = load_attributes(store.attributes, [row.views.attributes for row in live])
    place = rows_of(numbers, attributes)
    by_row = sorted(
        (int(place[row]), entries.number, token.tobytes(), sketch.tobytes())
        for entries in records.passes
        for row, token, sketch in zip(entries.row, entries.token, entries.sketch, strict=True)
    )
    receipts = {
        path.name: {
            name: value
            for name, value in verified_receipt(json.loads(path.read_text())["receipt"], keys.receipts.public()).items()
            if not name.startswith("audit")
        }
        for path in (home / "inbox" / "receipts").iterdir()
    }
    store.registry.verify_audit()
    state = {
        "submissions": [(row.id, row.state, row.registrations) for row in rows if row],
        "views": tuple(len(kept.names()) for kept in (store.link_views, store.joined, store.attributes)),
        "held": [(one.submission_id, one.counts) for one in held],
        "entries": by_row,
        "attributes": attributes.drop(columns="row_number").to_csv(),
        "seen": [tuple(row) for row in seen],
        "events": sorted(event for event in events if event != "submission.refused"),
        "receipts": receipts,
        "files": sorted(
            str(path.relative_to(home)) for path in home.rglob("*") if path.suffix in {".bundle", ".unfinished"}
        ),
    }
    store.close()
    return state


@pytest.fixture
def home(server, deliver, intake) -> Path:
    """An inbox with two snapshots of one provider, one of another, and a file that is no bundle."""
    deliver("a.bundle", snapshot_date=intake.today - timedelta(days=1))
    deliver("b.bundle", batches=[{"reg-1": "anne"}, {"reg-5": "fien"}])
    deliver("c.bundle", provider="23456789", batches=[{"reg-7": "anne"}])
    (server.inbox / "d.bundle").write_bytes(b"no bundle")
    server.store.close()
    return server.home


def test_killed_anywhere_a_rerun_ends_in_the_same_state(
    night: Night, home: Path, tmp_path: Path, server, model
) -> None:
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(home, undisturbed)
    assert night(undisturbed) == 0
    expected = end_state(undisturbed, server.keys, model)
    assert [registrations for _, _, registrations in expected["submissions"]].count(2) == 2
    for failpoint in FAILPOINTS:
        crashed = tmp_path / failpoint
        shutil.copytree(home, crashed)
        assert night(crashed, failpoint) == -signal.SIGKILL, failpoint
        assert night(crashed) == 0, failpoint
        assert end_state(crashed, server.keys, model) == expected, failpoint


def test_every_failpoint_of_these_rooms_is_listed() -> None:
    rooms = Path(__file__).parents[2] / "src" / "dedup"
    used = {
        name
        for room in ("intake", "ingest", "store")
        for path in (rooms / room).rglob("*.py")
        for name in re.findall(r'reach\("([^"]+)"\)', path.read_text("utf-8"))
    }
    assert used == {*FAILPOINTS, *UPLOAD_FAILPOINTS, *KEY_FAILPOINTS}
