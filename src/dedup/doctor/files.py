"""Files and folders as the checks look at them, while a night or the upload service may be at work on them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def still_there(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield each path with its own status, that of a link too; one that was removed since it was listed is left out."""
    for path in paths:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        yield path, status
