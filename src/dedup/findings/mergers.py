"""Provider mergers: what stood under the old AGB code goes on under the new one, findings and answers included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from dedup.fields import Status
from dedup.findings.conditions import Conditions
from dedup.findings.config import Merger
from dedup.findings.frames import Findings

_AGB_COLUMNS = ("aanbieder_agb", "relatie_agb", "overdracht_agb")


def in_force(mergers: Sequence[Merger], today: date) -> dict[str, str]:
    """Return the new AGB code of each old one on this day; a chain of mergers ends at its last provider."""
    codes = {merger.old: merger.new for merger in mergers if merger.since <= today}
    return {old: _end(new, codes) for old, new in codes.items()}


def _end(code: str, codes: dict[str, str]) -> str:
    seen = {code}
    while code in codes and codes[code] not in seen:
        code = codes[code]
        seen.add(code)
    return code


def merged_registrations(registrations: pd.DataFrame, codes: dict[str, str]) -> pd.DataFrame:
    """Return the registrations under the new codes.

    While both providers still deliver, one registration comes twice under one registratie_id, which the night has
    written as `ID@AGB`. The new provider's is then the registration, and the old one's counts as cancelled.
    """
    if not codes or registrations.empty:
        return registrations
    ids, owner = registrations["registratie_id"], registrations["aanbieder_agb"]
    base, is_shared = ids.str.partition("@")[0], ids.str.contains("@", regex=False)
    place = owner.map(lambda code: codes.get(code, code))
    twins = is_shared & (base.groupby(base).transform("size") == place.groupby([base, place]).transform("size"))
    old = twins & owner.isin(codes)
    changed = {
        column: registrations[column].map(lambda code: codes.get(code, code))
        for column in _AGB_COLUMNS
        if column in registrations
    }
    return registrations.assign(
        **changed,
        registratie_id=ids.where(~(twins & ~old), base),
        status=registrations["status"].where(~old, str(Status.GEANNULEERD)),
    )


def merged_conditions(conditions: Conditions, codes: dict[str, str]) -> Conditions:
    """Return a night's conditions under the new codes.

    That an old code delivers less, or nothing, is what a merger is: it is suspected only while the new one is silent.
    """
    if not codes:
        return conditions
    delivered = conditions.delivered
    if delivered is not None:
        delivered = frozenset(codes.get(code, code) for code in delivered)
    own = {code: suspicion for code, suspicion in conditions.suspected.items() if code not in codes}
    inherited = {
        codes[code]: replace(suspicion, provider=codes[code])
        for code, suspicion in conditions.suspected.items()
        if code in codes and codes[code] not in (conditions.delivered or ())
    }
    return replace(conditions, suspected=inherited | own, delivered=delivered)


def merged_findings(findings: Findings, codes: dict[str, str]) -> Findings:
    """Return earlier findings with their providers under the new codes."""
    if not codes:
        return findings

    def renamed(frame: pd.DataFrame, column: str) -> pd.DataFrame:
        return frame.assign(**{column: frame[column].map(lambda code: codes.get(code, code)).astype(object)})

    return replace(
        findings,
        findings=renamed(findings.findings, "acts_agb"),
        members=renamed(findings.members, "aanbieder_agb"),
        decisions=renamed(findings.decisions, "provider"),
    )
