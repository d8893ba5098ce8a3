"""Writes reports one by one: one that fails stops no other, and is named by a stable code."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from dedup.errors import BUG, REFUSED_BY_SYSTEM, error_code, kind_and_place
from dedup.reports.night import ReportError
from dedup.store.durable import make_private_folder, write_durably
from dedup.store.failpoints import reach


class Audience(StrEnum):
    """Who a report is for."""

    KSV = "ksv"
    PROVIDER = "provider"
    INSURER = "insurer"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report to write: `whose` is a KSV's, AGB or UZOVI code, `folder` is relative to `out`.

    `render` is given `whose` and returns the files by name.
    """

    audience: Audience
    whose: str
    folder: str
    render: Callable[[str], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class FailedReport:
    """A report that was not written: `error` is a stable code, `place` says where a bug is, "" for any other fault."""

    audience: Audience
    whose: str
    error: str
    place: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the report as a flat document."""
        return {name: str(value) for name, value in asdict(self).items()}


class FailedReportsError(ReportError):
    """Some reports failed (`reports.failed`), all others are written.

    The sentence names KSVs only: it goes where nothing of providers or insurers may be told. `failed` names them all.
    """

    def __init__(self, failed: Iterable[FailedReport]) -> None:
        self.failed = tuple(failed)
        named = [f"{one.whose} ({one.place or one.error})" for one in self.failed if one.audience is Audience.KSV]
        counted = Counter(one.audience for one in self.failed if one.audience is not Audience.KSV)
        named += [f"for {audience}s {count}" for audience, count in sorted(counted.items())]
        super().__init__("reports.failed", f"These reports failed, all others are written: {', '.join(named)}.")

    @property
    def on_io(self) -> bool:
        """Whether a disk or a connection refused one of them, which a later try can mend."""
        return any(one.error == REFUSED_BY_SYSTEM for one in self.failed)


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_each` made: SHA-256 by file name relative to `out`, for each audience; and what failed."""

    files: Mapping[Audience, Mapping[str, str]]
    failed: tuple[FailedReport, ...]


def write_each(wanted: Iterable[Wanted], out: Path) -> Written:
    """Render and write every report, whatever is wrong with one of them."""
    files: dict[Audience, dict[str, str]] = {audience: {} for audience in Audience}
    failed: list[FailedReport] = []
    for one in wanted:
        try:
            files[one.audience] |= _write(one, out)
        except Exception as error:  # the others are waited for
            failed.append(FailedReport(one.audience, one.whose, *_code_and_place(error)))
            continue
        reach("reports.written")
    return Written(files, tuple(failed))


def _write(one: Wanted, out: Path) -> dict[str, str]:
    digests = {}
    for file, content in one.render(one.whose).items():
        name = f"{one.folder}/{file}"
        make_private_folder((out / name).parent)
        write_durably(out / name, content)
        digests[name] = hashlib.sha256(content).hexdigest()
    return digests


def _code_and_place(error: Exception) -> tuple[str, str]:
    code = error_code(error)
    return code, kind_and_place(error) if code == BUG else ""
