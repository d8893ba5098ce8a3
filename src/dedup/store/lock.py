"""One run at a time: a lock that the operating system lets go when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dedup.errors import StoreError
from dedup.store.durable import PRIVATE_FILE
from dedup.store.registry import Registry

RUN_LOCK = "run.lock"
INTAKE_LOCK = "intake.lock"
_LOOK_AGAIN_SECONDS = 0.02


@contextmanager
def run_lock(
    folder: Path, *, name: str = RUN_LOCK, registry: Registry | None = None, patience: float = 0.0
) -> Iterator[None]:
    """Hold the lock `name` of the store in `folder` for as long as the block runs.

    With a registry on PostgreSQL its advisory lock is held as well, so that runs on two machines exclude each other.
    Raises `StoreError` (`store.locked`) when another process, or another holder in this one, has it and does not let
    go of it within `patience` seconds.
    """
    last = time.monotonic() + patience
    while True:
        with ExitStack() as held:
            try:
                held.enter_context(_file_lock(folder / name))
                if registry is not None:
                    held.enter_context(registry.advisory_lock(name))
            except StoreError as error:
                if error.code != "store.locked" or time.monotonic() >= last:
                    raise
            else:
                yield
                return
        time.sleep(_LOOK_AGAIN_SECONDS)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            message = f"The store is in use by another run (process {holder}); wait for it to end."
            raise StoreError("store.locked", message) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
