"""The inbox folder: vendors write `NAME.part`, rename it to `NAME.bundle`, and find a receipt or a problem beside it.

    NAME.bundle                     waiting
    .claimed/NAME.bundle            being received; a crash leaves it here, and the next look takes it up again
    receipts/NAME.bundle.receipt.json
    rejected/NAME.bundle            refused, with NAME.bundle.problem.json beside it

A file is claimed by renaming it, so that a new file that a vendor puts in its place is never taken for this one; it is
copied before it is verified, so that a vendor that still has it open cannot change what was verified.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from dedup.errors import DedupError
from dedup.ingest.submission import Refused
from dedup.intake.acceptance import Copy, Intake, Verified, accept, refuse, verify
from dedup.intake.checks import age_order
from dedup.intake.expiry import sweep_uploads
from dedup.intake.receipts import IntakeError, Receipt, Rejection, problem_file, receipt_file
from dedup.store.bundles import remove_unknown_bundles
from dedup.store.durable import make_private_folder, sync_folder, temporary_file, write_durably
from dedup.store.failpoints import reach
from dedup.store.lock import INTAKE_LOCK, run_lock

SUFFIX = ".bundle"
CLAIMED = ".claimed"
RECEIPTS = "receipts"
REJECTED = "rejected"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_COPY_BYTES = 1 << 20


def receive(inbox: Path, intake: Intake) -> list[Receipt | Rejection]:
    """Take every finished bundle out of the inbox folder: accepted once, or refused with its reason; nothing is lost.

    Whatever a crash interrupted is taken up again. Raises `StoreError` (`store.locked`) when another process is
    receiving.
    """
    for folder in (inbox, inbox / CLAIMED, inbox / RECEIPTS, inbox / REJECTED):
        make_private_folder(folder)
    with run_lock(intake.store.folder, name=INTAKE_LOCK, registry=intake.store.registry):
        remove_unknown_bundles(intake.store)
        sweep_uploads(intake.store, now=intake.now, upload_seconds=intake.limits.upload_seconds)
        interrupted = _receive_claimed(inbox, intake)
        _claim(inbox)
        return interrupted + _receive_claimed(inbox, intake)


def report_refused(inbox: Path, refused: Refused, intake: Intake) -> None:
    """Tell a vendor that a bundle for which it has a receipt turned out to be unusable when it was opened."""
    rejection = Rejection(
        f"{refused.submission_id}{SUFFIX}",
        (IntakeError(refused.code, refused.message),),
        submission_id=refused.submission_id,
    )
    make_private_folder(inbox / REJECTED)
    write_durably(inbox / REJECTED / f"{rejection.file_name}.problem.json", problem_file(rejection, intake.now))


def _claim(inbox: Path) -> None:
    """Move finished files out of the vendors' reach, under a name that is safe to repeat."""
    with os.scandir(inbox) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX) and entry.name[0] != ".")
    for name in names:
        safe = (
            name if _NAME.fullmatch(name) else f"unnamed-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}{SUFFIX}"
        )
        try:
            (inbox / name).rename(inbox / CLAIMED / safe)
        except FileNotFoundError:
            pass  # its vendor took it back
        except PermissionError:
            # A folder's own rights can forbid that it is moved. It is no bundle, and must not stop all others.
            if not (inbox / name).is_dir():
                raise
    sync_folder(inbox / CLAIMED)
    sync_folder(inbox)


def _receive_claimed(inbox: Path, intake: Intake) -> list[Receipt | Rejection]:
    """Receive what is claimed, from old to new snapshots, so that the order of file names decides nothing."""
    verified: list[Verified] = []
    answers: list[Receipt | Rejection] = []
    for path in sorted((inbox / CLAIMED).iterdir()):
        copy = _copy(path, intake)
        looked_at = verify(copy, intake) if isinstance(copy, Copy) else copy
        if isinstance(looked_at, Rejection):
            answers.append(_reject(inbox, looked_at, intake))
        else:
            verified.append(looked_at)
    for one in sorted(verified, key=lambda one: age_order(one.manifest)):
        answer = accept(one, intake)
        if isinstance(answer, Rejection):
            answers.append(_reject(inbox, answer, intake))
            continue
        write_durably(inbox / RECEIPTS / f"{answer.file_name}.receipt.json", receipt_file(answer))
        reach("intake.receipted")
        (inbox / CLAIMED / answer.file_name).unlink()
        answers.append(answer)
    return answers


def _copy(path: Path, intake: Intake) -> Copy | Rejection:
    """Copy a claimed file into the store while computing its digest; links, folders and pipes are refused unread."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return refuse(Rejection(path.name, (_not_a_file(),)), intake)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return refuse(Rejection(path.name, (_not_a_file(),)), intake)
    with os.fdopen(descriptor, "rb") as source:
        digest, size = hashlib.sha256(), 0
        try:
            with temporary_file(intake.store.submissions) as (copied, target):
                while part := source.read(_COPY_BYTES):
                    size += len(part)
                    if size > intake.limits.max_bundle_bytes:
                        raise _too_large(intake.limits.max_bundle_bytes)
                    digest.update(part)
                    target.write(part)
        except IntakeError as fault:
            return refuse(Rejection(path.name, (fault,)), intake)
    reach("intake.claimed")
    return Copy(path.name, copied, digest.hexdigest(), size)


def _reject(inbox: Path, rejection: Rejection, intake: Intake) -> Rejection:
    """Move a refused file aside and write the reason beside it, the reason first: a file without one helps nobody."""
    name, number = rejection.file_name, 1
    while os.path.lexists(inbox / REJECTED / name):
        number += 1
        name = f"{rejection.file_name.removesuffix(SUFFIX)}-{number}{SUFFIX}"
    write_durably(inbox / REJECTED / f"{name}.problem.json", problem_file(rejection, intake.now))
    (inbox / CLAIMED / rejection.file_name).rename(inbox / REJECTED / name)
    sync_folder(inbox / REJECTED)
    return rejection


def _not_a_file() -> DedupError:
    return IntakeError("intake.not-a-file", "This is not an ordinary file that can be read.")


def _too_large(limit: int) -> IntakeError:
    return IntakeError("intake.too-large", f"The bundle is larger than {limit} bytes.")
