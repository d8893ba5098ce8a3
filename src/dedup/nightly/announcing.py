"""Does a job and tells the operator how it went, whether it was done or ended by a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from dedup.errors import DedupError, error_code
from dedup.nightly.summary import Job, Summary, as_document, headline, in_both_languages
from dedup.notify.telling import Notice, tell
from dedup.reports.texts import texts_in
from dedup.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is told of a job: the channels of `[notify]`, whose secrets may stand in `environ`.

    `warn` hears why a channel could not be told; that never ends the job. `sleep` waits between two tries.
    """

    settings: Settings
    environ: Mapping[str, str]
    warn: Callable[[DedupError], None]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    def hears(self, summary: Summary) -> None:
        """Tell all channels."""
        for fault in tell(as_notice(summary), self.settings, environ=self.environ, clock=self.clock, sleep=self.sleep):
            self.warn(fault)


def announced(
    work: Callable[[], T], summary_of: Callable[[T], Summary], *, job: Job, period: str, operator: Operator
) -> T:
    """Do the work and tell what came of it; what the work raises is told as its stable code, and raised.

    `period` is the ISO day or month that the work is of, as in `Summary`.
    """
    try:
        result = work()
    except Exception as error:
        operator.hears(Summary(job, period, error=error_code(error)))
        raise
    operator.hears(summary_of(result))
    return result


def as_notice(summary: Summary) -> Notice:
    """Return a summary as it is sent: a Dutch subject, a text in Dutch and English, and a document for machines."""
    return Notice(headline(summary, texts_in("nl")), in_both_languages(summary), as_document(summary))
