"""Follows findings from the night before into tonight: continued, kept through a fault, merged, split or settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pandas as pd

from dedup.findings.conditions import Conditions
from dedup.findings.config import Rules
from dedup.findings.decisions import Answered, decision_frame
from dedup.findings.frames import (
    DELIVERY_COLUMNS,
    FINDING_COLUMNS,
    LINEAGE_COLUMNS,
    MEMBER_COLUMNS,
    PAIR_COLUMNS,
    Findings,
    typed_frame,
)
from dedup.findings.grouping import Gathered
from dedup.findings.lifecycle import Life, continue_life, is_over, match_to_previous, settle
from dedup.findings.rows import Row, answers_to, finding_row, latest_edd, member_rows, pair_rows, with_life
from dedup.findings.vocabulary import Feedback, FindingClass, Kept, SettledBy, State


@dataclass(frozen=True)
class Presence:
    """Tonight's registrations: which there are, which claim care, and since when their identifiers are as they are."""

    there: frozenset[str]
    open: frozenset[str]
    tokens_changed: Mapping[str, str]


@dataclass(frozen=True)
class Earlier:
    """The findings of the night before, by their ids."""

    rows: Mapping[str, Row]
    members: Mapping[str, tuple[Row, ...]]
    pairs: Mapping[str, tuple[Row, ...]]
    lineage: Sequence[Row]

    def ids(self, name: str) -> frozenset[str]:
        """Return the registrations of a finding."""
        return frozenset(member["registratie_id"] for member in self.members[name])


def read_earlier(before: Findings) -> Earlier:
    """Read the frames of the night before."""
    return Earlier(
        rows={row["finding"]: row for row in _rows(before.findings)},
        members=_by_finding(before.members),
        pairs=_by_finding(before.pairs),
        lineage=_rows(before.lineage),
    )


