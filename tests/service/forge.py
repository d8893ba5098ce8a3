"""Starts servers in processes of their own, one at a time, to be killed or measured."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dedup.store.failpoints import VARIABLE

ROOT = Path(__file__).parents[2]


@dataclass
class Forge:
    """Starts servers, one at a time, each in a process of its own that can be killed."""

    driver: subprocess.Popen[str]
    port: int
    home: Path
    pid: int = 0

    def begin(self, failpoint: str = "-") -> None:
        self._say(f"{failpoint} {self.port} {self.home}")
        self.pid = int(self._hear())

    def start(self, failpoint: str = "-") -> None:
        """Start a server and wait until it answers."""
        self.begin(failpoint)
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5)
                return
            time.sleep(0.01)

    def ended(self) -> int:
        """Wait for the server's end; return its exit status, minus the signal's number."""
        self._say("")
        self.pid = 0
        return int(self._hear())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert self.ended() == -signal.SIGKILL

    def _say(self, line: str) -> None:
        assert self.driver.stdin is not None
        print(line, file=self.driver.stdin, flush=True)

    def _hear(self) -> str:
        assert self.driver.stdout is not None
        return self.driver.stdout.readline()


@contextmanager
def forking() -> Iterator[subprocess.Popen[str]]:
    """Give the process that servers are forked from: it has imported everything already."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.service.serving_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    yield process
    process.communicate()
