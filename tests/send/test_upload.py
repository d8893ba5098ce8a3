"""Uploads to a real server, over a network that breaks, with servers and clients that are killed: each counts once."""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from tests.send.conftest import SMALL_CHUNK, FlakyNetwork, Serving, encode

from dedup.bundle.keyfiles import ReceiptSigningKey, SealingPrivateKey, write_key
from dedup.errors import DedupError
from dedup.intake.acceptance import ACCEPTED
from dedup.send.bundlefile import look_at
from dedup.send.credentials import read_credentials
from dedup.send.delivery import Outcome, State, deliver
from dedup.send.patience import Patience
from dedup.send.receipt import kept_receipt, receipt_path
from dedup.send.server import UploadServer
from dedup.send.upload import send_bundle
from dedup.store.registry import Registry, registry_url
from dedup.store.submissions import Submission, submissions_in_state
from dedup.store.switches import SetSwitch, Switch, clear_switch, set_switch
from dedup.store.tables import AuditRow, SubmissionState

Serve = Callable[..., Any]
Network = Callable[[int, int], Any]
SHORTLY = 0.02


@contextmanager
def client(serving: Any, seed: int = 0) -> Iterator[UploadServer]:
    """A client that waits much shorter than in earnest."""

    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, SHORTLY))

    patient = Patience(120, time.monotonic, sleep, random.Random(seed).random)
    with httpx.Client(timeout=30) as http:
        credentials = read_credentials(serving.credentials)
        yield UploadServer(http, credentials, patient, lambda: datetime.now(UTC), secrets.token_bytes)


def delivered(serving: Any, *bundles: Path, seed: int = 0) -> list[Outcome]:
    with client(serving, seed) as server:
        return list(deliver(bundles, server.credentials, server))


def bundles_of(serving: Any) -> list[Path]:
    """The small bundle and the large one."""
    return [serving.vendor / f"{agb}.bundle" for agb in serving.sandbox.providers]


def accepted(serving: Any) -> list[Submission]:
    """What the registry counts."""
    with closing(Registry(registry_url(serving.sandbox.installation.settings))) as registry, registry.read() as session:
        return submissions_in_state(session, SubmissionState.ACCEPTED)


def assert_accepted_once(serving: Any, bundle: Path) -> None:
    """Exactly one submission, with the bytes of this file, and a receipt that says so."""
    credentials = read_credentials(serving.credentials)
    looked_at = look_at(bundle, credentials)
    [submission] = [one for one in accepted(serving) if one.file_sha256 == looked_at.sha256]
    assert acceptances(serving, submission.id) == 1
    assert (submission.file_sha256, submission.file_bytes) == (looked_at.sha256, looked_at.size)
    assert kept_receipt(receipt_path(bundle, None), looked_at, credentials.receipt_keys) is not None
    [stored] = [path for path in (serving.server / "store").rglob("*") if looked_at.sha256 in path.name]
    assert stored.read_bytes() == bundle.read_bytes()


def acceptances(serving: Any, submission_id: str) -> int:
    """How often the audit log says that this was accepted."""
    query = select(func.count()).where(AuditRow.object == submission_id, AuditRow.event == ACCEPTED)
    with closing(Registry(registry_url(serving.sandbox.installation.settings))) as registry, registry.read() as session:
        return session.execute(query).scalar_one()


def test_a_bundle_with_its_receipt_is_not_sent_again_even_if_the_server_is_gone(serving: Serve) -> None:
    running = serving()
    small, large = bundles_of(running)

    first = delivered(running, small, large)
    running.kill()
    again = delivered(running, small, large)

    assert [outcome.state for outcome in first] == [State.ACCEPTED, State.ACCEPTED]
    assert [outcome.state for outcome in again] == [State.KNOWN, State.KNOWN]
    assert [outcome.receipt.says for outcome in again if outcome.receipt] == [
        outcome.receipt.says for outcome in first if outcome.receipt
    ]


def test_a_receipt_that_was_lost_is_had_again_and_counts_once(shared: Serving) -> None:
    bundle = new_bundle(shared, "lost")
    delivered(shared, bundle)
    receipt_path(bundle, None).unlink()

    [again] = delivered(shared, bundle)

    assert (again.state, again.receipt and again.receipt.duplicate) == (State.ACCEPTED, True)
    assert_accepted_once(shared, bundle)


def over_a_flaky_network(serving: Serve, flaky: Network, seed: int) -> int:
    with flaky(0, seed) as network:
        running = serving(told_port=network.port)
        network.to = running.port
        _, large = bundles_of(running)
        [outcome] = delivered(running, large, seed=seed)
        assert outcome.state is State.ACCEPTED
        assert_accepted_once(running, large)
        cuts: int = network.cuts
        return cuts


@pytest.mark.parametrize("seed", [1])
def test_a_network_that_breaks_at_random_bytes_delays_and_spoils_nothing(
    serving: Serve, flaky: Network, seed: int
) -> None:
    assert over_a_flaky_network(serving, flaky, seed) > 10


@pytest.mark.trial
@pytest.mark.parametrize("seed", range(2, 52))
def test_fifty_networks_that_break(serving: Serve, flaky: Network, seed: int) -> None:
    over_a_flaky_network(serving, flaky, seed)


