"""A disk that fails or is full at any single call, and a database that restarts: clear errors, and nothing is lost.

The server is a process of its own whose calls of the C library go through `faults/faulty_io.c`; SQLite's do as well.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from tests.conftest import Cluster
from tests.service.uploading import ROOT, Vendor, free_port, service_at, settle

from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptVerifyingKey, SealingPublicKey, SigningKey
from dedup.intake.expiry import sweep_uploads
from dedup.intake.receipts import verified_receipt
from dedup.store.registry import Registry
from dedup.store.tables import SubmissionRow

SHIM = Path(__file__).parent / "faults" / "faulty_io.c"
CONTROL = struct.Struct("=qqqqq")
# What a vendor may be told when the disk fails; `service.bug` is none of it.
TOLD = {"service.storage", "service.keys-unreadable", "store.unavailable", "upload.no-room"}
# One call of the client or the server in 17 is looked at in CI, every one of them in `make trials`.
STRIDE = 17


@dataclass
class Disk:
    """The disk under the server's store, which fails when it is told to."""

    control: mmap.mmap

    def fail(self, after: int, number: int, *, lasting: bool) -> None:
        reading = number == errno.EIO
        self.control[:] = CONTROL.pack(-1, number, reading, lasting, 0)
        self.control[:8] = struct.pack("=q", after)

    def mend(self) -> bool:
        """Let nothing fail any more; tell whether anything did."""
        failed = CONTROL.unpack(self.control[:])[4]
        self.control[:] = CONTROL.pack(-1, 0, 0, 0, 0)
        return bool(failed)


