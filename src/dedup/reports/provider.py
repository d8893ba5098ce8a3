"""Cuts one provider's report from the night: its own registrations, and of others what its KSV's policy allows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from dedup.findings.frames import Findings
from dedup.findings.vocabulary import OPEN_STATES, Actor, FindingClass
from dedup.reports.ksv import ATTRIBUTE_ORDER
from dedup.reports.ksv_settings import KsvSettings, may_name
from dedup.reports.night import Night, came_of_answers, open_since, state_of
from dedup.weeks import MISSING_WEEK

# Only for these may the other provider be named: for what is in doubt a name would tell on a woman who is not ours.
_NAMING = (FindingClass.CERTAIN, FindingClass.LIKELY, FindingClass.CLEAN_UP)


@dataclass(frozen=True, slots=True)
class OwnFinding:
    """One of the provider's registrations in a finding.

    `agreed` names attributes, only for `certain`, and of pairs of which both sides are past their reflection time (L9).
    `turn` is yours, other, ksv or nobody; `answered` is chosen (a provider said with whom the client stays), disagree
    (providers answered differently) or ""; `act_here`: it is this registration that something must be done about.
    `others` counts the other registrations; `counterparties` are (AGB code, name) of those who may be named.
    """

    finding: str
    registratie_id: str
    ksv: str
    outcome: str
    code: str
    state: str
    opened: date
    days_open: int
    edd_week: int
    status: str
    agreed: tuple[str, ...]
    turn: str
    answered: str
    act_here: bool
    others: int
    counterparties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OwnQuality:
    """The provider's own data: its last delivery, and what was remarked on it (code, how often)."""

    snapshot: date | None
    days_old: int | None
    rows: int
    refused: int
    remarks: tuple[tuple[str, int], ...]
    registrations: int
    edd_missing: int
    hours_missing: int


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """The whole report of one provider for one night."""

    provider: str
    name: str
    day: date
    first_night: bool
    findings: tuple[OwnFinding, ...]
    quality: OwnQuality


