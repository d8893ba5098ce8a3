"""What a check finds: how it is, under a stable code, in one sentence, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import ParamSpec

from dedup.codes import meanings
from dedup.errors import BUG, REFUSED_BY_SYSTEM, DedupError, kind_and_place

P = ParamSpec("P")
_LANGUAGE = "en"  # the command line's


class Outcome(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # it works, and somebody should look
    FAILED = "failed"  # it does not work, or is not safe
    SKIPPED = "skipped"  # not looked at: what it needs failed


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check saw, before it has a code."""

    outcome: Outcome
    sentence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `cause` is the stable code of the fault behind it, "" where the check itself judged."""

    code: str
    outcome: Outcome
    sentence: str
    remedy: str = ""
    cause: str = ""


def fine(sentence: str) -> Seen:
    """Say that all is well."""
    return Seen(Outcome.OK, sentence)


def warning(sentence: str) -> Seen:
    """Say what somebody should look at."""
    return Seen(Outcome.WARNING, sentence)


def failed(sentence: str) -> Seen:
    """Say what has to be mended."""
    return Seen(Outcome.FAILED, sentence)


def skipped(code: str, sentence: str) -> Finding:
    """Return the finding of a check that could not be made."""
    return Finding(code, Outcome.SKIPPED, sentence)


def check(code: str) -> Callable[[Callable[P, Seen]], Callable[P, Finding]]:
    """Give a check its code, by which the table of codes tells what to do.

    Whatever stops a check is a finding too: one that fails stops no other.
    """

    def named(look: Callable[P, Seen]) -> Callable[P, Finding]:
        @wraps(look)
        def finding(*args: P.args, **kwargs: P.kwargs) -> Finding:
            try:
                seen = look(*args, **kwargs)
            except DedupError as fault:
                return Finding(code, Outcome.FAILED, fault.message, _remedy(code), fault.code)
            except OSError as fault:
                sentence = f"The operating system refused: {fault.strerror or kind_and_place(fault)}."
                return Finding(code, Outcome.FAILED, sentence, _remedy(code), REFUSED_BY_SYSTEM)
            except Exception as error:  # a bug, whose text could quote a value; the other checks are still worth making
                sentence = f"This is a bug in dedup: {kind_and_place(error)}."
                return Finding(code, Outcome.FAILED, sentence, _remedy(code), BUG)
            well = seen.outcome is Outcome.OK
            return Finding(code, seen.outcome, seen.sentence, "" if well else _remedy(code))

        return finding

    return named


def _remedy(code: str) -> str:
    """Return what the table of codes says to do."""
    meaning = meanings(_LANGUAGE).get(code)
    return meaning.remedy if meaning else ""
