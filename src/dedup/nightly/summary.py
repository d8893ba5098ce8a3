"""What the operator is told of a run: counts, codes of KSVs and stable error codes, in words of two languages.

This is what leaves the house by webhook and e-mail, so nothing of a client, a provider or an insurer has a place in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from dedup.reports.texts import LANGUAGES, Texts, texts_in

VERSION = "dedup-summary/1"


class Job(StrEnum):
    """What was run."""

    NIGHTLY = "nightly"
    MONTHLY = "monthly"
    RETENTION = "retention"


class Outcome(StrEnum):
    """How it ended: done, done but for some reports, or stopped by a fault."""

    DONE = "done"
    REPORTS_FAILED = "reports_failed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class KsvLine:
    """One KSV's counts of findings to act on, None where its report could not be made.

    `new` (reopened ones too) and `settled` are of the night or the month, `open` is at its end. `error` is the stable
    code of the fault for which its report was not written, "" when it was.
    """

    ksv: str
    new: int | None
    open: int | None
    settled: int | None
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the line as a flat document."""
        return {**asdict(self), "report": "failed" if self.error else "written"}


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in counts.

    `period` is an ISO day, for monthly reports a month; `error` the stable code of what stopped it. `counts` and
    `failed` (reports by audience, those of KSVs left out: their lines say it) have names in `[notice_count]`.
    """

    job: Job
    period: str
    error: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    ksvs: tuple[KsvLine, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        if self.error:
            return Outcome.FAILED
        if any(line.error for line in self.ksvs) or any(self.failed.values()):
            return Outcome.REPORTS_FAILED
        return Outcome.DONE


def as_document(summary: Summary) -> dict[str, Any]:
    """Return a summary for machines; `text` is what chat programs show of it."""
    return {
        "version": VERSION,
        "text": in_both_languages(summary),
        "job": str(summary.job),
        "period": summary.period,
        "outcome": str(summary.outcome),
        "error": summary.error,
        "counts": dict(summary.counts),
        "failed": dict(summary.failed),
        "ksvs": [line.to_json() for line in summary.ksvs],
    }


def headline(summary: Summary, texts: Texts) -> str:
    """Return one line: what was run, of which day or month, and how it ended."""
    outcome = texts(f"notice.{summary.outcome}", error=summary.error)
    return texts(f"notice.{summary.job}", period=_period(summary.period, texts), outcome=outcome)


def in_words(summary: Summary, texts: Texts) -> str:
    """Return the summary in lines of one language."""
    counted = {**summary.counts, **{f"failed_{audience}": count for audience, count in summary.failed.items()}}
    return "\n".join(
        [
            headline(summary, texts),
            *(f"{texts(f'notice_count.{name}')}: {texts.number(count)}" for name, count in counted.items()),
            *(_ksv(line, texts) for line in summary.ksvs),
            *([] if summary.outcome is Outcome.DONE else [texts("notice.look")]),
        ]
    )


def in_both_languages(summary: Summary) -> str:
    """Return the summary in Dutch, then in English."""
    return "\n\n".join(in_words(summary, texts_in(language)) for language in LANGUAGES)


def _ksv(line: KsvLine, texts: Texts) -> str:
    counts = {
        name: texts("none") if count is None else texts.number(count)
        for name, count in (("new", line.new), ("open", line.open), ("settled", line.settled))
    }
    report = texts("notice.report_failed", error=line.error) if line.error else texts("notice.report_written")
    return texts("notice.ksv", ksv=line.ksv, report=report, **counts)


def _period(period: str, texts: Texts) -> str:
    return texts.month(period) if len(period) == len("2026-11") else texts.day(date.fromisoformat(period))
