"""Finds the night's duplicate registrations: pairs are judged, gathered into findings, and given their lives."""

from __future__ import annotations

from datetime import date

import pandas as pd

from dedup.findings.conditions import Conditions
from dedup.findings.config import Rules
from dedup.findings.decisions import hear, read_decisions
from dedup.findings.follow import Following, Presence, read_earlier
from dedup.findings.frames import Findings, no_findings
from dedup.findings.grouping import JudgedPair, gather
from dedup.findings.judge import judge
from dedup.findings.mergers import in_force, merged_conditions, merged_findings, merged_registrations
from dedup.findings.read import check_columns, pairs_of_groups, read_pairs
from dedup.findings.vocabulary import FindingClass
from dedup.weeks import week_of

NOTHING_SPECIAL = Conditions()


def find(
    registrations: pd.DataFrame,
    pairs: pd.DataFrame,
    rules: Rules,
    *,
    today: date,
    previous: Findings | None = None,
    conditions: Conditions = NOTHING_SPECIAL,
) -> Findings:
    """Return tonight's findings.

    `registrations`: one row per registration, the columns of `fields.ATTRIBUTES`, `first_seen` (date on which the
    server first saw it) and `group` (its group from the linkage); optional `tokens_changed` (date, missing when never),
    `identity_changes` (how often, 0 when not given) and `bootstrap` (bool: came with its provider's first snapshot).
    `pairs`: `left` and `right` (row positions in `registrations`), `probability`, and an int8 level column per
    comparison that the rules name, -1 missing. `previous` are the findings of the night before.

    The result depends on neither row order nor the positions. Raises `FindingsError` (`findings.columns`).
    """
    check_columns(registrations, pairs, rules)
    codes = in_force(rules.mergers, today)
    registrations = merged_registrations(registrations, codes)
    conditions = merged_conditions(conditions, codes)
    before = merged_findings(previous or no_findings(), codes)
    known = _shown_before(before, codes)
    chosen = pairs_of_groups(registrations, pairs, rules)
    judged = (
        JudgedPair(group, pair, judge(pair, rules, week_of(today)))
        for group, pair in read_pairs(registrations, chosen, rules, today=today, known=known)
    )
    answered = hear(
        (each for each in judged if _still_matters(each)),
        read_decisions(before.decisions, conditions.decisions),
        basis=conditions.basis,
        rules=rules,
        today=today,
    )
    following = Following(read_earlier(before), _presence(registrations, rules), answered, conditions, rules, today)
    return following.follow(gather(answered.judged))


def _still_matters(judged: JudgedPair) -> bool:
    """A closed registration is nobody's double; it only shows that an open one is for another pregnancy."""
    if not any(registration.closed for registration in judged.pair.both):
        return True
    return judged.judgement.code == "L6" and judged.judgement.outcome is FindingClass.LEGITIMATE


def _shown_before(before: Findings, codes: dict[str, str]) -> frozenset[str]:
    """Return the registrations of merged providers that were past L9: under another code they are not new."""
    members = before.members
    return frozenset(members.loc[members["aanbieder_agb"].isin(codes.values()) & ~members["held"], "registratie_id"])


def _presence(registrations: pd.DataFrame, rules: Rules) -> Presence:
    ids = registrations["registratie_id"]
    changed: dict[str, str] = {}
    if "tokens_changed" in registrations:
        known = registrations.loc[registrations["tokens_changed"].notna(), ["registratie_id", "tokens_changed"]]
        days = pd.to_datetime(known["tokens_changed"]).dt.date
        changed = {name: day.isoformat() for name, day in zip(known["registratie_id"], days, strict=True)}
    return Presence(
        there=frozenset(ids),
        open=frozenset(ids[~registrations["status"].isin(rules.closed_statuses)]),
        tokens_changed=changed,
    )
