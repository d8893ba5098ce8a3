"""What providers answered about a finding, pair by pair, and how long an answer stands.

An answer stands until there is new evidence: a registration that it did not speak of, identifiers that changed, or a
comparison that agrees now and did not then. Under another key or model comparisons may differ by noise alone, so then
they are taken over as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from dedup.findings.config import Rules
from dedup.findings.frames import DECISION_COLUMNS, typed_frame
from dedup.findings.grouping import JudgedPair
from dedup.findings.lifecycle import is_expired
from dedup.findings.pair import Registration
from dedup.findings.vocabulary import Feedback, FindingClass


@dataclass(frozen=True, slots=True)
class Decision:
    """One provider's answer about its registration and another one; the fields are `DECISION_COLUMNS`."""

    registratie_id: str
    other: str
    provider: str
    answer: str
    rule: str
    decided: str
    agreed: str
    edd_week: int
    basis: str
    stale: bool

    @property
    def key(self) -> tuple[str, str]:
        """Whose answer it is, about whom: a later answer takes the place of an earlier one."""
        return (self.registratie_id, self.other)

    @property
    def pair(self) -> frozenset[str]:
        """The two registrations, in no order."""
        return frozenset(self.key)


@dataclass(frozen=True)
class Answered:
    """A night's pairs once the answers are heard.

    `judged` are the pairs that are left; `dismissed` those that are no double; `decisions` the answers as they stand
    now; `live` the standing answers of each pair.
    """

    judged: list[JudgedPair]
    dismissed: frozenset[frozenset[str]]
    decisions: tuple[Decision, ...]
    live: Mapping[frozenset[str], tuple[Decision, ...]]


def no_decisions() -> pd.DataFrame:
    """Return the frame of no answers at all."""
    return decision_frame(())


def read_decisions(*frames: pd.DataFrame) -> list[Decision]:
    """Return the decisions of frames; of one registration about another, the last decided, later frames first in doubt.

    A frame of the night before knows which answers are stale; the same answer in what was imported does not.
    """
    found: dict[tuple[str, str], Decision] = {}
    for frame in frames:
        for values in frame[list(DECISION_COLUMNS)].itertuples(index=False, name=None):
            decision = Decision(*values)
            before = found.get(decision.key)
            if (
                before is None
                or decision.decided > before.decided
                or (decision.decided == before.decided and decision.answer != before.answer)
            ):
                found[decision.key] = decision
    return [found[key] for key in sorted(found)]


def decision_frame(decisions: Iterable[Decision]) -> pd.DataFrame:
    """Return decisions as a frame with `DECISION_COLUMNS`."""
    rows = [tuple(getattr(each, column) for column in DECISION_COLUMNS) for each in decisions]
    return typed_frame(DECISION_COLUMNS, rows, sort_by=["registratie_id", "other"])


def hear(
    judged: Iterable[JudgedPair], decisions: Iterable[Decision], *, basis: str, rules: Rules, today: date
) -> Answered:
    """Apply the answers to the night's pairs.

    A pair that is no double is left out; one that is rightly double becomes legitimate, with the rule that was named.
    Where two providers contradict each other, the pair stays as it was judged.
    """
    current = {each.key: each for each in decisions if not is_expired(each.edd_week, rules, today)}
    by_pair: dict[frozenset[str], list[tuple[str, str]]] = {}
    for key in current:
        by_pair.setdefault(frozenset(key), []).append(key)
    kept: list[JudgedPair] = []
    dismissed: set[frozenset[str]] = set()
    live: dict[frozenset[str], tuple[Decision, ...]] = {}
    for each in judged:
        pair = frozenset(registration.id for registration in each.pair.both)
        keys = by_pair.get(pair, [])
        for key in keys:
            current[key] = _confronted(current[key], each, basis)
        standing = tuple(current[key] for key in sorted(keys) if not current[key].stale)
        answers = {decision.answer for decision in standing} - {Feedback.UNKNOWN}
        if standing:
            live[pair] = standing
        if answers == {Feedback.NOT_A_DOUBLE}:
            dismissed.add(pair)
        elif answers == {Feedback.RIGHTLY}:
            rule = min(decision.rule for decision in standing if decision.answer == Feedback.RIGHTLY)
            judgement = replace(each.judgement, outcome=FindingClass.LEGITIMATE, code=rule, acts_on=None)
            kept.append(replace(each, judgement=judgement))
        else:
            kept.append(each)
    return Answered(kept, frozenset(dismissed), tuple(current[key] for key in sorted(current)), live)


def _confronted(decision: Decision, each: JudgedPair, basis: str) -> Decision:
    """Return the decision after it met tonight's pair: stale when there is new evidence."""
    if decision.stale:
        return decision
    if any(_changed_since(registration, decision.decided) for registration in each.pair.both):
        return replace(decision, stale=True)
    known = set(decision.agreed.split())
    if decision.basis != basis:
        return replace(decision, agreed=" ".join(sorted(known | each.pair.agreed)), basis=basis)
    return decision if each.pair.agreed <= known else replace(decision, stale=True)


def _changed_since(registration: Registration, day: str) -> bool:
    return registration.tokens_changed is not None and registration.tokens_changed.isoformat() > day


def whose_turn(decisions: Iterable[Decision]) -> tuple[frozenset[str], bool]:
    """Return which registrations the clients do not choose, and whether providers contradict each other.

    The provider that keeps a client says `ours`: the other registration is then the one to close.
    """
    kept: set[str] = set()
    closing: set[str] = set()
    answers = set()
    for decision in decisions:
        answers.add(decision.answer)
        if decision.answer == Feedback.OURS:
            kept.add(decision.registratie_id)
            closing.add(decision.other)
        elif decision.answer == Feedback.THEIRS:
            closing.add(decision.registratie_id)
            kept.add(decision.other)
    mixed = Feedback.NOT_A_DOUBLE in answers and bool(answers & {Feedback.OURS, Feedback.THEIRS, Feedback.RIGHTLY})
    return frozenset(closing), bool(kept & closing) or mixed
