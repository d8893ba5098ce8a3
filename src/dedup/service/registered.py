"""The vendors that are registered now: read again when a file of theirs changes, so that a change counts at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dedup.bundle.keys import KeyId
from dedup.bundle.vendors import TrustedVendors, load_trusted_vendors, load_withdrawn_keys
from dedup.errors import KeyFileError
from dedup.service.refusal import TryLaterError

_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """The vendors by the ids of their keys, and the ids of keys that were withdrawn."""

    keys: TrustedVendors
    withdrawn: frozenset[KeyId]


class RegisteredVendors:
    """The vendors' folder of the server's keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[_Stamp, Registered] | None = None

    def now(self) -> Registered:
        """Return who is registered at this moment.

        Raises `ServiceError` (`service.keys-unreadable`): who could be blocked by a file that cannot be read is
        not let in by what it said before.
        """
        try:
            stamp = self._stamp()
            if self._known is None or self._known[0] != stamp:
                registered = Registered(load_trusted_vendors(self._folder), load_withdrawn_keys(self._folder))
                self._known = (stamp, registered)
            return self._known[1]
        except (KeyFileError, OSError) as error:
            raise TryLaterError("service.keys-unreadable", "The server cannot read who is registered.") from error

    def _stamp(self) -> _Stamp:
        """Return what changes when a file is replaced: its inode, and its time to the nanosecond."""
        with os.scandir(self._folder) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(".json")]
        return tuple(sorted((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in files))