class ProviderReports:
    """Makes the reports of all providers of a night; what they share is looked up once."""

    def __init__(self, night: Night, findings: Findings, settings: Mapping[str, KsvSettings]) -> None:
        self._night = night
        self._settings = settings
        frames = list(night.registrations_of_ksv.values())
        together = pd.concat(frames) if frames else pd.DataFrame(columns=["aanbieder_agb"])
        self._open_of = {str(agb): rows for agb, rows in together.groupby("aanbieder_agb")}
        self._findings_of: dict[str, set[str]] = defaultdict(set)
        for name, members in night.members_of.items():
            for member in members:
                self._findings_of[member["aanbieder_agb"]].add(name)
        self._agreed: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        pairs = findings.pairs
        for name, left, right, agreed in zip(
            pairs["finding"].tolist(), pairs["left"].tolist(), pairs["right"].tolist(), pairs["agreed"].tolist(),
            strict=True,
        ):  # fmt: skip
            self._agreed[name, left].add((right, agreed))
            self._agreed[name, right].add((left, agreed))

    @property
    def providers(self) -> tuple[str, ...]:
        """The AGB codes of the providers whose snapshot counts."""
        return tuple(sorted(agb for agb in self._night.provider if self._night.snapshot_of(agb) is not None))

    def build(self, provider: str) -> ProviderReport:
        """Return the report of one provider; held findings and held registrations are not told of at all."""
        lines = [line for name in sorted(self._findings_of.get(provider, ())) for line in self._lines(name, provider)]
        known = self._night.provider.get(provider, {})
        return ProviderReport(
            provider=provider,
            name=str(known.get("naam") or ""),
            day=self._night.today,
            first_night=self._night.first_night,
            findings=tuple(sorted(lines, key=_urgency)),
            quality=self._quality(provider, known),
        )

    def _lines(self, name: str, provider: str) -> list[OwnFinding]:
        night, row = self._night, self._night.finding[name]
        if row["state"] not in OPEN_STATES:
            return []
        internal = row["class"] == FindingClass.INTERNAL
        shown = [
            member
            for member in night.members_of[name]
            if (member["absent"] or member["registratie_id"] in night.registration) and (internal or not member["held"])
        ]
        if len(shown) < 2:
            return []
        past_reflection = {member["registratie_id"] for member in shown}
        lines = []
        for member in shown:
            if member["aanbieder_agb"] != provider or member["registratie_id"] not in night.registration:
                continue
            own = night.registration[member["registratie_id"]]
            others = [other for other in shown if other is not member]
            lines.append(
                OwnFinding(
                    finding=name,
                    registratie_id=own["registratie_id"],
                    ksv=own["ksv"],
                    outcome=row["class"],
                    code=row["code"],
                    state=state_of(row, night.today),
                    opened=open_since(row),
                    days_open=(night.today - open_since(row)).days,
                    edd_week=int(own["edd_week"]),
                    status=own["status"],
                    agreed=self._agreed_of(name, own["registratie_id"], past_reflection, row["class"]),
                    turn=_turn(row, provider),
                    answered=came_of_answers(row["acts"], row["class"], row["feedback"].split()),
                    act_here=row["acts_on"] == own["registratie_id"],
                    others=len(others),
                    counterparties=self._named(own, others, row["class"]),
                )
            )
        return lines

    def _agreed_of(self, name: str, own: str, past_reflection: set[str], outcome: str) -> tuple[str, ...]:
        if outcome != FindingClass.CERTAIN:
            return ()
        found: set[str] = set()
        for other, agreed in self._agreed[name, own]:
            if other in past_reflection:
                found.update(agreed.split())
        return tuple(attribute for attribute in ATTRIBUTE_ORDER if attribute in found)

    def _named(
        self, own: Mapping[str, Any], others: list[Mapping[str, Any]], outcome: str
    ) -> tuple[tuple[str, str], ...]:
        if outcome not in _NAMING:
            return ()
        named = {}
        for other in others:
            agb = other["aanbieder_agb"]
            known = self._night.registration.get(other["registratie_id"])
            if known is None:  # absent by a suspected fault of its provider's delivery: whose policy holds is not known
                continue
            may = may_name(self._settings, own=(own["ksv"], own["aanbieder_agb"]), other=(known["ksv"], agb))
            if may and agb != own["aanbieder_agb"]:
                named[agb] = str(self._night.provider.get(agb, {}).get("naam") or "")
        return tuple(sorted(named.items()))

    def _quality(self, provider: str, known: Mapping[str, Any]) -> OwnQuality:
        own = self._open_of.get(provider, pd.DataFrame(columns=["edd_week", "indicatie_uren"]))
        remarks: Counter[str] = Counter(known.get("warnings") or {})
        return OwnQuality(
            snapshot=self._night.snapshot_of(provider),
            days_old=self._night.days_old(provider),
            rows=int(known.get("rows") or 0),
            refused=int(known.get("refused") or 0),
            remarks=tuple(sorted(remarks.items(), key=lambda item: (-item[1], item[0]))),
            registrations=len(own),
            edd_missing=int((own["edd_week"] == MISSING_WEEK).sum()),
            hours_missing=int((own["indicatie_uren"] < 0).sum()),
        )


def _turn(row: Mapping[str, Any], provider: str) -> str:
    if row["acts"] == Actor.PROVIDER:
        return "yours" if row["acts_agb"] == provider else "other"
    return str(row["acts"])


def _urgency(line: OwnFinding) -> tuple[object, ...]:
    """The provider's own turn first, then by class, then from long open to short."""
    return (line.turn != "yours", list(FindingClass).index(FindingClass(line.outcome)), -line.days_open, line.finding,
            line.registratie_id)  # fmt: skip
