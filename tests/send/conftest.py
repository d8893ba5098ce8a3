"""A real server of its own process, bundles for it, and a real network that breaks."""

from __future__ import annotations

import contextlib
import random
import secrets
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from dedup.encode.job import Encoded, EncodeOptions, Work, encode_together, open_encoder
from dedup.lab.sandbox import HERE, VENDOR, Sandbox, open_sandbox, serve_apart
from dedup.lab.simulate import SimulationSettings, generate
from dedup.lab.simulate.files import write_extracts

ROOT = Path(__file__).parents[2]
SMALL_CHUNK = 64 << 10
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"]  # a run of tests that is killed leaves no server behind


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@dataclass
class Serving:
    """`dedup serve` on a sandbox, which may be killed and started again on the same port."""

    sandbox: Sandbox
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> Path:
        return self.sandbox.installation.settings.server_home

    @property
    def vendor(self) -> Path:
        return self.sandbox.vendor_folder

    @property
    def credentials(self) -> Path:
        return self.vendor / "credentials.json"

    def start(self) -> None:
        serve = [sys.executable, "-m", "dedup", "serve", "--config", self.sandbox.installation.folder / "config"]
        with (self.sandbox.installation.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*DIES_WITH_US, *serve, "--port", str(self.port)], stdout=log, stderr=log)
        for _ in range(600):
            assert self.process.poll() is None, (self.sandbox.installation.folder / "log").read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self.port}/v1/keys").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("the server does not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class FlakyNetwork:
    """A TCP proxy that resets each connection after a number of bytes that `draw` gives; None lets it live."""

    to: int
    draw: Callable[[], int | None]
    slow: bool = False
    cuts: int = 0
    carried: int = 0
    port: int = 0
    _listening: socket.socket = field(default_factory=socket.socket)

    def __enter__(self) -> FlakyNetwork:
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(50)
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def wait_for(self, sender: subprocess.Popen[bytes] | threading.Thread, more: int) -> None:
        """Wait until so many bytes more went through, or their sender has ended."""
        until = self.carried + more
        while self.carried < until:
            if not (sender.is_alive() if isinstance(sender, threading.Thread) else sender.poll() is None):
                return
            time.sleep(0.005)

    def wasted(self, bundle: Path, killed: int) -> bool:
        """Return whether more went through than the bundle, a chunk of `SMALL_CHUNK` for each kill, and talk."""
        return self.carried > bundle.stat().st_size + (killed + 1) * SMALL_CHUNK

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near, self.draw()), daemon=True).start()

    def _carry(self, near: socket.socket, budget: int | None) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.to)) as far:
            while True:
                for one in select.select([near, far], [], [])[0]:
                    data = one.recv(65_536 if budget is None else max(1, min(65_536, budget)))
                    if not data:
                        return
                    (far if one is near else near).sendall(data)
                    self.carried += len(data)
                    if self.slow:
                        time.sleep(0.005)
                    if budget is not None:
                        budget -= len(data)
                        if budget <= 0:
                            self.cuts += 1
                            for end in (near, far):  # a reset, as of a line that breaks, and no orderly end
                                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                            return


@pytest.fixture
def flaky() -> Callable[[int, int], FlakyNetwork]:
    """Return a function that makes a network to a port, each of whose connections breaks after up to 150 kB, seeded."""

    def network(to: int, seed: int) -> FlakyNetwork:
        chance = random.Random(seed)
        return FlakyNetwork(to, lambda: chance.randint(1, 150_000))

    return network


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sandbox that no server has seen, with one bundle of some 50 kB and one of some 2 MB beside the credentials."""
    folder = tmp_path_factory.mktemp("made") / "sandbox"
    sandbox = open_sandbox(folder, config=ROOT / "config", url="http://127.0.0.1:1", now=datetime.now(UTC))
    small, large = sandbox.providers
    many = generate(SimulationSettings(registrations=2_500, doubles=0, seed=3, day=today())).registrations
    write_extracts(many.assign(aanbieder_agb=large), sandbox.vendor_folder / "extracts")
    for agb in (small, large):
        encode(sandbox, agb, sandbox.vendor_folder / f"{agb}.bundle")
    return folder


MADE = [datetime.now(UTC)]


def later_than_all() -> datetime:
    """Return now, or a second after the bundle before: of two made in one second, chance decides which is newer."""
    MADE.append(max(datetime.now(UTC), MADE[-1] + timedelta(seconds=1)))
    return MADE[-1]


def encode(sandbox: Sandbox, agb: str, out: Path) -> Path:
    """Encode a provider's extract as the vendor would; a new submission each time."""
    keys, settings = sandbox.vendor_folder / "keys", sandbox.installation.settings
    options = EncodeOptions(
        key=keys / "epoch.key",
        model=settings.model_path,
        regions=settings.regions_path,
        seal_to=sandbox.vendor_folder / "server.pub",
        sign_with=keys / "signing.key",
        today=today(),
        created_at=later_than_all(),
        vendor=VENDOR,
        max_refused_share=0.2,
    )
    work = Work(sandbox.vendor_folder / "extracts" / f"{agb}.csv", out, secrets.token_hex(16))
    [outcome] = encode_together([work], open_encoder(options))
    assert isinstance(outcome, Encoded)
    return out


def today() -> date:
    """The day in Amsterdam, of which the sandbox's extracts are: in UTC it may still be the day before."""
    return datetime.now(HERE).date()


def copy_served(made: Path, folder: Path, *, port: int, told_port: int, **service: int) -> Serving:
    """Serve a copy of the sandbox that says of itself that it is at `told_port`; `service` goes into its settings."""
    shutil.copytree(made, folder)
    url = f"http://127.0.0.1:{told_port}"
    sandbox = open_sandbox(folder, config=ROOT / "config", url=url, now=datetime.now(UTC))
    settings = folder / "config" / "settings.toml"
    serve_apart(settings, issuer=url, metrics_port=0, failures_per_minute=100_000, **service)
    running = Serving(sandbox, port)
    running.start()
    return running


@pytest.fixture(scope="session")
def shared(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for tests that leave it as it was."""
    port = free_port()
    running = copy_served(made, tmp_path_factory.mktemp("shared") / "sandbox", port=port, told_port=port)
    yield running
    running.kill()


@pytest.fixture
def serving(made: Path, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Return a function that serves a copy of the sandbox, told of itself as at another port where one is given."""
    running: list[Serving] = []

    def serve(*, told_port: int | None = None, **service: int) -> Serving:
        port = free_port()
        running.append(copy_served(made, tmp_path / "sandbox", port=port, told_port=told_port or port, **service))
        return running[-1]

    yield serve
    for one in running:
        one.kill()
