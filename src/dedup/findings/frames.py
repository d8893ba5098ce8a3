"""The tables that go into and come out of findings, with the type of every column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    "settled": "object",
    "settled_by": "object",
    "edd_week": "int64",
    "ksvs": "object",  # codes, sorted, separated by a space
    "band": "object",  # of the most probable pair
    "one_demand": "bool",  # all its registrations are one client's demand
    "acts": "object",
    "acts_agb": "object",
    "acts_on": "object",  # registratie_id
}

# Columns of `Findings.members`, one row per registration in a finding; `role` is youngest, older, or acts when this is
# the registration that someone must do something about.
MEMBER_COLUMNS = {
    "finding": "object",
    "registratie_id": "object",
    "aanbieder_agb": "object",
    "role": "object",
    "held": "bool",
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


@dataclass(frozen=True)
class Findings:
    """A night's findings: three frames with the columns above, each sorted, so that equal input gives equal frames."""

    findings: pd.DataFrame
    members: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def open(self) -> pd.DataFrame:
        """The findings that are shown tonight: not held, not settled."""
        return self.findings[self.findings["state"].isin([str(state) for state in OPEN_STATES])]


def typed_frame(columns: Mapping[str, str], rows: Iterable[tuple[Any, ...]], *, sort_by: list[str]) -> pd.DataFrame:
    """Return rows as a frame with these columns and dtypes, sorted."""
    frame = pd.DataFrame(list(rows), columns=list(columns)).astype(dict(columns))
    return frame.sort_values(sort_by, kind="stable", ignore_index=True)


def no_findings() -> Findings:
    """Return the findings of before the first night."""
    return Findings(
        findings=typed_frame(FINDING_COLUMNS, [], sort_by=["finding"]),
        members=typed_frame(MEMBER_COLUMNS, [], sort_by=["finding"]),
        pairs=typed_frame(PAIR_COLUMNS, [], sort_by=["finding"]),
    )


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
