"""How fast many vendors upload at once, what the service takes for it, and how far that is from what the machine can.

The server is `dedup serve` in a process of its own, the network is loopback, and the clients are the product's, one
thread a vendor. Bundles are signed and whole but hold random bytes: the service opens nothing, so it cannot tell.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import secrets
import shutil
import socket
import subprocess  # nosec B404 # runs this very program, without a shell
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from dedup.bundle.container import HEAD, MANIFEST_KIND, SEALED_MAGIC
from dedup.bundle.keyfiles import ReceiptVerifyingKey, SealingPublicKey, VerifyingKey, read_key
from dedup.bundle.manifest import BundleHeader, Sealing, manifest_json, manifest_of
from dedup.bundle.sealing import SEALED_KEY_BYTES
from dedup.bundle.serverkeys import VENDORS_FOLDER, make_server_keys
from dedup.bundle.signing import sign
from dedup.bundle.vendorkeys import make_vendor_keys
from dedup.bundle.vendors import register_vendor
from dedup.lab.bench.limits import machine_limits
from dedup.lab.bench.process import BenchError, machine
from dedup.lab.sandbox import HERE, serve_apart
from dedup.model.load import load_model
from dedup.send.bundlefile import BundleFile
from dedup.send.credentials import Credentials, read_credentials, write_credentials
from dedup.send.patience import Patience
from dedup.send.server import TIMEOUT, UploadServer
from dedup.send.upload import send_bundle
from dedup.settings import load_settings

_FIRST_AGB = 41_000_000
_FSYNC_EVERY = 8 << 20
_DIGESTS = 3  # of a chunk, of the whole file, and of the body that the manifest names
_PATIENCE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Load:
    """How many vendors upload at once, how many bundles each, one after another, and how large they are."""

    vendors: int
    uploads: int
    body_bytes: int


@dataclass(slots=True)
class _Scene:
    """An installation that is served, and what all vendors share; answers are counted by HTTP status."""

    folder: Path
    url: str
    load: Load
    keep: bool
    body_sha256: str = ""
    answers: Counter[int] = field(default_factory=Counter)
    retries: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def keys(self) -> Path:
        return self.folder / "server" / "keys"

    @property
    def body(self) -> Path:
        return self.folder / "body"


def bench_upload(
    folder: Path, load: Load, *, config: Path, now: datetime, keep: bool, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Let all vendors upload to a server in `folder` (new or empty), and measure the service.

    Without `keep` a stored bundle is removed when its receipt has come, so that the disk holds one for each vendor.
    Raises `BenchError` (`bench.failed`) when the server does not start, and what the client raises.
    """
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    scene = _Scene(folder, f"http://127.0.0.1:{port}", load, keep)
    tell(f"Making keys of {load.vendors} vendors and a body of {load.body_bytes >> 20} MiB.")
    vendors = _build(scene, config, now)
    limits = {**machine_limits(), "durable_write": _write_rate(folder, load.body_bytes)}
    with _served(scene, port) as process:
        tell(f"{load.vendors} vendors upload {load.uploads} bundles each.")
        begun, client_cpu, server_cpu = time.perf_counter(), time.process_time(), _cpu_seconds(process)
        with ThreadPoolExecutor(load.vendors) as pool:
            for done in [pool.submit(_upload_all, scene, vendor, number) for number, vendor in enumerate(vendors)]:
                done.result()
        seconds = time.perf_counter() - begun
        figures = {
            "seconds": round(seconds, 2),
            "cpu_seconds": round(_cpu_seconds(process) - server_cpu, 2),
            "client_cpu_seconds": round(time.process_time() - client_cpu, 2),
            "peak_rss_bytes": _peak_rss(process),
        }
    return _result(scene, figures, limits)


def _result(scene: _Scene, figures: dict[str, Any], limits: dict[str, float]) -> dict[str, Any]:
    uploads = scene.load.vendors * scene.load.uploads
    total = uploads * scene.load.body_bytes
    least = total * (1 / limits["durable_write"] + _DIGESTS / limits["sha256"])
    return {
        "records": uploads,
        "ours": {
            **figures,
            "uploads_per_second": round(uploads / figures["seconds"], 2),
            "bytes_per_second": round(total / figures["seconds"]),
            "share_of_limit": round(least / figures["seconds"], 3),
            "cpu_share_of_digests": round(total * _DIGESTS / limits["sha256"] / figures["cpu_seconds"], 3),
            "answers": {str(status): count for status, count in sorted(scene.answers.items())},
            "answers_5xx": sum(count for status, count in scene.answers.items() if status >= 500),
            "broken_connections": scene.retries,
        },
        "limits": {name: round(rate) for name, rate in limits.items()},
        "peers": {},
        "machine": machine(),
    }


def _build(scene: _Scene, config: Path, now: datetime) -> list[Credentials]:
    """Make the installation, register every vendor for providers of its own, and write the body that all send."""
    shutil.copytree(config, scene.folder / "config")
    serve_apart(scene.folder / "config" / "settings.toml", issuer=scene.url, metrics_port=0)
    make_server_keys(scene.keys, created=now)
    digest = hashlib.sha256()
    with scene.body.open("wb") as file:
        left = scene.load.body_bytes
        while left:
            part = os.urandom(min(left, 1 << 20))
            file.write(part)
            digest.update(part)
            left -= len(part)
    scene.body_sha256 = digest.hexdigest()
    return [_register(scene, number, now) for number in range(scene.load.vendors)]


