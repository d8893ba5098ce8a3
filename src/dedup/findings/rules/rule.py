"""What a rule is: a code, an explanation in Dutch and English, and a function that judges one pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dedup.findings.config import Rules
from dedup.findings.pair import Pair, Registration
from dedup.findings.vocabulary import FindingClass


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for people in both languages."""

    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule makes of a pair; `acts_on` is the registration that someone must do something about."""

    outcome: FindingClass
    acts_on: Registration | None = None


Judge = Callable[[Pair, Rules, int], Verdict | None]
"""Judges a pair in the week with the given ordinal; None when the rule has nothing to say."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the sector.

    `judge` is None for a rule that settles something else than the class of a pair. `despite_other_names`: the rule
    holds even where first names contradict, because the registrations name each other or are nothing to act on.
    `doubt_stands`: where this rule asks for a look, only a later rule that holds `despite_doubt` can explain the pair,
    because in it the registrations name each other.
    """

    code: str
    name: Text
    explanation: Text
    judge: Judge | None = None
    despite_other_names: bool = False
    doubt_stands: bool = False
    despite_doubt: bool = False


LEGITIMATE = Verdict(FindingClass.LEGITIMATE)
TO_REVIEW = Verdict(FindingClass.TO_REVIEW)


def clean_up(registration: Registration) -> Verdict:
    """Return the verdict that this registration is left over and should be closed or mended."""
    return Verdict(FindingClass.CLEAN_UP, registration)
