"""Files that survive a crash: temporary name, fsync, rename, fsync of the folder.

Whoever sees a file under its final name sees all of it. What a crash leaves behind carries `TEMPORARY_SUFFIX` and is
removed by `remove_temporary_files` at the next start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TEMPORARY_SUFFIX = ".unfinished"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_private_folder(folder: Path) -> Path:
    """Make a folder that only this user can enter, and so each parent that is missing; return it."""
    if not folder.parent.is_dir():
        make_private_folder(folder.parent)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: without this a rename can be forgotten when the power goes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Give a new private file in `folder`; it is on disk when the block ends, and gone when the block raises."""
    path = folder / f".{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield path, file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def publish(temporary: Path, target: Path) -> None:
    """Give a finished file its name, for good; an older file of that name is replaced."""
    temporary.replace(target)
    sync_folder(target.parent)


def write_durably(target: Path, data: bytes) -> None:
    """Write a whole file so that after a crash it is there complete, or not at all."""
    with temporary_file(target.parent) as (temporary, file):
        file.write(data)
    publish(temporary, target)


def remove_temporary_files(folder: Path) -> int:
    """Remove what a crash left half-written in a folder; return how many files that were."""
    leftovers = list(folder.glob(f".*{TEMPORARY_SUFFIX}"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)