def _register(scene: _Scene, number: int, now: datetime) -> Credentials:
    vendor, keys = f"vendor-{number}", scene.folder / "vendors" / str(number)
    make_vendor_keys(keys, created=now)
    register_vendor(
        scene.keys / VENDORS_FOLDER,
        vendor=vendor,
        key=read_key(keys / "signing.pub", VerifyingKey),
        providers=[_agb(scene.load, number, upload) for upload in range(scene.load.uploads)],
        created=now,
    )
    write_credentials(
        keys / "credentials.json",
        url=scene.url,
        vendor=vendor,
        signing_key=keys / "signing.key",
        receipt_keys=[read_key(scene.keys / "receipts.pub", ReceiptVerifyingKey)],
        created=now,
    )
    return read_credentials(keys / "credentials.json")


def _upload_all(scene: _Scene, credentials: Credentials, number: int) -> None:
    """Do what one vendor's client does: one bundle after another, each to its verified receipt."""
    patience = Patience(_PATIENCE_SECONDS, time.monotonic, time.sleep, random.SystemRandom().random, _counted(scene))

    def count(response: httpx.Response) -> None:
        with scene.lock:
            scene.answers[response.status_code] += 1

    with httpx.Client(timeout=TIMEOUT, event_hooks={"response": [count]}) as http:
        server = UploadServer(http, credentials, patience, lambda: datetime.now(UTC), secrets.token_bytes)
        server.connect()
        for upload in range(scene.load.uploads):
            bundle = _bundle(scene, credentials, number, upload)
            send_bundle(bundle, server)
            bundle.path.unlink()
            if not scene.keep:
                _stored(scene, bundle).unlink()


def _counted(scene: _Scene) -> Callable[[str], None]:
    """Return what counts how often a client began to wait, as the network broke or the server asked for it."""

    def told(_sentence: str) -> None:
        with scene.lock:
            scene.retries += 1

    return told


def _bundle(scene: _Scene, credentials: Credentials, number: int, upload: int) -> BundleFile:
    """Write a signed bundle of the shared body, sealed to the server's key as far as anybody can tell from outside."""
    now = datetime.now(UTC)
    sealing = read_key(scene.keys / "sealing.pub", SealingPublicKey)
    header = BundleHeader(
        secrets.token_hex(16),
        credentials.vendor,
        _agb(scene.load, number, upload),
        now.astimezone(HERE).date(),
        now,
        "0" * 32,
    )
    manifest = manifest_of(
        header,
        load_model(load_settings(scene.folder / "config").model_path),
        body_bytes=scene.load.body_bytes,
        body_sha256=scene.body_sha256,
        sealing=Sealing(sealing.key_id, secrets.token_bytes(SEALED_KEY_BYTES)),
    )
    statement = sign(manifest_json(manifest), credentials.signing_key, kind=MANIFEST_KIND).encode("ascii")
    path = scene.folder / "vendors" / str(number) / f"{upload}.bundle"
    with path.open("wb") as file, scene.body.open("rb") as body:
        file.write(HEAD.pack(SEALED_MAGIC, len(statement)) + statement)
        shutil.copyfileobj(body, file, 1 << 20)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BundleFile(path, manifest, digest, path.stat().st_size)


def _stored(scene: _Scene, bundle: BundleFile) -> Path:
    [path] = (scene.folder / "server" / "store").rglob(f"{bundle.sha256}*")
    return path


def _agb(load: Load, number: int, upload: int) -> str:
    return str(_FIRST_AGB + number * load.uploads + upload)


@contextlib.contextmanager
def _served(scene: _Scene, port: int) -> Iterator[int]:
    """Serve the installation in a process of its own; gives its id."""
    command = [sys.executable, "-m", "dedup", "serve", "--config", str(scene.folder / "config"), "--port", str(port)]
    with (scene.folder / "log").open("wb") as log:
        serving = subprocess.Popen(command, stdout=log, stderr=log)  # nosec B603 # the arguments are ours
    try:
        for _ in range(600):
            if serving.poll() is not None:
                raise BenchError("bench.failed", "`dedup serve` did not start.")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{scene.url}/v1/keys").status_code == 200:
                    break
            time.sleep(0.1)
        else:
            raise BenchError("bench.failed", "`dedup serve` did not answer within a minute.")
        yield serving.pid
    finally:
        serving.terminate()
        serving.wait()


def _write_rate(folder: Path, size: int) -> float:
    """Return bytes per second that this disk takes, made durable every 8 MiB as chunks are."""
    data, path = os.urandom(_FSYNC_EVERY), folder / "written"
    turns = max(1, min(size, 256 << 20) // _FSYNC_EVERY)
    begun = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(turns):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    seconds = time.perf_counter() - begun
    path.unlink()
    return turns * _FSYNC_EVERY / seconds


def _cpu_seconds(process: int) -> float:
    """Return a process's processor time so far, from /proc (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_rss(process: int) -> int:
    """Return the most memory that a process ever had resident, in bytes, from /proc."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024
