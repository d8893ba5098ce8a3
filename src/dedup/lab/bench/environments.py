"""Every peer runs in a Python environment of its own, built once from a lock of exact versions and hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess  # nosec B404 # runs Python and its installers, without a shell
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from dedup.lab.bench.process import BenchError

READY = ".ready"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return where environments are kept: dedup/bench in the user's cache (XDG base directory specification)."""
    base = environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "dedup" / "bench"


def peer_python(peer: str, *, config: Path, cache: Path, tell: Callable[[str], None]) -> Path:
    """Return the Python of a peer's environment, built if this lock's is not in the cache yet.

    Raises `BenchError`: `bench.no-lock` when `config` holds no lock of this peer, `bench.not-installed` when its
    packages cannot be had.
    """
    lock = config / "bench" / f"{peer}.lock"
    if not lock.is_file():
        raise BenchError("bench.no-lock", f"There is no lock {lock} from which to install {peer}.")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(lock.read_bytes() + version.encode()).hexdigest()
    folder = cache / f"{peer}-{digest[:16]}"
    python = folder / "bin" / "python"
    if not (folder / READY).is_file():
        tell(f"Installing {peer} into {folder} (once).")
        _build(folder, python, lock, peer)
    return python


def _build(folder: Path, python: Path, lock: Path, peer: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = _run([sys.executable, "-m", "venv", str(folder)])
    if not (made and any(_run(command) for command in _installers(python, lock))):
        raise BenchError("bench.not-installed", f"The packages in {lock} could not be installed for {peer}.")
    (folder / READY).touch()


def _installers(python: Path, lock: Path) -> list[list[str]]:
    """Return ways to install, the quick one first; where uv finds no packages, pip may."""
    uv = Path(sys.executable).with_name("uv")
    quick = [[str(uv), "pip", "install", "--python", str(python), "--require-hashes", "-r", str(lock)]]
    plain = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
    return (quick if uv.is_file() else []) + [plain]


def _run(command: list[str]) -> bool:
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(command, env=environ, capture_output=True, check=False)  # nosec B603 # arguments are ours
    return done.returncode == 0
