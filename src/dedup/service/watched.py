"""What is read from a folder of keys: again when a file in it changes, so that a change counts at the next request."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from dedup.errors import KeyFileError
from dedup.service.refusal import TryLaterError

T = TypeVar("T")
_Stamp = tuple[tuple[str, int, int, int], ...]


class Watched(Generic[T]):
    """What `read(folder)` makes of the files of a folder whose names end in one of `suffixes`."""

    def __init__(self, folder: Path, suffixes: tuple[str, ...], read: Callable[[Path], T]) -> None:
        self.folder = folder
        self._suffixes = suffixes
        self._read = read
        self._known: tuple[_Stamp, T] | None = None

    def now(self) -> T:
        """Return what the files say at this moment.

        Raises `ServiceError` (`service.keys-unreadable`): what a file said before does not count while it is damaged.
        """
        try:
            stamp = self._stamp()
            known = self._known
            if known is None or known[0] != stamp:
                self._known = known = (stamp, self._read(self.folder))
        except (KeyFileError, OSError) as error:
            raise TryLaterError("service.keys-unreadable", "The server cannot read a file of its keys.") from error
        return known[1]

    def _stamp(self) -> _Stamp:
        """Return what changes when a file is replaced: its inode, and its time to the nanosecond."""
        with os.scandir(self.folder) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(self._suffixes)]
        return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in files))
