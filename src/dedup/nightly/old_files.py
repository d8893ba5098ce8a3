"""Removes files that are past their time: folders of reports that name registrations, and refused files."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from dedup.intake.inbox import REJECTED
from dedup.nightly.monthly_ksvs import MONTHLY_REPORTS_FOLDER
from dedup.nightly.night import KEEP_REJECTED_DAYS, REPORTS_FOLDER, Night
from dedup.nightly.reporting import PROVIDER_REPORTS_FOLDER

KEEP_REPORTS_DAYS = 56
_DATED = re.compile(r"\d{4}-\d{2}(-\d{2})?")


def remove_old_reports(night: Night) -> int:
    """Remove `reports/KSV/DATE/` and the like that are older than `[retention] keep_reports_days`; returns how many.

    Aggregates for insurers name no registration and stay.
    """
    days = night.settings.count("retention", "keep_reports_days", KEEP_REPORTS_DAYS)
    before = night.today - timedelta(days=days)
    old = [
        folder
        for kind in (REPORTS_FOLDER, PROVIDER_REPORTS_FOLDER, MONTHLY_REPORTS_FOLDER)
        for folder in sorted((night.out / kind).glob("*/*"))
        if folder.is_dir() and not folder.is_symlink() and (last := last_day(folder.name)) and last < before
    ]
    if old:
        _note(night, "reports.removed")
    for folder in old:
        shutil.rmtree(folder)
        if not any(folder.parent.iterdir()):
            folder.parent.rmdir()
    return len(old)


def last_day(name: str) -> date | None:
    """Return the day that a folder is called after, of a month the last one; None for another name."""
    if not _DATED.fullmatch(name):
        return None
    try:
        if len(name) == len("2026-11"):
            return (date.fromisoformat(f"{name}-28") + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return date.fromisoformat(name)
    except ValueError:
        return None


def remove_refused_files(night: Night) -> int:
    """Remove what lies in the inbox's `rejected/` for longer than `[intake] keep_rejected_days`; returns how many.

    A vendor may have sent a link or a folder under a bundle's name: a link goes as such, a folder with all in it.
    """
    days = night.settings.count("intake", "keep_rejected_days", KEEP_REJECTED_DAYS)
    before = datetime.combine(night.today - timedelta(days=days), datetime.min.time(), UTC).timestamp()
    rejected = night.inbox / REJECTED
    old = [path for path in sorted(rejected.iterdir()) if path.lstat().st_mtime < before] if rejected.is_dir() else []
    if old:
        _note(night, "rejected.removed")
    for path in old:
        _remove(path)
    return len(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _note(night: Night, event: str) -> None:
    with night.store.registry.write(night.event(event, night.run_id)):
        pass  # the files are no part of the registry; what was removed is removed again after a crash
