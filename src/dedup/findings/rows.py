"""Writes what was gathered tonight as rows of the findings' frames: who acts, which band, what agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from dedup.findings.config import Rules
from dedup.findings.dated import escalation
from dedup.findings.decisions import Decision, whose_turn
from dedup.findings.frames import FINDING_COLUMNS
from dedup.findings.grouping import Gathered
from dedup.findings.lifecycle import Life
from dedup.findings.vocabulary import Actor, FindingClass, State

Row = dict[str, Any]
# What somebody must do something about.
ACTIONABLE = frozenset(
    {FindingClass.CERTAIN, FindingClass.LIKELY, FindingClass.TO_REVIEW, FindingClass.CLEAN_UP, FindingClass.INTERNAL}
)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is, and about which registration."""

    actor: Actor
    provider: str = ""
    registration: str = ""


def answers_to(finding: Gathered, live: Mapping[frozenset[str], tuple[Decision, ...]]) -> list[Decision]:
    """Return the answers that stand about pairs of this finding."""
    pairs = (frozenset(registration.id for registration in each.pair.both) for each in finding.pairs)
    return [decision for pair in pairs for decision in live.get(pair, ())]


def whose(finding: Gathered, answers: list[Decision]) -> Turn:
    """Return who acts: by the class, or by what the providers answered once they did; the KSV where they disagree."""
    if finding.outcome is FindingClass.LEGITIMATE:
        return Turn(Actor.NOBODY)
    closing, disagree = whose_turn(answers)
    if disagree:
        return Turn(Actor.KSV)
    leaving = [member for member in finding.members if member.id in closing]
    if leaving:
        youngest = max(leaving, key=lambda member: member.age_key)
        return Turn(Actor.PROVIDER, youngest.provider, youngest.id)
    if finding.outcome is FindingClass.TO_REVIEW or finding.acts_on is None:
        return Turn(Actor.KSV)
    return Turn(Actor.PROVIDER, finding.acts_on.provider, finding.acts_on.id)


def latest_edd(finding: Gathered) -> int:
    """Return the latest EDD week of a finding's registrations."""
    return max(member.edd_week for member in finding.members)


def finding_row(
    life: Life, finding: Gathered, before: Row | None, answers: list[Decision], *, basis: str, rules: Rules, today: date
) -> Row:
    """Return tonight's row of a finding that was found."""
    turn = whose(finding, answers)
    row = {
        "finding": life.finding,
        "class": str(finding.outcome),
        "code": finding.code,
        "edd_week": latest_edd(finding),
        "ksvs": " ".join(sorted({member.ksv for member in finding.members if member.ksv})),
        "band": rules.band_of(max(each.pair.probability for each in finding.pairs)),
        "one_demand": finding.one_demand,
        "acts": str(turn.actor),
        "acts_agb": turn.provider,
        "acts_on": turn.registration,
        "kept": "",
        "kept_for": "",
        "kept_since": "",
        "feedback": " ".join(sorted({decision.answer for decision in answers})),
        "feedback_on": max((decision.decided for decision in answers), default=""),
        "found_on": today.isoformat(),
        "basis": basis,
    }
    return with_life(row, life, before, rules=rules, today=today)


def with_life(row: Row, life: Life, before: Row | None, *, rules: Rules, today: date) -> Row:
    """Return a row with its life, and how long it has been waiting for somebody, in the order of the columns."""
    waits = life.is_open and FindingClass(row["class"]) in ACTIONABLE
    waited = before is not None and before["actionable_since"] >= life.opened
    since = (before["actionable_since"] if before is not None and waited else today.isoformat()) if waits else ""
    if before is not None and (life.state is State.SETTLED or (life.state is State.HELD and life.shown)):
        since = before["actionable_since"]  # an edit that holds a finding again does not win its provider time
    escalated = waits and row["class"] != FindingClass.INTERNAL
    terms = rules.dated.strictest(row["ksvs"].split(), today)
    for_ksv = row["acts"] == Actor.KSV
    step = escalation(date.fromisoformat(since), terms, today, waits_for_ksv=for_ksv) if escalated else None
    full = row | {
        "state": str(life.state),
        "opened": life.opened,
        "days_open": (today - date.fromisoformat(life.opened)).days if life.settled == "" else row.get("days_open", 0),
        "settled": life.settled,
        "settled_by": life.settled_by,
        "shown": life.shown,
        "actionable_since": since,
        "escalation": step.step if step else "",
        "escalated": step.since if step else "",
        "next_escalation": step.next_on if step else "",
    }
    return {column: full[column] for column in FINDING_COLUMNS}


def member_rows(name: str, finding: Gathered, acts_on: str) -> list[Row]:
    """Return a row per registration of a finding."""
    youngest = max(finding.members, key=lambda member: member.age_key)
    return [
        {
            "finding": name,
            "registratie_id": member.id,
            "aanbieder_agb": member.provider,
            "role": "acts" if member.id == acts_on else "youngest" if member is youngest else "older",
            "held": member.held,
            "absent": False,
            "first_seen": member.first_seen.isoformat(),
        }
        for member in finding.members
    ]


def pair_rows(name: str, finding: Gathered, rules: Rules) -> list[Row]:
    """Return a row per pair that made a finding."""
    rows = []
    for each in finding.pairs:
        left, right = sorted(member.id for member in each.pair.both)
        rows.append(
            {
                "finding": name,
                "left": left,
                "right": right,
                "class": str(each.judgement.outcome),
                "code": each.judgement.code,
                "band": rules.band_of(each.pair.probability),
                "agreed": " ".join(sorted(each.pair.agreed)),
            }
        )
    return rows
