"""One night's tables prepared once, so that the reports of all KSVs can be cut from them quickly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from dedup.errors import DedupError
from dedup.findings.frames import Findings
from dedup.findings.vocabulary import Actor, Feedback, FindingClass, State
from dedup.reports.data import DoubtfulContract, ReportTerms
from dedup.reports.demand import NO_DEMAND, demand_table

PROVIDER_COLUMNS = ("aanbieder_agb", "naam", "vendor", "snapshot_date", "rows", "refused", "warnings")


class ReportError(DedupError):
    """Tables that no report can be made from."""


@dataclass(frozen=True)
class Night:
    """Everything that the reports of one night are cut from; made by `prepare`.

    `findings_of_ksv` lists the findings with a registration in a KSV; `members_of` and `agreed_in` are by finding,
    `registration` by registratie_id, `provider` and `suspected` (deliveries) by AGB code; the frames are keyed by KSV.
    """

    today: date
    terms: ReportTerms
    first_night: bool
    finding: Mapping[str, Mapping[str, Any]]
    findings_of_ksv: Mapping[str, tuple[str, ...]]
    members_of: Mapping[str, tuple[Mapping[str, Any], ...]]
    agreed_in: Mapping[str, frozenset[str]]
    registration: Mapping[str, Mapping[str, Any]]
    provider: Mapping[str, Mapping[str, Any]]
    suspected: Mapping[str, Mapping[str, Any]]
    contracted: Mapping[str, frozenset[str]]
    contract_names: Mapping[str, str]
    doubtful_contracts: tuple[DoubtfulContract, ...]
    registrations_of_ksv: Mapping[str, pd.DataFrame]
    demand_of_ksv: Mapping[str, pd.DataFrame]
    history_of_ksv: Mapping[str, tuple[tuple[date, int], ...]]

    @property
    def ksvs(self) -> tuple[str, ...]:
        """The codes of all KSVs with a registration or a contract, sorted."""
        return tuple(sorted({*self.registrations_of_ksv, *self.contracted}))

    def snapshot_of(self, provider: str) -> date | None:
        """Return the day of the snapshot of a provider that counts, None when there is none."""
        day = self.provider.get(provider, {}).get("snapshot_date")
        return None if day is None or pd.isna(day) else pd.Timestamp(day).date()

    def days_old(self, provider: str) -> int | None:
        """Return how many days old that snapshot is."""
        day = self.snapshot_of(provider)
        return None if day is None else (self.today - day).days


def open_since(row: Mapping[str, Any]) -> date:
    """Return the day since when somebody must act on a finding, or since when it is open where nobody must.

    A double that was rightly one for a while is only to act on once its term is over.
    """
    return date.fromisoformat(row["actionable_since"] or row["opened"])


def state_of(row: Mapping[str, Any], today: date) -> str:
    """Return a finding's state; one that is to be acted on since today is new, also if it was there before."""
    return str(State.NEW if row["state"] == State.OPEN and open_since(row) == today else row["state"])


def came_of_answers(acts: str, outcome: str, answers: Iterable[str]) -> str:
    """Return what providers' answers came to: chosen, disagree, or "" for nothing that changes a finding's step.

    The client chose when a provider said with whom she stays; what is to be cleaned up is to be closed whatever they
    say. They disagree when the KSV acts although they said so, or that it is no double and that it is rightly one.
    """
    given = set(answers)
    chosen = bool(given & {Feedback.OURS, Feedback.THEIRS})
    if acts == Actor.KSV:
        return "disagree" if chosen or {Feedback.NOT_A_DOUBLE, Feedback.RIGHTLY} <= given else ""
    if acts == Actor.NOBODY or outcome == FindingClass.CLEAN_UP:
        return ""
    return "chosen" if chosen else ""