@dataclass
class Server:
    """A server in a process of its own, the vendor that talks to it, and its disk."""

    home: Path
    vendor: Vendor
    disk: Disk
    url: str

    def check(self, accepted: dict[str, bytes]) -> None:
        """Everything that has a receipt is there once, whole; nothing else is; the audit log is unbroken."""
        registry = Registry(self.url or f"sqlite:///{self.home}/store/registry.sqlite")
        registry.verify_audit()
        with registry.read() as session:
            rows = {row.id: row.file_sha256 for row in session.scalars(select(SubmissionRow))}
        registry.close()
        assert rows == {name: sha256(data).hexdigest() for name, data in accepted.items()}
        for digest in rows.values():
            kept = self.home / "store" / "submissions" / f"{digest}.bundle"
            assert sha256(kept.read_bytes()).hexdigest() == digest

    def sweep(self) -> None:
        """Sweep as the server does now and then: what could not be removed when it should have been goes now."""
        service = service_at(self.home, 1, lambda: datetime.now(UTC))
        sweep_uploads(service.store, now=service.clock(), upload_seconds=service.intake_limits.upload_seconds)
        service.store.close()


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, compiled; left out, except in CI, where there is no compiler."""
    if not shutil.which("cc") and not os.environ.get("CI"):
        pytest.skip("no C compiler is installed")
    built = tmp_path_factory.mktemp("shim") / "faulty_io.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(built), str(SHIM)], check=True)
    return built


@pytest.fixture
def server(tmp_path: Path, shim: Path) -> Iterator[Server]:
    with serving(tmp_path, shim) as started:
        yield started


@contextmanager
def serving(folder: Path, shim: Path, url: str = "") -> Iterator[Server]:
    now, home, port, key = datetime.now(UTC), folder / "server", free_port(), SigningKey.generate()
    settle(home, {"acme": key}, now)
    shutil.copytree(ROOT / "config", folder / "config")
    settings = folder / "config" / "settings.toml"
    own = f'[service]\nissuer = "http://127.0.0.1:{port}"\nmetrics_port = 0\nkeep_free_bytes = 0\n'
    kept = settings.read_text().split("[service]")[0]
    settings.write_text(kept.replace("[store]\n", f'[store]\nurl = "{url}"\n' if url else "[store]\n") + own)
    control = folder / "control"
    control.write_bytes(CONTROL.pack(-1, 0, 0, 0, 0))
    log = folder / "log"
    surroundings = os.environ | {"LD_PRELOAD": str(shim), "FAULTY_CONTROL": str(control), "FAULTY_UNDER": str(home)}
    command = [sys.executable, "-m", "dedup", "serve", "--config", str(folder / "config"), "--port", str(port)]
    with control.open("r+b") as file, log.open("wb") as out, httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        process = subprocess.Popen(command, env=surroundings, stdout=out, stderr=out)
        try:
            wait_for(http, process, log)
            sealed_to = read_key(home / "keys" / "sealing.pub", SealingPublicKey).key_id
            vendor = Vendor("acme", key, http, sealed_to, now, now.date())
            vendor.token()
            yield Server(home, vendor, Disk(mmap.mmap(file.fileno(), CONTROL.size)), url)
        finally:
            process.kill()
            process.wait()


def wait_for(http: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        with suppress(httpx.TransportError):
            if http.get("/healthz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def upload_until_refused(vendor: Vendor, data: bytes, declared) -> httpx.Response:
    """Create, append and complete; return the last answer, which is the first one that is a refusal."""
    answer = vendor.create(declared)
    if answer.is_success:
        offset = int(answer.headers["Upload-Offset"])
        half = len(data) // 2
        for begin, end in ((0, half), (half, len(data))):
            if offset <= begin and answer.is_success:
                answer = vendor.append(declared, begin, data[begin:end])
    return vendor.complete(declared) if answer.is_success else answer


@pytest.mark.parametrize(("number", "lasting"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_no_failing_call_loses_or_doubles_anything(server: Server, number: int, lasting: bool, stride: int) -> None:
    """The n-th call fails, for n from 0 until an upload needs no more of them; after each the same upload goes on."""
    accepted: dict[str, bytes] = {}
    after, went_through = 0, False
    while not went_through:
        made = server.vendor.now + timedelta(seconds=len(accepted) - 7200)
        data, declared = server.vendor.bundle(os.urandom(2_000), created_at=made)
        server.disk.fail(after, number, lasting=lasting)
        answer = upload_until_refused(server.vendor, data, declared)
        failed = server.disk.mend()
        where = f"call {after}: {answer.status_code} {answer.text}"
        assert answer.is_success or answer.json()["code"] in TOLD, where
        went_through = answer.is_success and not failed
        if not answer.is_success:
            answer = upload_until_refused(server.vendor, data, declared)
            assert answer.status_code == 200, f"{where}; then {answer.status_code} {answer.text}"
        assert verified(server, answer)["file_sha256"] == sha256(data).hexdigest()
        accepted[declared.submission_id] = data
        after += stride
    assert after > stride, "no call was counted: the library is not loaded"
    server.check(accepted)
    server.sweep()
    assert list((server.home / "store" / "uploads").iterdir()) == []


def test_a_database_that_restarts_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, shim: Path, cluster: Cluster, postgresql_url: str
) -> None:
    """PostgreSQL is killed and started again while one upload follows another; every refusal says to try again."""
    accepted: dict[str, bytes] = {}
    with serving(tmp_path, shim, postgresql_url) as server:
        sending = threading.Thread(target=send_many, args=(server, accepted, 30))
        sending.start()
        for count in (3, 9, 15, 21):
            while sending.is_alive() and len(accepted) < count:
                time.sleep(0.001)
            cluster.restart()
        sending.join()
        assert len(accepted) == 30
        server.check(accepted)


def send_many(server: Server, accepted: dict[str, bytes], count: int) -> None:
    """Send one bundle after another, each again until it is accepted."""
    for number in range(count):
        made = server.vendor.now + timedelta(seconds=number - 7200)
        data, declared = server.vendor.bundle(os.urandom(2_000), created_at=made)
        answer = upload_until_refused(server.vendor, data, declared)
        while not answer.is_success:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            answer = upload_until_refused(server.vendor, data, declared)
        accepted[declared.submission_id] = data


def verified(server: Server, answer: httpx.Response) -> dict[str, object]:
    return verified_receipt(
        answer.json()["receipt"], read_key(server.home / "keys" / "receipts.pub", ReceiptVerifyingKey)
    )


@pytest.fixture(params=[pytest.param(1, marks=pytest.mark.trial), STRIDE], ids=["every-call", "one-in-17"])
def stride(request: pytest.FixtureRequest) -> int:
    return int(request.param)
