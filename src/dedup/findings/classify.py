"""Finds the night's duplicate registrations: pairs are judged, gathered into findings, and given their lives."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from dedup.findings.config import Rules
from dedup.findings.frames import (
    FINDING_COLUMNS,
    MEMBER_COLUMNS,
    PAIR_COLUMNS,
    Findings,
    no_findings,
    typed_frame,
)
from dedup.findings.grouping import Gathered, JudgedPair, gather
from dedup.findings.judge import judge
from dedup.findings.lifecycle import Life, continue_life, is_over, match_to_previous, settle
from dedup.findings.read import check_columns, pairs_of_groups, read_pairs
from dedup.findings.vocabulary import Actor, FindingClass, State
from dedup.weeks import week_of


def find(
    registrations: pd.DataFrame,
    pairs: pd.DataFrame,
    rules: Rules,
    *,
    today: date,
    previous: Findings | None = None,
) -> Findings:
    """Return tonight's findings.

    `registrations`: one row per registration, the columns of `fields.ATTRIBUTES`, `first_seen` (date on which the
    server first saw it) and `group` (its group from the linkage); optional `tokens_changed` (date, missing when never)
    and `bootstrap` (bool: came with its provider's first snapshot). `pairs`: `left` and `right` (row positions in
    `registrations`), `probability`, and an int8 level column per comparison that the rules name, -1 missing. `previous`
    are the findings of the night before.

    The result depends on neither row order nor the positions. Raises `FindingsError` (`findings.columns`).
    """
    check_columns(registrations, pairs, rules)
    this_week = week_of(today)
    chosen = pairs_of_groups(registrations, pairs, rules)
    judged = (
        JudgedPair(group, pair, judge(pair, rules, this_week))
        for group, pair in read_pairs(registrations, chosen, rules, today=today)
    )
    gathered = gather(each for each in judged if _still_matters(each))
    gathered = [
        finding
        for finding in gathered
        if not is_over(settled="", edd_week=_latest_edd(finding), rules=rules, today=today)
    ]
    before = previous or no_findings()
    lives, members_before = _lives(before), _members_before(before)
    names = match_to_previous(
        [frozenset(member.id for member in finding.members) for finding in gathered], members_before
    )
    rows: list[tuple[Any, ...]] = []
    member_rows: list[tuple[Any, ...]] = []
    pair_rows: list[tuple[Any, ...]] = []
    for name, finding in zip(names, gathered, strict=True):
        life = continue_life(name, lives.get(name), held=_is_held(finding), today=today)
        rows.append(_finding_row(life, finding, rules, today))
        member_rows += _member_rows(name, finding)
        pair_rows += _pair_rows(name, finding, rules)
    found = Findings(
        findings=typed_frame(FINDING_COLUMNS, rows, sort_by=["finding"]),
        members=typed_frame(MEMBER_COLUMNS, member_rows, sort_by=["finding", "registratie_id"]),
        pairs=typed_frame(PAIR_COLUMNS, pair_rows, sort_by=["finding", "left", "right"]),
    )
    still_open = registrations["registratie_id"][~registrations["status"].isin(rules.closed_statuses)]
    return _with_settled(found, before, lives, members_before, set(still_open), rules, today)


def _still_matters(judged: JudgedPair) -> bool:
    """A closed registration is nobody's double; it only shows that an open one is for another pregnancy."""
    if not any(registration.closed for registration in judged.pair.both):
        return True
    return judged.judgement.code == "L6" and judged.judgement.outcome is FindingClass.LEGITIMATE


def _latest_edd(finding: Gathered) -> int:
    return max(member.edd_week for member in finding.members)


def _is_held(finding: Gathered) -> bool:
    """L9: a finding is held while fewer than two of its registrations are past their reflection time.

    What only the provider itself is shown (L0) is never held: it tells it nothing about anyone else.
    """
    if finding.outcome is FindingClass.INTERNAL:
        return False
    return sum(not member.held for member in finding.members) < 2


