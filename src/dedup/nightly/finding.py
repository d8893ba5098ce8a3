"""The findings stage: pairs and attributes, joined by row number, become findings that go on from the night before."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pandas as pd

from dedup.findings.classify import find
from dedup.findings.conditions import Conditions
from dedup.findings.frames import FRAMES, Findings, no_findings, typed_frame
from dedup.nightly.conditions import conditions_of
from dedup.nightly.linking import pairs_from_parquet
from dedup.nightly.memory import Made, content_of, digest_of, remembered
from dedup.nightly.night import Night
from dedup.nightly.probing import with_identity_changes
from dedup.nightly.registrations import night_registrations
from dedup.nightly.snapshots import Snapshots
from dedup.store.runs import StageOutput, outputs_before
from dedup.store.tables import View

FINDINGS = "findings"
_MISSING = {"object": "", "int64": -1, "bool": False}


def find_duplicates(night: Night, snapshots: Snapshots, linked: StageOutput) -> StageOutput:
    """Judge the linked pairs and follow the findings of the night before, or return what was made of these before."""
    with night.store.registry.read() as session:
        earlier = outputs_before(session, FINDINGS, night.today)
    before = earlier[-1][1] if earlier else None
    conditions = conditions_of(night, snapshots)
    parts = {
        "linked": linked.output_digest,
        "attributes": sorted(snapshots.attributes),
        "previous": before.output_digest if before else "",
        "rules": digest_of(repr(night.rules)),
        "night": night.today.isoformat(),
        "conditions": conditions_digest(conditions),
    }

    def make() -> Made:
        registrations = with_identity_changes(night, night_registrations(night, snapshots))
        pairs = pairs_from_parquet(content_of(night, linked), night.model)
        grouped, positioned = join(registrations, pairs)
        previous = findings_from_json(content_of(night, before)) if before else no_findings()
        found = find(grouped, positioned, night.rules, today=night.today, previous=previous, conditions=conditions)
        return Made(findings_to_json(found), View.ATTRIBUTES)

    return remembered(night, FINDINGS, parts, make)


def join(registrations: pd.DataFrame, pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the registrations with the column `group`, and the pairs with row positions instead of row numbers.

    A registration's group is the lowest position of its members; one that no pair names is a group of its own.
    """
    left, right = (rows_at(pairs[side], registrations) for side in ("left", "right"))
    group = np.arange(len(registrations))
    for rows, side in ((left, "left_group"), (right, "right_group")):
        group[rows] = rows_at(pairs[side], registrations)
    # The engine names a group after one of its records, which one depends on random row numbers; positions do not.
    lowest = pd.Series(np.arange(len(group))).groupby(group).transform("min")
    positioned = pairs.drop(columns=["left_group", "right_group"]).assign(left=left, right=right)
    return registrations.assign(group=lowest.to_numpy()), positioned


def rows_at(numbers: pd.Series[Any], registrations: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the row positions of registrations by their row numbers."""
    distinct, place = np.unique(numbers.to_numpy(), return_inverse=True)
    known = registrations["row_number"].to_numpy()
    order = np.argsort(known)
    found = np.searchsorted(known, distinct, sorter=order)
    return np.asarray(order[found], dtype=np.int64)[place]


def conditions_digest(conditions: Conditions) -> str:
    """Return a digest of everything in the conditions."""
    return digest_of(
        [
            [repr(conditions.suspected[provider]) for provider in sorted(conditions.suspected)],
            sorted(conditions.delivered or ()),
            conditions.basis,
            conditions.decisions.to_dict(orient="list"),
        ]
    )


def findings_to_json(found: Findings) -> bytes:
    """Return findings as JSON, a list per column: equal findings give equal bytes."""
    return orjson.dumps(
        {
            name: {column: getattr(found, name)[column].tolist() for column in columns}
            for name, columns in FRAMES.items()
        }
    )


def findings_from_json(content: bytes) -> Findings:
    """Return the findings that `findings_to_json` wrote; columns that an earlier version lacked are empty."""
    document = orjson.loads(content)
    frames = {}
    for name, columns in FRAMES.items():
        there = document.get(name, {})
        rows = len(next(iter(there.values()), []))
        values = [there.get(column, [_MISSING[kind]] * rows) for column, kind in columns.items()]
        frames[name] = typed_frame(columns, zip(*values, strict=True), sort_by=list(columns)[:1])
    return Findings(**frames)


def edd_weeks_in(content: bytes) -> dict[str, int]:
    """Return the latest EDD week of every finding, without making frames of the rest."""
    findings = orjson.loads(content)["findings"]
    return dict(zip(findings["finding"], findings["edd_week"], strict=True))