class Following:
    """One night's bookkeeping: takes what was gathered tonight and what there was, gives `Findings`."""

    def __init__(
        self,
        earlier: Earlier,
        presence: Presence,
        answered: Answered,
        conditions: Conditions,
        rules: Rules,
        today: date,
    ) -> None:
        self._earlier, self._presence, self._answered = earlier, presence, answered
        self._conditions, self._rules, self._today = conditions, rules, today
        self._findings: list[Row] = []
        self._members: list[Row] = []
        self._pairs: list[Row] = []
        self._lineage = [row for row in earlier.lineage if not self._forgotten(row["night"])]

    def follow(self, gathered: list[Gathered]) -> Findings:
        """Return tonight's findings."""
        gathered = [one for one in gathered if not self._is_over("", latest_edd(one))]
        before = {name: self._earlier.ids(name) for name in self._earlier.rows}
        tonight = [frozenset(member.id for member in one.members) for one in gathered]
        names = match_to_previous(tonight, before)
        holders = _holders(names, tonight)
        for name, one in zip(names, gathered, strict=True):
            self._found(name, one, holders)
        self._note_splits(names, tonight, before)
        for name in sorted(before.keys() - set(names)):
            self._not_found(name, holders)
        return self._frames()

    def _found(self, name: str, one: Gathered, holders: Mapping[str, set[str]]) -> None:
        earlier = self._earlier.rows.get(name)
        answers = answers_to(one, self._answered.live)
        life = continue_life(
            name,
            _life(earlier) if earlier else None,
            held=_is_held(one),
            today=self._today,
            reopens=earlier is not None and _was_explained(earlier) and one.outcome is not FindingClass.LEGITIMATE,
        )
        row = finding_row(
            life, one, earlier, answers, basis=self._conditions.basis, rules=self._rules, today=self._today
        )
        members = member_rows(name, one, row["acts_on"])
        if earlier is not None and earlier["state"] != State.SETTLED:
            kept = self._kept_members(name, holders)
            members += kept
            if kept:
                row |= self._kept_by_delivery(earlier, kept)
        self._findings.append(row)
        self._members += members
        self._pairs += pair_rows(name, one, self._rules)

    def _kept_members(self, name: str, holders: Mapping[str, set[str]]) -> list[Row]:
        """Return the members that a fault took away, and those who hung together with the others through them."""
        loose = [member for member in self._earlier.members[name] if member["registratie_id"] not in holders]
        absent = [member for member in loose if self._is_absent(member)]
        if not absent:
            return []
        stranded = [
            member for member in loose if member["registratie_id"] in self._presence.open and member not in absent
        ]
        return [member | {"absent": True} for member in absent] + [member | {"absent": False} for member in stranded]

    def _is_absent(self, member: Row) -> bool:
        """Tell whether a registration is gone, and that may be a fault of its provider's delivery."""
        gone = member["registratie_id"] not in self._presence.there
        return gone and self._conditions.lacks(member["aanbieder_agb"], self._rules.stopping_providers)

    def _kept_by_delivery(self, earlier: Row, members: list[Row]) -> Row:
        providers = sorted({member["aanbieder_agb"] for member in members if member["absent"]})
        since = min(self._conditions.since(provider, self._today) for provider in providers).isoformat()
        if earlier["kept"] == Kept.DELIVERY:
            since = min(since, earlier["kept_since"])
        return {"kept": str(Kept.DELIVERY), "kept_for": " ".join(providers), "kept_since": since}

    def _not_found(self, name: str, holders: Mapping[str, set[str]]) -> None:
        earlier = self._earlier.rows[name]
        life = _life(earlier)
        members = [member | {"absent": self._is_absent(member)} for member in self._earlier.members[name]]
        ids = {member["registratie_id"] for member in members}
        still_open = ids & self._presence.open
        absent = [member for member in members if member["absent"]]
        row = dict(earlier)
        if life.state is State.SETTLED:
            pass
        elif (reason := self._reason(earlier, members, still_open, holders)) is not None:
            life = settle(life, reason, today=self._today)
            row |= {"acts": "nobody", "kept": "", "kept_for": "", "kept_since": ""}
            if reason is SettledBy.FEEDBACK:
                row |= {"feedback": str(Feedback.NOT_A_DOUBLE), "feedback_on": self._answered_on(ids)}
            if reason is SettledBy.MERGED:
                self._note_merger(name, ids, holders)
        else:
            life = continue_life(name, life, held=life.state is State.HELD, today=self._today)
            if absent:
                row |= self._kept_by_delivery(earlier, members)
            else:
                since = earlier["kept_since"] if earlier["kept"] == Kept.RELINKED else self._today.isoformat()
                row |= {"kept": str(Kept.RELINKED), "kept_for": "", "kept_since": since}
        if self._is_over(life.settled if life.state is State.SETTLED else "", row["edd_week"]):
            return
        self._findings.append(with_life(row, life, earlier, rules=self._rules, today=self._today))
        self._members += members
        self._pairs += self._earlier.pairs.get(name, ())

    def _reason(
        self, earlier: Row, members: list[Row], still_open: set[str], holders: Mapping[str, set[str]]
    ) -> SettledBy | None:
        """Return why a finding that was not found is settled, None when it is kept.

        That a match is absent settles nothing if the registrations were compared under another key or model since it
        was last there, until one of them changes.
        """
        absent = sum(member["absent"] for member in members)
        ids = sorted(member["registratie_id"] for member in members)
        if self._shared_with_one(ids, holders):
            return SettledBy.MERGED
        if not absent and any(frozenset(pair) in self._answered.dismissed for pair in combinations(ids, 2)):
            return SettledBy.FEEDBACK
        if len(still_open) + absent < 2:
            return SettledBy.LEFT
        if absent:
            return None
        same_basis = earlier["basis"] == self._conditions.basis
        changed = any(self._presence.tokens_changed.get(one, "") > earlier["found_on"] for one in ids)
        return SettledBy.NO_MATCH if same_basis or changed else None

    def _shared_with_one(self, ids: Sequence[str], holders: Mapping[str, set[str]]) -> str:
        """Return tonight's finding that holds two of these registrations or more, "" when none does."""
        counts: dict[str, int] = defaultdict(int)
        for one in ids:
            for name in holders.get(one, ()):
                counts[name] += 1
        return min((name for name, count in counts.items() if count >= 2), default="")

    def _answered_on(self, ids: set[str]) -> str:
        days = [one.decided for one in self._answered.decisions if one.pair <= ids and not one.stale]
        return max(days, default="")

    def _note_merger(self, name: str, ids: set[str], holders: Mapping[str, set[str]]) -> None:
        self._note(self._shared_with_one(sorted(ids), holders), name, "merged")

    def _note_splits(
        self, names: Sequence[str], tonight: Sequence[frozenset[str]], before: Mapping[str, frozenset[str]]
    ) -> None:
        """A new finding of which two registrations or more were in one before came out of that one."""
        homes: dict[str, set[str]] = defaultdict(set)
        for name, ids in before.items():
            for one in ids:
                homes[one].add(name)
        for name, ids in zip(names, tonight, strict=True):
            if name not in before:
                origin = self._shared_with_one(sorted(ids), homes)
                if origin:
                    self._note(name, origin, "split")

    def _note(self, finding: str, other: str, how: str) -> None:
        self._lineage.append({"finding": finding, "other": other, "how": how, "night": self._today.isoformat()})

    def _is_over(self, settled: str, edd_week: int) -> bool:
        return is_over(settled=settled, edd_week=edd_week, rules=self._rules, today=self._today)

    def _forgotten(self, night: str) -> bool:
        # Of a night that is run again, what it noted itself is noted anew.
        oldest = self._today - timedelta(days=self._rules.keep_settled_days)
        return night < oldest.isoformat() or night >= self._today.isoformat()

    def _frames(self) -> Findings:
        suspected = [
            {
                "aanbieder_agb": one.provider,
                "fault": str(one.fault),
                "since": one.since.isoformat(),
                "registrations": one.registrations,
                "expected": one.expected,
                "last_believed": one.last_believed.isoformat(),
            }
            for one in self._conditions.suspected.values()
            if self._conditions.lacks(one.provider, self._rules.stopping_providers)
        ]
        return Findings(
            findings=_frame(FINDING_COLUMNS, self._findings, ["finding"]),
            members=_frame(MEMBER_COLUMNS, self._members, ["finding", "registratie_id"]),
            pairs=_frame(PAIR_COLUMNS, self._pairs, ["finding", "left", "right"]),
            deliveries=_frame(DELIVERY_COLUMNS, suspected, ["aanbieder_agb"]),
            lineage=_frame(LINEAGE_COLUMNS, self._lineage, ["night", "finding", "other"]),
            decisions=decision_frame(self._answered.decisions),
        )


