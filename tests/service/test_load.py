"""Many vendors at once, and files of any size: no call fails, and the server's memory does not grow with either."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.service.forge import Forge
from tests.service.uploading import CHUNK, MODEL, PROVIDERS, Vendor, settle

from dedup.bundle.container import SEALED_MAGIC
from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import SealingPublicKey, SigningKey
from dedup.bundle.manifest import BundleHeader, Sealing, manifest_json, manifest_of
from dedup.bundle.sealing import SEALED_KEY_BYTES
from dedup.bundle.signing import sign

CHUNK_BYTES = 8 << 20
MOST_MEMORY = 300 << 20


@dataclass(frozen=True)
class Outcome:
    """What the server needed: its highest resident memory and its processor time, and what the client saw."""

    peak_bytes: int
    processor_seconds: float
    wall_seconds: float
    bytes: int
    statuses: dict[int, int]


class Body:
    """The bytes of a bundle of any size, from one mebibyte that is sent over and over."""

    def __init__(self, vendor: Vendor, number: int, size: int) -> None:
        self.piece = os.urandom(1 << 20)
        digest, left = hashlib.sha256(), size
        while left:
            digest.update(self.piece[: min(left, 1 << 20)])
            left -= min(left, 1 << 20)
        provider = PROVIDERS[int(vendor.code.rpartition("-")[2])]
        self.submission_id = hashlib.sha256(f"{vendor.code} {number}".encode()).hexdigest()[:32]
        created_at = vendor.now + timedelta(seconds=number)
        header = BundleHeader(self.submission_id, vendor.code, provider, vendor.day, created_at, "e")
        sealing = Sealing(vendor.sealed_to, bytes(SEALED_KEY_BYTES))
        manifest = manifest_of(header, MODEL, body_bytes=size, body_sha256=digest.hexdigest(), sealing=sealing)
        statement = sign(manifest_json(manifest), vendor.key, kind="dedup-bundle").encode()
        self.head = SEALED_MAGIC + len(statement).to_bytes(4, "big") + statement
        self.size = len(self.head) + size
        whole = hashlib.sha256()
        for offset in range(0, self.size, CHUNK_BYTES):
            whole.update(self.chunk(offset))
        self.sha256 = whole.digest()
        self.declared = {
            "submission_id": self.submission_id,
            "provider": provider,
            "snapshot_date": vendor.day.isoformat(),
            "bytes": self.size,
            "sha256": self.sha256.hex(),
        }

    def chunk(self, offset: int) -> bytes:
        end = min(offset + CHUNK_BYTES, self.size)
        head = self.head[offset:end]
        start = max(offset - len(self.head), 0)
        wanted = end - offset - len(head)
        phase = start % (1 << 20)
        return head + (self.piece * (wanted // (1 << 20) + 2))[phase : phase + wanted]


def field(sha256: bytes) -> str:
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


async def send(http: httpx.AsyncClient, token: str, body: Body, statuses: dict[int, int]) -> None:
    bearer, path = {"Authorization": f"Bearer {token}"}, f"/v1/submissions/{body.submission_id}"

    async def call(method: str, at: str, headers: dict[str, str], **more: object) -> httpx.Response:
        answer = await http.request(method, at, headers=bearer | headers, **more)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        return answer

    await call("POST", "/v1/submissions", {"Idempotency-Key": body.sha256.hex()}, json=body.declared)
    for offset in range(0, body.size, CHUNK_BYTES):
        data = body.chunk(offset)
        told = {
            "Content-Type": CHUNK,
            "Upload-Offset": str(offset),
            "Content-Digest": field(hashlib.sha256(data).digest()),
        }
        await call("PATCH", path, told, content=data)
    done = await call("POST", f"{path}/complete", {"Repr-Digest": field(body.sha256)})
    assert done.status_code == 200, done.text


async def send_all(vendors: list[Vendor], uploads: int, size: int) -> dict[int, int]:
    statuses: dict[int, int] = {}

    async def one_vendor(vendor: Vendor) -> None:
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(base_url=vendor.http.base_url, timeout=600, limits=limits) as http:
            for number in range(uploads):
                body = await asyncio.to_thread(Body, vendor, number, size)
                await send(http, vendor.token(), body, statuses)

    await asyncio.gather(*map(one_vendor, vendors))
    return statuses


def measured(forge: Forge, *, vendors: int, uploads: int, size: int) -> Outcome:
    now = datetime.now(UTC).replace(microsecond=0)
    keys = {f"vendor-{number}": SigningKey.generate() for number in range(vendors)}
    settle(forge.home, keys, now)
    sealed_to = read_key(forge.home / "keys" / "sealing.pub", SealingPublicKey).key_id
    forge.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{forge.port}", timeout=60) as http:
        senders = [Vendor(code, key, http, sealed_to, now, now.date()) for code, key in keys.items()]
        for sender in senders:
            sender.token()
        began = time.monotonic()
        statuses = asyncio.run(send_all(senders, uploads, size))
        took = time.monotonic() - began
    peak, seconds = of_process(forge.pid)
    forge.kill()
    return Outcome(peak, seconds, took, vendors * uploads * size, statuses)


def of_process(pid: int) -> tuple[int, float]:
    """Return a process's highest resident memory in bytes and its processor time in seconds."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM"))
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return peak, (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


def check(outcome: Outcome) -> None:
    assert set(outcome.statuses) <= {200, 201, 204}
    assert outcome.peak_bytes < MOST_MEMORY


def test_vendors_at_once(forge: Forge) -> None:
    check(measured(forge, vendors=4, uploads=2, size=10 << 20))


@pytest.mark.trial
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("vendors", "uploads", "size"), [(50, 20, 50 << 20), (1, 1, 2040 << 20)])
def test_fifty_vendors_at_once_and_one_large_file(
    forge: Forge,
    capsys: pytest.CaptureFixture[str],
    vendors: int,
    uploads: int,
    size: int,
) -> None:
    outcome = measured(forge, vendors=vendors, uploads=uploads, size=size)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{outcome.bytes / (1 << 30):.2f} GiB in {outcome.wall_seconds:.1f} s; the server: "
            f"{outcome.processor_seconds:.1f} s of processor, {outcome.peak_bytes / 1e6:.0f} MB at most; "
            f"answers {dict(sorted(outcome.statuses.items()))}\n"
        )
    check(outcome)