def prepare(
    findings: Findings,
    registrations: pd.DataFrame,
    providers: pd.DataFrame,
    *,
    today: date,
    terms: ReportTerms | None = None,
    contracts: pd.DataFrame | None = None,
    doubtful: Sequence[DoubtfulContract] = (),
    history: pd.DataFrame | None = None,
) -> Night:
    """Prepare a night.

    `registrations` as for `findings.classify.find`. `providers`: one row per provider known, with aanbieder_agb, naam,
    vendor, snapshot_date (a date, missing when it never delivered), rows and refused (of that snapshot), warnings
    (a dict of counts by code); optional `stopped` (it delivered once). `contracts` (ksv, aanbieder_agb, naam): who
    should deliver; `doubtful`: lines of that list that a person must look at. `history` (ksv, day, open): earlier
    nights. Raises `ReportError` (`reports.columns`).
    """
    if missing := sorted(set(PROVIDER_COLUMNS) - set(providers.columns)):
        raise ReportError("reports.columns", f"The providers have no column {missing[0]}.")
    ids = set(findings.members["registratie_id"])
    in_findings = registrations.loc[registrations["registratie_id"].isin(ids)]
    registration = {row["registratie_id"]: row for row in _rows(in_findings)}
    members_of: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    findings_of_ksv: dict[str, dict[str, None]] = defaultdict(dict)
    for member in _rows(findings.members):
        # A registration that has left since stays in its settled finding, but nothing is known of it any more.
        known = registration.get(member["registratie_id"])
        members_of[member["finding"]].append(member)
        if known is not None and known["ksv"]:
            findings_of_ksv[known["ksv"]][member["finding"]] = None
    agreed_in: dict[str, set[str]] = defaultdict(set)
    for pair in _rows(findings.pairs):
        agreed_in[pair["finding"]].update(pair["agreed"].split())
    finding = {row["finding"]: row for row in _rows(findings.findings)}
    for name, row in finding.items():
        for ksv in row["ksvs"].split():
            findings_of_ksv[ksv][name] = None
    asking = demand_table(registrations, findings)
    open_ones = registrations.loc[
        ~registrations["status"].isin(NO_DEMAND),
        ["ksv", "aanbieder_agb", "bronsysteem", "edd_week", "indicatie_uren"],
    ]
    return Night(
        today=today,
        terms=terms or ReportTerms(),
        first_night=history is None or history.empty,
        finding=finding,
        findings_of_ksv={ksv: tuple(names) for ksv, names in findings_of_ksv.items()},
        members_of={name: tuple(members) for name, members in members_of.items()},
        agreed_in={name: frozenset(agreed) for name, agreed in agreed_in.items()},
        registration=registration,
        provider={row["aanbieder_agb"]: row for row in _rows(providers)},
        suspected={row["aanbieder_agb"]: row for row in _rows(findings.deliveries)},
        contracted=_contracted(contracts),
        contract_names={}
        if contracts is None
        else dict(zip(contracts["aanbieder_agb"], contracts["naam"], strict=True)),
        doubtful_contracts=tuple(doubtful),
        registrations_of_ksv=_by_ksv(open_ones),
        demand_of_ksv=_by_ksv(asking),
        history_of_ksv=_history(history),
    )


def _rows(frame: pd.DataFrame) -> list[Mapping[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = [frame[name].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _by_ksv(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(ksv): rows for ksv, rows in frame.groupby("ksv", sort=True) if ksv}


def _contracted(contracts: pd.DataFrame | None) -> dict[str, frozenset[str]]:
    if contracts is None:
        return {}
    return {str(ksv): frozenset(rows["aanbieder_agb"]) for ksv, rows in contracts.groupby("ksv")}


def _history(history: pd.DataFrame | None) -> dict[str, tuple[tuple[date, int], ...]]:
    if history is None:
        return {}
    points: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for row in _rows(history):
        points[row["ksv"]].append((pd.Timestamp(row["day"]).date(), int(row["open"])))
    return {ksv: tuple(sorted(nights)) for ksv, nights in points.items()}
