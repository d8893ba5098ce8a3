"""Runs `dedup` commands in processes of their own, under limits of time and memory that the kernel keeps.

Each is forked from one process that has imported what commands import, so a command costs what it does and no more.
`python -m tests.hostile.limits` is that process: it reads a request a line, and answers how the command ended.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer.main

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 20  # of the processor: the kernel ends what takes longer, and so it does after a minute by the clock
CLOCK_SECONDS = 60
UNKNOWN = 71  # the exit code of what ended in neither a code nor a signal
ROOM = 1 << 30  # bytes of addresses beyond those of the process that it is forked from
# What the commands of the corpus import when they run.
IMPORTED = (
    "alembic.command", "certifi", "dedup.cli.app", "dedup.encode.pool", "dedup.nightly.announcing",
    "dedup.nightly.contracts", "dedup.nightly.feedback", "dedup.nightly.night", "dedup.nightly.reporting",
    "dedup.nightly.run", "dedup.send.delivery", "dedup.send.server", "httpcore", "httpx", "numba.core.typing.arraydecl",
    "numba.np.arrayobj", "rich.progress", "sqlite3", "typer._adapters",
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (minus a signal's number), what it printed, and what it took.

    `seconds` are of the processor, `peak` the bytes of memory in use at most, with all that was imported.
    """

    status: int
    said: str
    seconds: float
    peak: int


@dataclass(frozen=True)
class Limited:
    """The process that commands are forked from, and a file that they print to."""

    process: subprocess.Popen[str]
    output: Path

    def dedup(self, *arguments: str | Path, cwd: Path, cpu_seconds: int = CPU_SECONDS, room: int = ROOM) -> Ended:
        """Run a command in a folder, and return how it ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request: dict[str, object] = {
            "arguments": [str(one) for one in arguments],
            "cwd": str(cwd),
            "output": str(self.output),
        }
        request |= {"cpu_seconds": cpu_seconds, "room": room}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        ended = json.loads(self.process.stdout.readline())
        return Ended(**ended, said=self.output.read_text("utf-8", "backslashreplace"))


@contextmanager
def limited(folder: Path) -> Iterator[Limited]:
    """Give a process to run commands from; what they print goes through a file in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.limits"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    yield Limited(process, folder / "output")
    process.communicate()


def run(arguments: Sequence[str], cwd: str, output: str, cpu_seconds: int, room: int) -> None:
    """Be the command, within the limits; never returns."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(cwd)
    taken = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + room, taken + room))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    signal.alarm(CLOCK_SECONDS)
    sys.argv = ["dedup", *arguments]
    status = UNKNOWN
    try:
        importlib.import_module("dedup.cli.app").main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def serve_requests() -> None:
    """Fork a process for each request, and answer how it ended."""
    for name in IMPORTED:
        importlib.import_module(name)
    # Typer reads the signature of every command anew at each call: most of what a command takes that fails early.
    typer.main.get_command = functools.cache(typer.main.get_command)
    typer.main.get_command(importlib.import_module("dedup.cli.app").app)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(**json.loads(line))
        _, status, used = os.wait4(child, 0)
        ended = {
            "status": os.waitstatus_to_exitcode(status),
            "seconds": used.ru_utime + used.ru_stime,
            "peak": used.ru_maxrss << 10,
        }
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve_requests()