def _who_acts(finding: Gathered) -> tuple[Actor, str, str]:
    if finding.outcome is FindingClass.LEGITIMATE:
        return Actor.NOBODY, "", ""
    if finding.outcome is FindingClass.TO_REVIEW or finding.acts_on is None:
        return Actor.KSV, "", ""
    return Actor.PROVIDER, finding.acts_on.provider, finding.acts_on.id


def _finding_row(life: Life, finding: Gathered, rules: Rules, today: date) -> tuple[Any, ...]:
    actor, provider, registration = _who_acts(finding)
    return (
        life.finding,
        str(finding.outcome),
        finding.code,
        str(life.state),
        life.opened,
        (today - date.fromisoformat(life.opened)).days,
        life.settled,
        life.settled_by,
        _latest_edd(finding),
        " ".join(sorted({member.ksv for member in finding.members if member.ksv})),
        rules.band_of(max(each.pair.probability for each in finding.pairs)),
        finding.one_demand,
        str(actor),
        provider,
        registration,
    )


def _member_rows(name: str, finding: Gathered) -> list[tuple[Any, ...]]:
    youngest = max(finding.members, key=lambda member: member.age_key)
    acts_on = _who_acts(finding)[2]
    rows = []
    for member in finding.members:
        role = "acts" if member.id == acts_on else "youngest" if member is youngest else "older"
        rows.append((name, member.id, member.provider, role, member.held))
    return rows


def _pair_rows(name: str, finding: Gathered, rules: Rules) -> list[tuple[Any, ...]]:
    rows = []
    for each in finding.pairs:
        left, right = sorted(member.id for member in each.pair.both)
        rows.append(
            (
                name,
                left,
                right,
                str(each.judgement.outcome),
                each.judgement.code,
                rules.band_of(each.pair.probability),
                " ".join(sorted(each.pair.agreed)),
            )
        )
    return rows


def _lives(previous: Findings) -> dict[str, Life]:
    columns = ["finding", "state", "opened", "settled", "settled_by"]
    rows = previous.findings[columns].itertuples(index=False, name=None)
    return {
        finding: Life(finding, State(state), opened, settled, settled_by)
        for finding, state, opened, settled, settled_by in rows
    }


def _members_before(previous: Findings) -> dict[str, frozenset[str]]:
    members = previous.members.groupby("finding", sort=False)["registratie_id"]
    return {str(name): frozenset(ids) for name, ids in members}


def _with_settled(
    found: Findings,
    before: Findings,
    lives: dict[str, Life],
    members_before: dict[str, frozenset[str]],
    still_open: set[str],
    rules: Rules,
    today: date,
) -> Findings:
    """Return the findings with those of before that were not found again, settled, until they are deleted."""
    gone = before.findings[~before.findings["finding"].isin(found.findings["finding"])]
    kept = []
    for values in gone[list(FINDING_COLUMNS)].itertuples(index=False, name=None):
        row = dict(zip(FINDING_COLUMNS, values, strict=True))
        name = row["finding"]
        life = settle(lives[name], members_left=len(members_before.get(name, frozenset()) & still_open), today=today)
        if not is_over(settled=life.settled, edd_week=row["edd_week"], rules=rules, today=today):
            ended = {"state": str(life.state), "settled": life.settled, "settled_by": life.settled_by}
            kept.append(tuple((row | ended | {"acts": str(Actor.NOBODY)}).values()))
    if not kept:
        return found
    names = {row[0] for row in kept}
    members = before.members[before.members["finding"].isin(names)]
    pairs = before.pairs[before.pairs["finding"].isin(names)]
    rows = [*found.findings.itertuples(index=False, name=None), *kept]
    return Findings(
        findings=typed_frame(FINDING_COLUMNS, rows, sort_by=["finding"]),
        members=pd.concat([found.members, members]).sort_values(
            ["finding", "registratie_id"], kind="stable", ignore_index=True
        ),
        pairs=pd.concat([found.pairs, pairs]).sort_values(
            ["finding", "left", "right"], kind="stable", ignore_index=True
        ),
    )
