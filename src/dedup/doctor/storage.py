"""Checks of the store's folder: private, with room, and every object and bundle that the registry counts on."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from dedup.doctor.files import OTHERS, still_there
from dedup.doctor.finding import Seen, check, failed, fine, warning
from dedup.intake.upload_terms import UploadTerms
from dedup.settings import Settings
from dedup.store.bundles import BUNDLE_SUFFIX
from dedup.store.house import FOLDERS, objects_referred_to
from dedup.store.objects import SUFFIX
from dedup.store.submissions import submissions_in_state
from dedup.store.tables import SubmissionState

_SCARCE = 2  # times what has to stay free
_OPENED_WITHIN = timedelta(days=1)
_GIB = 1 << 30


@check("doctor.store-modes")
def store_is_private(store: Path) -> Seen:
    """See that nobody but the server's user can enter the store's folders or read its files."""
    if not store.is_dir():
        return warning(f"There is no store yet in {store}; the first night makes it.")
    listed = (store, *sorted(store.rglob("*")))
    opened = [path for path, status in still_there(listed) if status.st_mode & OTHERS]
    if opened:
        first = opened[0].relative_to(store.parent)
        return failed(f"Others on this machine can get at {len(opened)} files or folders of the store, first {first}.")
    return fine(f"Nobody but the server's user can get at {store}.")


@check("doctor.disk")
def disk_has_room(settings: Settings, store: Path) -> Seen:
    """See that the disk of the store has more free than has to stay free."""
    keep = UploadTerms.of(settings).keep_free_bytes
    there = next(folder for folder in (store, *store.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    told = f"{free / _GIB:.1f} GiB free, and {keep / _GIB:.1f} GiB has to stay so"
    if free < keep:
        return failed(f"The disk of the store has {told}: no bundle is taken.")
    if free < _SCARCE * keep:
        return warning(f"The disk of the store has {told}.")
    return fine(f"The disk of the store has {told}.")


@check("doctor.objects")
def objects_are_there(store: Path, session: Session) -> Seen:
    """See that each object that the registry refers to is there; that it is unaltered is seen when it is read."""
    wanted = objects_referred_to(session)
    lost = {
        FOLDERS[view]: missing
        for view, names in wanted.items()
        if (missing := sum(not (store / FOLDERS[view] / f"{name}{SUFFIX}").is_file() for name in names))
    }
    if lost:
        told = ", ".join(f"{missing} from {folder}" for folder, missing in lost.items())
        return failed(f"Objects that the registry refers to are missing: {told}.")
    return fine(f"All {sum(map(len, wanted.values()))} objects that the registry refers to are there.")


@check("doctor.accepted")
def accepted_bundles_are_there(store: Path, session: Session, now: datetime) -> Seen:
    """See that each bundle that has a receipt is there or was opened, and that none waits for longer than a day."""
    waiting = submissions_in_state(session, SubmissionState.ACCEPTED)
    lost = [one for one in waiting if not (store / "submissions" / f"{one.file_sha256}{BUNDLE_SUFFIX}").is_file()]
    if lost:
        return failed(f"{len(lost)} bundles that were accepted, and not opened yet, are missing from the store.")
    late = [one for one in waiting if now - one.received_at > _OPENED_WITHIN]
    if late:
        return warning(f"{len(late)} bundles were accepted more than a day ago and are still to be opened.")
    return fine(f"Bundles that were accepted and are still to be opened: {len(waiting)}.")