def test_a_server_that_is_killed_in_the_middle_and_started_again_goes_on(serving: Serve) -> None:
    chance = random.Random(5)
    outcomes: list[Outcome] = []
    with FlakyNetwork(0, lambda: None, slow=True) as network:
        running = serving(told_port=network.port)
        network.to = running.port
        _, large = bundles_of(running)
        sending = threading.Thread(target=lambda: outcomes.extend(delivered(running, large)))
        sending.start()
        for _ in range(2):
            network.wait_for(sending, chance.randint(100_000, 1_500_000))
            running.kill()
            running.start()
        sending.join()

    assert [outcome.state for outcome in outcomes] == [State.ACCEPTED]
    assert_accepted_once(running, large)


def test_a_client_that_is_killed_finds_its_upload_again(serving: Serve) -> None:
    chance = random.Random(7)
    with FlakyNetwork(0, lambda: None, slow=True) as network:
        running = serving(told_port=network.port, chunk_bytes=SMALL_CHUNK)
        network.to = running.port
        _, large = bundles_of(running)
        command = [sys.executable, "-m", "dedup", "send", large, "--credentials", running.credentials, "--json"]
        for _ in range(3):
            killed = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            network.wait_for(killed, chance.randint(1, 600_000))
            killed.kill()
            killed.communicate()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bundles"][0]["state"] == "accepted"
    assert not network.wasted(large, killed=3)  # it went on, and did not begin anew each time
    assert_accepted_once(running, large)


def test_two_senders_of_one_bundle_come_to_one_submission(shared: Serving) -> None:
    bundle = new_bundle(shared, "both")
    outcomes: list[Outcome] = []
    both = [
        threading.Thread(target=lambda seed=seed: outcomes.extend(delivered(shared, bundle, seed=seed)))
        for seed in (1, 2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert [outcome.state for outcome in outcomes] == [State.ACCEPTED, State.ACCEPTED]
    assert_accepted_once(shared, bundle)


def test_keys_that_another_receipt_key_signs_are_refused_before_anything_is_sent(shared: Serving) -> None:
    bundle = new_bundle(shared, "unsent")
    before = accepted(shared)

    with other_receipt_key(shared), pytest.raises(DedupError) as error:
        delivered(shared, bundle)

    assert error.value.code == "send.keys-wrong"
    assert accepted(shared) == before
    assert not any((shared.server / "store").rglob("*.part"))


def test_a_receipt_that_another_key_signs_is_refused_and_not_kept(shared: Serving) -> None:
    bundle = new_bundle(shared, "receipt")
    with client(shared) as server:
        server.connect()
        with other_receipt_key(shared), pytest.raises(DedupError) as error:
            send_bundle(look_at(bundle, server.credentials), server)

    assert error.value.code == "send.receipt-wrong"
    assert not receipt_path(bundle, None).exists()


def test_a_bundle_that_is_sealed_to_another_key_is_not_sent(shared: Serving) -> None:
    other = SealingPrivateKey.generate().public()
    mine = shared.vendor / "server.pub"
    kept = mine.rename(mine.with_suffix(".kept"))
    write_key(mine, other, created=datetime.now(UTC))
    bundle = new_bundle(shared, "sealed")
    kept.replace(mine)

    [outcome] = delivered(shared, bundle)

    assert (outcome.state, outcome.faults[0].code) == (State.FAILED, "send.sealed-to-another")


def test_a_bundle_that_the_server_refuses_stops_no_other(shared: Serving) -> None:
    """The server's clock and ours agree, so only its rules can refuse: this snapshot is older than one that counts."""
    older, newer = new_bundle(shared, "older"), new_bundle(shared, "newer")
    outcomes = delivered(shared, newer, older)

    assert [(outcome.state, [fault.code for fault in outcome.faults]) for outcome in outcomes] == [
        (State.ACCEPTED, []),
        (State.REFUSED, ["intake.stale"]),
    ]


def test_a_server_that_is_read_only_is_waited_for_as_long_as_it_asks(shared: Serving) -> None:
    bundle, now = new_bundle(shared, "waiting"), datetime.now(UTC)
    waits: list[float] = []

    with closing(Registry(registry_url(shared.sandbox.installation.settings))) as registry, client(shared) as server:

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                clear_switch(registry, Switch.READ_ONLY, "", reason="done", by="operator", at=now)

        server.patience.sleep = wait
        set_switch(registry, SetSwitch(Switch.READ_ONLY, "", "a test", "operator", now))
        [outcome] = deliver([bundle], server.credentials, server)

    assert outcome.state is State.ACCEPTED
    assert len(waits) == 3
    assert min(waits) >= 60


def new_bundle(serving: Serving, name: str) -> Path:
    """A bundle of the small provider that the server has not seen, newer than all before."""
    return encode(serving.sandbox, serving.sandbox.providers[0], serving.vendor / f"{name}.bundle")


@contextmanager
def other_receipt_key(serving: Serving) -> Iterator[None]:
    """Do what somebody does who took over the server, but for its receipt key."""
    keys, other = serving.server / "keys", ReceiptSigningKey.generate()
    files = {keys / "receipts.key": other, keys / "receipts.pub": other.public()}
    for path, key in files.items():
        path.rename(path.with_suffix(f"{path.suffix}.kept"))
        write_key(path, key, created=datetime.now(UTC))
    try:
        yield
    finally:
        for path in files:
            path.with_suffix(f"{path.suffix}.kept").replace(path)
