"""Checks of the inbox folder: it can be used, nothing was left half-received, and what was refused."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from dedup.doctor.files import OTHERS, still_there
from dedup.doctor.finding import Seen, check, failed, fine, warning
from dedup.intake.inbox import CLAIMED, REJECTED, SUFFIX

_RECEIVED_WITHIN = timedelta(days=1)


@check("doctor.inbox")
def inbox_can_be_used(inbox: Path, now: datetime) -> Seen:
    """See that the inbox is a private folder that can be written, and that no bundle has waited for over a day."""
    if not inbox.exists():
        return warning(f"There is no inbox yet in {inbox}; the first night makes it.")
    if not inbox.is_dir() or not os.access(inbox, os.R_OK | os.W_OK | os.X_OK):
        return failed(f"{inbox} is no folder that this user can read and write.")
    if inbox.stat().st_mode & OTHERS:
        return failed(f"Others on this machine can get into {inbox}.")
    listed = (path for path in inbox.glob(f"*{SUFFIX}") if not path.name.startswith("."))
    waiting = [status.st_mtime for _, status in still_there(listed)]
    oldest = min(waiting, default=now.timestamp())
    if now.timestamp() - oldest > _RECEIVED_WITHIN.total_seconds():
        return warning(f"Of {len(waiting)} bundles in the inbox, the oldest has waited for more than a day.")
    return fine(f"The inbox can be used; bundles that wait: {len(waiting)}.")


@check("doctor.claimed")
def nothing_is_half_received(inbox: Path) -> Seen:
    """See that no bundle was left behind by a run that was stopped while it received."""
    left = _files(inbox / CLAIMED)
    if left:
        return warning(f"Bundles that a run took out of the inbox and did not receive: {len(left)}.")
    return fine("No bundle was left half-received.")


@check("doctor.refused")
def refused_bundles_are_few(inbox: Path) -> Seen:
    """See whether bundles were refused, each of which its vendor has to make anew."""
    refused = [path for path in _files(inbox / REJECTED) if path.suffix == SUFFIX]
    if refused:
        return warning(f"Bundles that were refused, and are kept for their vendors: {len(refused)}.")
    return fine("No refused bundle is kept.")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
