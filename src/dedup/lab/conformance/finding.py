"""One check's outcome: a stable code, how it went, and a sentence; never a value from a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dedup.errors import DedupError


class Outcome(StrEnum):
    """How a check went; only a failure makes a bundle or a server unfit."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check."""

    code: str
    outcome: Outcome
    sentence: str

    def to_json(self) -> dict[str, str]:
        """Return the finding as the document has it."""
        return {"code": self.code, "outcome": self.outcome.value, "sentence": self.sentence}


def passed(code: str, sentence: str) -> Finding:
    """Return a check that went well."""
    return Finding(code, Outcome.PASSED, sentence)


def warning(code: str, sentence: str) -> Finding:
    """Return something that is allowed and looks like a mistake."""
    return Finding(code, Outcome.WARNING, sentence)


def failed(code: str, sentence: str) -> Finding:
    """Return a check that went wrong."""
    return Finding(code, Outcome.FAILED, sentence)


def skipped(code: str, sentence: str) -> Finding:
    """Return a check that could not be made, and what it needs."""
    return Finding(code, Outcome.SKIPPED, sentence)


def fault(error: DedupError) -> Finding:
    """Return the check that ended in this error."""
    return failed(error.code, error.message)


def judged(code: str, good: bool, right: str, wrong: str) -> Finding:
    """Return a check as passed or failed, with the sentence that belongs to it."""
    return passed(code, right) if good else failed(code, wrong)


def has_failed(findings: Sequence[Finding]) -> bool:
    """Return whether anything failed."""
    return any(finding.outcome is Outcome.FAILED for finding in findings)
