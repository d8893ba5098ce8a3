"""What is kept of providers' answers: decisions that nights hear, and labels that thresholds are fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pandas as pd

from dedup.findings.decisions import Decision, decision_frame
from dedup.findings.lifecycle import is_expired
from dedup.nightly.night import Night
from dedup.store.audit import AuditEvent
from dedup.store.feedback import FeedbackStore
from dedup.store.wrapping import LocalKey

KEEP_LABELS_DAYS = 400


@dataclass(frozen=True, slots=True)
class Label:
    """What an answer says about a pair that the linkage judged: whether it is one woman.

    `pair` is an HMAC, so that an answer that is given twice counts once; `independent` is the number of agreements
    besides birth date and EDD.
    """

    pair: str
    decided: str
    same: bool
    probability: float
    independent: int
    birth_date: bool
    contradicted: bool


@dataclass(frozen=True)
class Answers:
    """Everything that is kept of providers' answers."""

    decisions: tuple[Decision, ...] = ()
    labels: tuple[Label, ...] = ()


def feedback_store(night: Night) -> FeedbackStore:
    """Return where answers are kept: under the attribute stores' key."""
    wrapper = LocalKey(night.keys.attributes.key_id, night.keys.attributes.secret)
    return FeedbackStore(night.store.folder, wrapper, night.store.registry)


def read_answers(night: Night) -> Answers:
    """Return what is kept."""
    content = feedback_store(night).current()
    if content is None:
        return Answers()
    document = orjson.loads(content)
    return Answers(
        decisions=tuple(Decision(**one) for one in document["decisions"]),
        labels=tuple(Label(**one) for one in document["labels"]),
    )


def decisions_of(night: Night) -> pd.DataFrame:
    """Return the kept decisions, with `DECISION_COLUMNS`."""
    return decision_frame(read_answers(night).decisions)


def keep_answers(night: Night, answers: Answers, event: AuditEvent) -> None:
    """Keep answers in place of what there was."""
    document = {
        "decisions": [_fields(one) for one in sorted(answers.decisions, key=lambda one: one.key)],
        "labels": [_fields(one) for one in sorted(answers.labels, key=lambda one: one.pair)],
    }
    feedback_store(night).replace(orjson.dumps(document), event=event, actor=event.actor)


def forget_answers(night: Night) -> int:
    """Remove what is past its time: answers eight weeks after the EDD, labels after `KEEP_LABELS_DAYS`.

    Returns how many those were.
    """
    kept = read_answers(night)
    left = unexpired(kept, night)
    gone = len(kept.decisions) - len(left.decisions) + len(kept.labels) - len(left.labels)
    if gone:
        keep_answers(night, left, night.event("feedback.expired", night.run_id))
    return gone


def unexpired(answers: Answers, night: Night) -> Answers:
    """Return the answers that are not past their time yet."""
    oldest = (night.today - timedelta(days=KEEP_LABELS_DAYS)).isoformat()
    return Answers(
        tuple(one for one in answers.decisions if not is_expired(one.edd_week, night.rules, night.today)),
        tuple(one for one in answers.labels if one.decided >= oldest),
    )


def _fields(one: Decision | Label) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
