"""The tables that go into and come out of findings, with the type of every column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dedup.errors import DedupError
from dedup.findings.vocabulary import OPEN_STATES, FindingClass


class FindingsError(DedupError):
    """Tables that findings cannot be made from."""


# Columns of `Findings.findings`, one row per finding. `class` and `code` as in the vocabulary, `rule` of a legitimate
# kind is in `code`; dates are ISO strings ("" when there is none), weeks are ordinals (-1 missing).
FINDING_COLUMNS = {
    "finding": "object",
    "class": "object",
    "code": "object",
    "state": "object",
    "opened": "object",
    "days_open": "int64",
    "settled": "object",  # also while it is held since
    "settled_by": "object",
    "edd_week": "int64",
    "ksvs": "object",  # codes, sorted, separated by a space
    "band": "object",  # of the most probable pair
    "one_demand": "bool",  # all its registrations are one client's demand
    "acts": "object",
    "acts_agb": "object",
    "acts_on": "object",  # registratie_id
    "actionable_since": "object",  # day since when somebody must act, or had to when it was settled; "" if nobody
    "escalation": "object",  # dated.Step that it is escalated to, "" for none
    "escalated": "object",  # day of that step
    "next_escalation": "object",  # day of the next one
    "kept": "object",  # vocabulary.Kept, "" when it was found tonight as usual
    "kept_for": "object",  # AGB codes of the providers whose delivery is suspected, separated by a space
    "kept_since": "object",
    "feedback": "object",  # vocabulary.Feedback answers that stand, sorted, separated by a space
    "feedback_on": "object",  # day of the last of them
    "shown": "bool",  # it was open since it was last settled
    "found_on": "object",  # the last night on which it was found
    "basis": "object",  # and what it was linked under then (`Conditions.basis`)
}

# Columns of `Findings.members`, one row per registration in a finding; `role` is youngest, older, or acts when this is
# the registration that someone must do something about.
MEMBER_COLUMNS = {
    "finding": "object",
    "registratie_id": "object",
    "aanbieder_agb": "object",
    "role": "object",
    "held": "bool",
    "absent": "bool",  # not in tonight's snapshot, by a suspected fault of its provider's delivery
    "first_seen": "object",  # by the server
}

# Columns of `Findings.pairs`, one row per pair that was judged within a finding; `agreed` holds names of comparisons,
# sorted, separated by a space.
PAIR_COLUMNS = {
    "finding": "object",
    "left": "object",
    "right": "object",
    "class": "object",
    "code": "object",
    "band": "object",
    "agreed": "object",
}

# Columns of `Findings.deliveries`: one row per provider whose delivery is suspected tonight.
DELIVERY_COLUMNS = {
    "aanbieder_agb": "object",
    "fault": "object",  # deliveries.Fault
    "since": "object",
    "registrations": "int64",  # in the snapshot that is suspected, 0 when there is none
    "expected": "int64",  # in the last one that is believed
    "last_believed": "object",
}

# Columns of `Findings.lineage`: which finding goes on in which.
LINEAGE_COLUMNS = {
    "finding": "object",
    "other": "object",
    "how": "object",  # merged: `other` went on in `finding`; split: `finding` came out of `other`
    "night": "object",
}

# Columns of `Findings.decisions`: what providers answered; `agreed` is what agreed then, `basis` under which keys.
DECISION_COLUMNS = {
    "registratie_id": "object",
    "other": "object",
    "provider": "object",
    "answer": "object",  # vocabulary.Feedback
    "rule": "object",  # the code of a rule, for `terecht`
    "decided": "object",
    "agreed": "object",
    "edd_week": "int64",
    "basis": "object",
    "stale": "bool",  # there is new evidence since
}


# The frames of `Findings`, each with its columns.
FRAMES: Mapping[str, Mapping[str, str]] = {
    "findings": FINDING_COLUMNS,
    "members": MEMBER_COLUMNS,
    "pairs": PAIR_COLUMNS,
    "deliveries": DELIVERY_COLUMNS,
    "lineage": LINEAGE_COLUMNS,
    "decisions": DECISION_COLUMNS,
}


@dataclass(frozen=True)
class Findings:
    """A night's findings: frames with the columns above, each sorted, so that equal input gives equal frames."""

    findings: pd.DataFrame
    members: pd.DataFrame
    pairs: pd.DataFrame
    deliveries: pd.DataFrame = field(default_factory=lambda: empty_frame("deliveries"))
    lineage: pd.DataFrame = field(default_factory=lambda: empty_frame("lineage"))
    decisions: pd.DataFrame = field(default_factory=lambda: empty_frame("decisions"))

    @property
    def open(self) -> pd.DataFrame:
        """The findings that are shown tonight: not held, not settled."""
        return self.findings[self.findings["state"].isin([str(state) for state in OPEN_STATES])]


def typed_frame(columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]], *, sort_by: list[str]) -> pd.DataFrame:
    """Return rows as a frame with these columns and dtypes, sorted."""
    frame = pd.DataFrame(list(rows), columns=list(columns)).astype(dict(columns))
    return frame.sort_values(sort_by, kind="stable", ignore_index=True) if sort_by else frame


def empty_frame(name: str) -> pd.DataFrame:
    """Return one of the frames of `Findings` without any row."""
    return typed_frame(FRAMES[name], [], sort_by=[])


def no_findings() -> Findings:
    """Return the findings of before the first night."""
    return Findings(findings=empty_frame("findings"), members=empty_frame("members"), pairs=empty_frame("pairs"))


def class_table(findings: Findings) -> pd.DataFrame:
    """Return what `findings.parquet` holds: finding, registratie_id, class, code.

    One row per registration in a finding that is not settled, held ones included; a legitimate class is written
    `legitimate:CODE`. Two registrations share at most one finding.
    """
    live = findings.findings[findings.findings["state"] != "settled"]
    table = findings.members.merge(live[["finding", "class", "code"]], on="finding")
    table["class"] = [
        FindingClass(name).written(code) for name, code in zip(table["class"], table["code"], strict=True)
    ]
    return table[["finding", "registratie_id", "class", "code"]].sort_values(
        ["finding", "registratie_id"], kind="stable", ignore_index=True
    )