def _is_held(finding: Gathered) -> bool:
    """L9: a finding is held while fewer than two of its registrations are past their reflection time.

    What only the provider itself is shown (L0) is never held: it tells it nothing about anyone else.
    """
    if finding.outcome is FindingClass.INTERNAL:
        return False
    return sum(not member.held for member in finding.members) < 2


def _was_explained(earlier: Row) -> bool:
    """Tell whether a provider had answered that this finding is rightly double."""
    return Feedback.RIGHTLY in earlier["feedback"].split() and earlier["class"] == FindingClass.LEGITIMATE


def _life(row: Row) -> Life:
    return Life(row["finding"], State(row["state"]), row["opened"], row["settled"], row["settled_by"], row["shown"])


def _holders(names: Sequence[str], tonight: Sequence[frozenset[str]]) -> dict[str, set[str]]:
    """Return for each registration the findings that it is in tonight."""
    holders: dict[str, set[str]] = defaultdict(set)
    for name, ids in zip(names, tonight, strict=True):
        for one in ids:
            holders[one].add(name)
    return dict(holders)


def _rows(frame: pd.DataFrame) -> list[Row]:
    columns = [str(name) for name in frame.columns]
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*(frame[c].tolist() for c in columns), strict=True)
    ]


def _by_finding(frame: pd.DataFrame) -> dict[str, tuple[Row, ...]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(frame):
        found[row["finding"]].append(row)
    return {name: tuple(rows) for name, rows in found.items()}


def _frame(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], sort_by: list[str]) -> pd.DataFrame:
    return typed_frame(columns, (tuple(row[column] for column in columns) for row in rows), sort_by=sort_by)
