"""Measures a command as the operating system saw it: wall time, processor time, and the peak of its memory."""

from __future__ import annotations

import json
import os
import platform
import subprocess  # nosec B404 # runs this very program, without a shell
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dedup.errors import DedupError

LAUNCHER = Path(__file__).with_name("launch.py")
# Done, and done with refused rows.
DONE = (0, 3)


class BenchError(DedupError):
    """A benchmark whose command failed, so that there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One finished command; the peak is the largest resident set of one process, its children not added."""

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    output: str

    def figures(self) -> dict[str, Any]:
        """Return wall time, processor time and peak, rounded for printing."""
        return {
            "seconds": round(self.seconds, 2),
            "cpu_seconds": round(self.cpu_seconds, 2),
            "peak_rss_bytes": self.peak_rss_bytes,
        }


def measure(arguments: Sequence[str], *, cores: int = 0) -> Measured:
    """Run `dedup` with these arguments on so many processors (0 for all) and measure it.

    Raises `BenchError` (`bench.failed`) when it fails.
    """
    return measure_command([sys.executable, "-m", "dedup", *arguments], name=f"dedup {arguments[0]}", cores=cores)


def measure_command(command: Sequence[str], *, name: str, cores: int = 0) -> Measured:
    """Run a command as `measure` does; `name` is what it is called when it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        usage, output = Path(scratch) / "usage.json", Path(scratch) / "output"
        with output.open("wb") as printed:
            subprocess.run(  # nosec B603 # the arguments are ours
                [sys.executable, "-S", str(LAUNCHER), str(usage), str(cores), *command],
                stdout=printed,
                stderr=subprocess.DEVNULL,
                check=True,
            )
        measured = json.loads(usage.read_text("utf-8"))
        text = output.read_text("utf-8")
    code = measured.pop("exit_code")
    if code not in DONE:
        raise BenchError("bench.failed", f"`{name}` failed with exit code {code}.")
    return Measured(**measured, output=text)


def machine() -> dict[str, Any]:
    """Return what a figure must be read with: processors, how busy they are, memory, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processors": len(os.sched_getaffinity(0)),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "memory_bytes": memory,
        "processor": _processor(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
