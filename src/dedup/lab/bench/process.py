"""Measures a command as the operating system saw it: wall time, processor time, and the peak of its memory."""

from __future__ import annotations

import os
import platform
import subprocess  # nosec B404: runs this very program, without a shell
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dedup.errors import DedupError


class BenchError(DedupError):
    """A benchmark whose command failed, so that there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One finished command; the peak is the largest resident set of the process itself, children not added."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    output: str


def measure(arguments: Sequence[str]) -> Measured:
    """Run `dedup` with these arguments and measure it; raises `BenchError` (`bench.failed`) when it fails."""
    with tempfile.TemporaryFile("w+b") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(  # nosec B603: the arguments are ours
            [sys.executable, "-m", "dedup", *arguments], stdout=output, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode("utf-8")
    if process.returncode not in {0, 3}:
        raise BenchError("bench.failed", f"`dedup {arguments[0]}` failed with exit code {process.returncode}.")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, printed)


def machine() -> dict[str, Any]:
    """Return what a figure must be read with: processors, memory, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": memory,
        "processor": _processor(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
