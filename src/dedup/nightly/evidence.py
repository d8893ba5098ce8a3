"""The last night as it was judged: its findings, and for every pair in a group what the linkage made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from dedup.errors import StoreError
from dedup.findings.config import Rules
from dedup.findings.frames import Findings
from dedup.findings.mergers import merged_registrations
from dedup.findings.read import names_where, pairs_of_groups
from dedup.nightly.finding import FINDINGS, findings_from_json, join
from dedup.nightly.linking import LINK, pairs_from_parquet
from dedup.nightly.memory import content_of
from dedup.nightly.night import Night
from dedup.nightly.registrations import night_registrations
from dedup.nightly.snapshots import current_snapshots
from dedup.store.runs import outputs_before


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """What the linkage made of a pair; names of comparisons, never values."""

    probability: float
    agreed: frozenset[str]
    contradicted: bool


@dataclass(frozen=True)
class Judged:
    """What a night's findings were made from, as `find` takes it, and the evidence for each pair within a group."""

    registrations: pd.DataFrame
    pairs: pd.DataFrame
    evidence: Mapping[frozenset[str], PairEvidence]


def last_findings(night: Night) -> tuple[date, Findings]:
    """Return the last night's day and findings; raises `StoreError` (`store.no-night`) before the first night."""
    with night.store.registry.read() as session:
        found = outputs_before(session, FINDINGS, date.max)
    if not found:
        raise StoreError("store.no-night", "There is no night to go on from; run `dedup nightly` first.")
    day, output = found[-1]
    return day, findings_from_json(content_of(night, output))


def last_judged(night: Night) -> Judged | None:
    """Return what the last findings were made from; None where bundles came or links were forgotten since."""
    with night.store.registry.read() as session:
        linked = outputs_before(session, LINK, date.max)
    if not linked:
        return None
    registrations = night_registrations(night, current_snapshots(night))
    pairs = pairs_from_parquet(content_of(night, linked[-1][1]), night.model)
    if not (set(pairs["left"]) | set(pairs["right"])) <= set(registrations["row_number"]):
        return None
    grouped, positioned = join(registrations, pairs)
    named = merged_registrations(grouped, replace(night, today=linked[-1][0]).new_codes)
    return Judged(grouped, positioned, pair_evidence(named, positioned, night.rules))


def pair_evidence(registrations: pd.DataFrame, pairs: pd.DataFrame, rules: Rules) -> dict[frozenset[str], PairEvidence]:
    """Return what the linkage made of every pair within a group."""
    chosen = pairs_of_groups(registrations, pairs, rules)
    ids = registrations["registratie_id"].to_numpy()
    agreed = names_where(chosen, rules.evidence.agrees, at_least=True)
    contradicted = names_where(chosen, rules.evidence.contradicts, at_least=False)
    return {
        frozenset((ids[left], ids[right])): PairEvidence(float(probability), agrees, bool(contradicts))
        for left, right, probability, agrees, contradicts in zip(
            chosen["left"], chosen["right"], chosen["probability"], agreed, contradicted, strict=True
        )
    }
