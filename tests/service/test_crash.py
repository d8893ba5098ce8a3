"""A server that is killed at any point of an upload: no receipt without bytes, nothing lost, nothing counted twice."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.service.forge import Forge
from tests.service.uploading import PROVIDERS, Vendor, settle

from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptVerifyingKey, SealingPublicKey, SigningKey
from dedup.intake.receipts import verified_receipt
from dedup.store.audit import AuditHead
from dedup.store.bundles import open_bundle_store
from dedup.store.failpoints import UPLOAD_FAILPOINTS
from dedup.store.tables import SubmissionRow, UploadRow, UploadState
from dedup.store.uploads import Declaration

CHUNK = 1 << 16
PASSING = {429, 500, 502, 503, 504}
# Where an upload that goes well passes; a refusal, an abort and an expiry have their own tests below.
ON_THE_WAY = [
    *(name for name in UPLOAD_FAILPOINTS if name not in {"upload.aborted", "upload.expired", "intake.refused"}),
    "intake.moved",
    "intake.committed",
]


@pytest.fixture
def acme(forge: Forge) -> Iterator[Vendor]:
    now, key = datetime.now(UTC).replace(microsecond=0), SigningKey.generate()
    settle(forge.home, {"acme": key}, now)
    sealed_to = read_key(forge.home / "keys" / "sealing.pub", SealingPublicKey).key_id
    with httpx.Client(base_url=f"http://127.0.0.1:{forge.port}", timeout=20) as http:
        yield Vendor("acme", key, http, sealed_to, now, now.date())


def until_answered(call: Callable[[], httpx.Response], revive: Callable[[], None]) -> httpx.Response:
    """Call as section 6 of the protocol says: again after a broken connection or a passing refusal."""
    while True:
        try:
            answer = call()
        except httpx.TransportError:
            revive()
            continue
        if answer.status_code not in PASSING:
            return answer
        time.sleep(0.05)


def send(vendor: Vendor, data: bytes, declared: Declaration, revive: Callable[[], None]) -> dict[str, Any]:
    """Bring a bundle to the server whatever happens to that, and return what it promised."""
    path = vendor.path(declared)
    created = until_answered(lambda: vendor.create(declared), revive)
    assert created.status_code in {200, 201}, created.text
    while True:
        asked = until_answered(lambda: vendor.call("HEAD", path), revive)
        offset = int(asked.headers["Upload-Offset"])
        if asked.headers["Upload-State"] != "open" or offset == len(data):
            break
        answer = until_answered(lambda at=offset: vendor.append(declared, at, data[at : at + CHUNK]), revive)
        assert answer.status_code in {204, 409}, answer.text
    done = until_answered(lambda: vendor.complete(declared), revive)
    assert done.status_code == 200, done.text
    return dict(done.json())


def check_store(home: Path, sent: dict[str, bytes], receipts: list[str]) -> None:
    """Every bundle that was sent is there once and whole, every receipt is kept, and nothing is left over."""
    key = read_key(home / "keys" / "receipts.pub", ReceiptVerifyingKey)
    store = open_bundle_store(home / "store", f"sqlite:///{home}/store/registry.sqlite")
    with store.registry.read() as session:
        rows = session.scalars(select(SubmissionRow)).all()
        assert sorted(row.id for row in rows) == sorted(sent)
        assert all(row.file_sha256 == hashlib.sha256(sent[row.id]).hexdigest() for row in rows)
        assert not session.scalars(select(UploadRow).where(UploadRow.state == UploadState.OPEN)).all()
    for data in sent.values():
        assert store.bundle_path(hashlib.sha256(data).hexdigest()).read_bytes() == data
    assert {path.name for path in store.submissions.iterdir() if path.suffix == ".bundle"} == {
        f"{hashlib.sha256(data).hexdigest()}.bundle" for data in sent.values()
    }
    for token in receipts:
        says = verified_receipt(token, key)
        assert hashlib.sha256(sent[says["submission_id"]]).hexdigest() == says["file_sha256"]
        store.registry.verify_audit(AuditHead(says["audit_number"], says["audit_hash"]))
    store.close()


@pytest.mark.parametrize("failpoint", ON_THE_WAY)
def test_killed_at_a_named_point_the_client_goes_on_and_the_bundle_counts_once(
    forge: Forge, acme: Vendor, failpoint: str
) -> None:
    deaths = []

    def revive() -> None:
        deaths.append(forge.ended())
        forge.start()

    data, declared = acme.bundle(os.urandom(100_000))
    forge.start(failpoint)
    promised = send(acme, data, declared, revive)
    assert deaths == [-signal.SIGKILL]
    forge.kill()
    check_store(forge.home, {declared.submission_id: data}, [promised["receipt"]])


@pytest.mark.parametrize("failpoint", ["upload.aborted", "upload.expired", "intake.refused"])
def test_killed_while_something_is_dropped_the_next_server_drops_it(forge: Forge, acme: Vendor, failpoint: str) -> None:
    data, declared = acme.bundle(os.urandom(1000))
    altered = data[:-1] + b"?"
    forge.start("-" if failpoint == "upload.expired" else failpoint)
    acme.create(declared)
    acme.append(declared, 0, altered)
    if failpoint == "upload.expired":
        forge.kill()
        forge.begin(failpoint)  # its clock is two days ahead, and it sweeps as it starts
    elif failpoint == "upload.aborted":
        with pytest.raises(httpx.TransportError):
            acme.call("DELETE", acme.path(declared))
    else:
        with pytest.raises(httpx.TransportError):
            acme.complete(declared)
    assert forge.ended() == -signal.SIGKILL
    assert len(list((forge.home / "store" / "uploads").iterdir())) == 1
    forge.start()
    while list((forge.home / "store" / "uploads").iterdir()):
        time.sleep(0.02)
    state = acme.call("GET", acme.path(declared)).json()["state"]
    assert state == {"upload.aborted": "aborted", "upload.expired": "expired", "intake.refused": "rejected"}[failpoint]
    forge.kill()
    check_store(forge.home, {}, [])


def kill_at_random(forge: Forge, acme: Vendor, *, kills: int, senders: int, seed: int) -> None:
    """Kill the server so many times while vendors send without end; then hold the store against what was promised."""
    chance, forged = random.Random(seed), threading.Event()
    sent: dict[str, bytes] = {}
    promised: list[str] = []
    faults: list[BaseException] = []

    def sending(provider: str) -> None:
        try:
            with httpx.Client(base_url=acme.http.base_url, timeout=20) as http:
                vendor = replace(acme, http=http, tokens=dict(acme.tokens))
                for number in itertools.count():
                    if forged.is_set():
                        break
                    submission_id = f"{number:08x}{provider:0>24}"  # each is newer than the one before it
                    body = os.urandom(chance.randrange(1, 300_000))
                    data, declared = vendor.bundle(body, provider=provider, submission_id=submission_id)
                    sent[declared.submission_id] = data
                    promised.append(send(vendor, data, declared, lambda: time.sleep(0.05))["receipt"])
        except BaseException as fault:
            faults.append(fault)
            raise

    forge.start()
    acme.token()
    threads = [threading.Thread(target=sending, args=(provider,)) for provider in PROVIDERS[:senders]]
    for thread in threads:
        thread.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.0, 0.5))
        forge.kill()
        forge.start()
    forged.set()
    for thread in threads:
        thread.join()
    assert faults == []
    forge.kill()
    assert len(promised) == len(sent)
    assert len(sent) >= senders
    check_store(forge.home, sent, promised)


def test_killed_at_any_moment_nothing_that_was_promised_is_lost(forge: Forge, acme: Vendor) -> None:
    kill_at_random(forge, acme, kills=3, senders=2, seed=1)


@pytest.mark.trial
@pytest.mark.timeout(1800)
def test_killed_200_times_nothing_that_was_promised_is_lost(forge: Forge, acme: Vendor) -> None:
    kill_at_random(forge, acme, kills=200, senders=4, seed=2)
