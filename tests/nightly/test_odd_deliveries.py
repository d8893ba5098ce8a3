"""What one vendor delivers, however odd, does not stop the night for all others; an old epoch leaves nothing behind."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

from dedup.bundle.keyfiles import SealingPrivateKey, SigningKey, read_key
from dedup.bundle.manifest import BundleHeader
from dedup.bundle.payload import BundleBatch
from dedup.bundle.reader import open_bundle
from dedup.bundle.serverkeys import set_epochs
from dedup.bundle.writer import write_bundle
from dedup.lab.installation import Installation
from dedup.model.load import load_model
from dedup.nightly.night import open_night
from dedup.nightly.registrations import with_own_ids
from dedup.nightly.run import NightResult, run_night
from dedup.nightly.snapshots import choose_epoch, current_snapshots
from dedup.store.submissions import Submission

NIGHT = date(2026, 11, 22)


def run(installation: Installation, day: date = NIGHT) -> NightResult:
    moment = datetime(day.year, day.month, day.day, 1, 15, tzinfo=UTC)
    with open_night(installation.settings, today=day, clock=lambda: moment) as night:
        return run_night(night)


def as_it_is(_batch: BundleBatch) -> None:
    pass


def send(
    installation: Installation,
    bundle: Path,
    *,
    epoch: str | None = None,
    day: date = NIGHT,
    edit: Callable[[BundleBatch], None] = as_it_is,
) -> None:
    """Send what is in a bundle again, changed, signed by its vendor."""
    model = load_model(installation.settings.model_path)
    server_key = read_key(installation.server_keys / "sealing.key", SealingPrivateKey)
    with open_bundle(bundle, model=model, opened_with=server_key) as opened:
        manifest, batches = opened.manifest, list(opened.batches)
    for batch in batches:
        edit(batch)
    moment = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
    write_bundle(
        installation.inbox / f"{manifest.provider}-{epoch}-{day}.bundle",
        header=BundleHeader(
            secrets.token_hex(16),
            manifest.vendor,
            manifest.provider,
            day,
            moment,
            epoch or manifest.epoch_key_id,
        ),
        statistics={},
        batches=batches,
        model=model,
        seal_to=server_key.public(),
        sign_with=read_key(installation.keys_of(manifest.vendor) / "signing.key", SigningKey),
    )


def test_two_providers_that_number_alike_are_kept_apart(installation: Installation) -> None:
    """Random ids never meet; a vendor that counts from one makes them meet at every provider."""
    bundles = sorted(installation.inbox.glob("*.bundle"))
    sent = [bundle.rename(installation.folder / bundle.name) for bundle in bundles]
    for bundle in sent:
        send(installation, bundle)
    run(installation)
    findings = pd.read_parquet(installation.folder / "findings.parquet")
    tomorrow = NIGHT + timedelta(days=1)
    for bundle in sent:
        send(installation, bundle, day=tomorrow, edit=numbered)
    run(installation, tomorrow)
    after = pd.read_parquet(installation.folder / "findings.parquet")

    assert after["registratie_id"].str.fullmatch(r"[0-9]{4}(@[0-9]{8})?").all()
    assert len(after) == len(findings)


def numbered(batch: BundleBatch) -> None:
    batch.attributes["registratie_id"] = [f"{number:04d}" for number in range(len(batch.records))]


def test_an_id_that_one_provider_uses_stays_as_it_is() -> None:
    registrations = pd.DataFrame({"registratie_id": ["a", "b", "a"], "aanbieder_agb": ["41000001", "41000001", "42"]})

    assert with_own_ids(registrations)["registratie_id"].tolist() == ["a@41000001", "b", "a@42"]


def test_a_folder_that_cannot_be_moved_stops_no_bundle(installation: Installation) -> None:
    bundles = len(list(installation.inbox.glob("*.bundle")))
    (installation.inbox / "folder.bundle").mkdir(mode=0o555)
    # The superuser may move anything, so these rights are given up first.
    without_rights = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "dedup", "nightly", "--config", str(installation.folder / "config"), "--json"]
    done = subprocess.run(
        [*without_rights, *command, "--date", NIGHT.isoformat(), "--until", "receive"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["stages"][0]["accepted"] == bundles
    assert (installation.inbox / "folder.bundle").is_dir()


def test_what_the_operating_system_refuses_is_a_fault_and_no_bug(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file where a folder must come")
    command = [sys.executable, "-m", "dedup", "nightly", "--config", str(installation.folder / "config"), "--json"]
    done = subprocess.run(
        [*command, "--date", NIGHT.isoformat(), "--out", str(tmp_path / "in-the-way")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert json.loads(done.stderr)["error"] == "system.refused"


def test_while_both_epochs_are_sent_the_one_that_began_last_is_linked() -> None:
    """Both are delivered anew every day, so what counts tonight says nothing of which is older."""
    tonight = datetime(2026, 11, 24, 1, 15, tzinfo=UTC)
    begun = {"old": tonight - timedelta(days=300), "new": tonight - timedelta(days=1)}
    both = [delivery(epoch, provider, tonight) for epoch in ("new", "old") for provider in ("41000001", "41000002")]

    assert choose_epoch(both, begun, fresh_from=NIGHT) == "new"
    assert choose_epoch(both[1:], begun, fresh_from=NIGHT) == "old"


def delivery(epoch: str, provider: str, at: datetime) -> Submission:
    return Submission(
        id=f"{epoch}-{provider}",
        vendor="vitaal",
        provider=provider,
        snapshot_date=at.date(),
        created_at=at,
        received_at=at,
        file_sha256="a" * 64,
        file_bytes=1,
        body_sha256="b" * 64,
        epoch_key_id=epoch,
        model_digest="c" * 64,
    )


def test_an_epoch_that_is_no_longer_accepted_leaves_nothing_behind(installation: Installation) -> None:
    store = installation.settings.server_home / "store"
    bundles = sorted(installation.inbox.glob("*.bundle"))
    sent = [bundle.rename(installation.folder / bundle.name) for bundle in bundles]
    for bundle in sent:
        send(installation, bundle, epoch="epoch-z")
    run(installation)
    views = ("link-views", "attributes", "joined")
    old = {path for view in views for path in (store / view).iterdir()}
    entries = {path for view in ("link-views", "joined") for path in (store / view).iterdir()}
    tomorrow = NIGHT + timedelta(days=1)
    for bundle in sent:
        send(installation, bundle, epoch="epoch-a", day=tomorrow)
    set_epochs(installation.server_keys, frozenset({"epoch-a", "epoch-z"}), created=datetime.now(UTC))
    run(installation, tomorrow)
    kept_while_both = {path for path in old if path.exists()}
    set_epochs(installation.server_keys, frozenset({"epoch-a"}), created=datetime.now(UTC))
    run(installation, tomorrow)

    # All attributes of the old epoch, and its link view with the entry map, as one provider could still need it.
    assert len(kept_while_both - entries) >= len(sent)
    assert len(kept_while_both & entries) >= 2
    # Only the findings of the night before, and its reports' counts, are needed still.
    assert [path for path in entries if path.exists()] == []
    assert len([path for path in old if path.exists()]) == 2
    with open_night(installation.settings, today=tomorrow, clock=lambda: datetime.now(UTC)) as night:
        assert current_snapshots(night).epoch_key_id == "epoch-a"
        assert night.store.registry.verify_audit().number > 0


def test_an_earlier_night_that_is_run_again_keeps_the_findings_lives(installation: Installation) -> None:
    days = [NIGHT + timedelta(days=number) for number in range(3)]
    for day in days:
        run(installation, day)
    report = next(installation.folder.glob(f"reports/*/{days[-1]}/report.json"))
    before = report.read_bytes()
    run(installation, days[1])
    run(installation, days[2])

    assert report.read_bytes() == before
