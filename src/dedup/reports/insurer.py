"""Cuts the preferred insurer's monthly report from a night: counts per KSV and EDD month, under disclosure control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from dedup.findings.frames import Findings
from dedup.findings.rules import EXPLAINING
from dedup.findings.vocabulary import OPEN_STATES, FindingClass, State
from dedup.reports.demand import DEMAND_COLUMNS
from dedup.reports.disclosure import Counts, DisclosureRules, Flags, choose_shown, rounded, too_telling
from dedup.reports.ksv import NEVER_SETTLED
from dedup.reports.night import Night, open_since

INSURER_VERSION = "insurer-report/1"
ALL = "all"
NO_EDD = "missing"
MEASURES = ("gross", "unique", "double", "legitimate", "waiting")
SETTLED_WITHIN_DAYS = 14
COHORT_DAYS = 28  # a settled finding is kept for 28 days, so of older ones it is not known how many were settled
DOUBLES = (FindingClass.CERTAIN, FindingClass.LIKELY)
CODES = EXPLAINING
_TAIL = 0.1  # the range of hours leaves out the tenth at either end ...
_TAIL_CLIENTS = 3  # ... and three clients at least


@dataclass(frozen=True, slots=True)
class InsurerCell:
    """One KSV and EDD month, `all` for a total, `missing` where the EDD is; a count that is None is not shown.

    `gross` counts registrations, `unique` clients, `double` registrations in a double to act on, `legitimate` those in
    a legitimate one, `waiting` clients who are on waiting lists only. Hours are indicated, of clients.
    """

    ksv: str
    month: str
    counts: Mapping[str, int | None]
    hours_mean: int | None
    hours_low: int | None
    hours_high: int | None


@dataclass(frozen=True, slots=True)
class InsurerKsv:
    """One KSV, or `all`: who delivers, legitimate registrations by rule, and doubles settled within fourteen days.

    `doubles_opened` counts doubles that opened between 28 and 14 days before the night, `doubles_settled` those of them
    that were settled within 14 days.
    """

    ksv: str
    name: str
    contracted: int
    delivering: int
    legitimate: Mapping[str, int | None]
    doubles_opened: int | None
    doubles_settled: int | None


@dataclass(frozen=True, slots=True)
class InsurerReport:
    """What one preferred insurer is told of one month: as it stood in the night of `day`. It holds no ids."""

    insurer: str
    month: str
    day: date
    rules: DisclosureRules
    cells: tuple[InsurerCell, ...]
    ksvs: tuple[InsurerKsv, ...]


def build_insurer(
    night: Night,
    findings: Findings,
    *,
    insurer: str,
    month: str,
    ksv_names: Mapping[str, str],
    rules: DisclosureRules | None = None,
) -> InsurerReport:
    """Return the report of the insurer that contracts in the KSVs of `ksv_names`."""
    rules = rules or DisclosureRules()
    ksvs = sorted(ksv_names)
    places = [*ksvs, ALL] if len(ksvs) > 1 else ksvs  # one KSV is its own total
    table = _registrations(night, findings, ksvs)
    known = set(table["month"])
    months = [*sorted(known - {NO_EDD}), *sorted(known & {NO_EDD})]
    # Every count that could be published: a measure per KSV and month with all totals, a rule per KSV and in all.
    keys = [(ksv, month, kind) for ksv in places for month in (*months, ALL) for kind in MEASURES]
    keys += [(ksv, ALL, code) for ksv in places for code in CODES]
    counts = _publish(table, keys, KINDS, rules)
    cells = tuple(
        InsurerCell(
            ksv,
            month,
            {kind: counts[ksv, month, kind] for kind in MEASURES},
            *_hours(_part(table, ksv, month), shown=counts[ksv, month, "unique"] is not None, rules=rules),
        )
        for ksv in places
        for month in (*months, ALL)
    )
    settled = _settled(night, places, rules)
    lines = tuple(
        InsurerKsv(
            ksv,
            ksv_names.get(ksv, ""),
            *_coverage(night, ksvs if ksv == ALL else [ksv]),
            {code: counts[ksv, ALL, code] for code in CODES},
            settled[ksv, ALL, "opened"],
            settled[ksv, ALL, "settled"],
        )
        for ksv in places
    )
    return InsurerReport(insurer, month, night.today, rules, cells, lines)


def _kinds_of_sort(category: str, client: str) -> frozenset[str]:
    """Return the counts that a registration belongs to; `client`: she counts here, waits here, or counts elsewhere."""
    of_client = {"counts": {"unique"}, "waits": {"unique", "waiting"}, "elsewhere": set()}[client]
    of_category = {"single": set(), "double": {"double"}}.get(category, {"legitimate", category})
    return frozenset({"gross", *of_client, *of_category})


# All sorts of registrations that there can be; a registration is in a double or in a legitimate finding, never in both.
_CATEGORIES, _CLIENTS = ("single", "double", *CODES), ("counts", "waits", "elsewhere")
KINDS = tuple(_kinds_of_sort(category, client) for category in _CATEGORIES for client in _CLIENTS)


def _registrations(night: Night, findings: Findings, ksvs: Sequence[str]) -> pd.DataFrame:
    """Return the registrations that ask for care, with their `sort` as a place in `KINDS`."""
    frames = [night.demand_of_ksv[ksv] for ksv in ksvs if ksv in night.demand_of_ksv]
    asking = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(DEMAND_COLUMNS))
    shown = findings.findings.loc[findings.findings["state"].isin([str(state) for state in OPEN_STATES])]
    members = findings.members.merge(shown[["finding", "class", "code"]], on="finding")
    right = members.loc[(members["class"] == FindingClass.LEGITIMATE) & members["code"].isin(CODES)]
    category = dict(zip(right["registratie_id"], right["code"], strict=True))
    category |= dict.fromkeys(members.loc[members["class"].isin(DOUBLES), "registratie_id"], "double")
    of_client = np.where(asking["counts"].astype(bool), np.where(asking["waiting"].astype(bool), 1, 0), 2)
    of_category = asking["registratie_id"].map(category).fillna("single").map(_CATEGORIES.index)
    return asking.assign(
        month=asking["month"].replace("", NO_EDD), sort=of_category.astype("int64") * len(_CLIENTS) + of_client
    )


Key = tuple[str, str, str]


def _publish(
    table: pd.DataFrame, keys: Sequence[Key], kinds: Sequence[frozenset[str]], rules: DisclosureRules
) -> dict[Key, int | None]:
    """Return the rounded count of every key (KSV, month, kind), None where it is not shown.

    `table` has ksv, month, aanbieder_agb and sort, a place in `kinds`. An atom is all of one sort in a KSV and month.
    """
    ksvs, months = (sorted({key[at] for key in keys} - {ALL}) or [ALL] for at in (0, 1))
    atoms = list(product(ksvs, months, range(len(kinds))))
    place = {atom: number for number, atom in enumerate(atoms)}
    provider, providers = pd.factorize(table["aanbieder_agb"], sort=True)
    held = np.zeros((len(atoms), max(len(providers), 1)), dtype=np.int64)
    rows = zip(table["ksv"].tolist(), table["month"].tolist(), table["sort"].tolist(), strict=True)
    np.add.at(held, (np.array([place[row] for row in rows], dtype=np.int64), provider), 1)
    in_ksv = {ksv: np.array([ksv in (ALL, atom[0]) for atom in atoms]) for ksv in {key[0] for key in keys}}
    in_month = {month: np.array([month in (ALL, atom[1]) for atom in atoms]) for month in {key[1] for key in keys}}
    in_kind = {kind: np.array([kind in kinds[atom[2]] for atom in atoms]) for kind in {key[2] for key in keys}}
    sums = csr_array(np.array([in_ksv[ksv] & in_month[month] & in_kind[kind] for ksv, month, kind in keys]), dtype=int)
    telling: Flags = np.array([too_telling(by_provider, rules) for by_provider in sums @ held])
    shown = choose_shown(sums, held.sum(axis=1), telling, rules)
    about = rounded(sums @ held.sum(axis=1), rules)
    return {key: int(count) if is_shown else None for key, count, is_shown in zip(keys, about, shown, strict=True)}


def _part(table: pd.DataFrame, ksv: str, month: str) -> pd.DataFrame:
    here = table["ksv"].isin([ksv]) | (ksv == ALL)
    return table.loc[here & (table["month"].isin([month]) | (month == ALL))]


def _hours(table: pd.DataFrame, *, shown: bool, rules: DisclosureRules) -> tuple[int | None, int | None, int | None]:
    """Return the mean, and the range without the tenth at either end, of a cell whose clients are shown."""
    known = table.loc[table["counts"].astype(bool) & (table["hours"] >= 0)]
    by_provider: Counts = np.asarray(known["aanbieder_agb"].value_counts().to_list(), dtype=np.int64)
    if not shown or too_telling(by_provider, rules):
        return None, None, None
    hours = np.sort(known["hours"].to_numpy())
    left_out = max(_TAIL_CLIENTS, round(_TAIL * len(hours)))
    return round(float(hours.mean())), int(hours[left_out]), int(hours[-1 - left_out])


def _coverage(night: Night, ksvs: Sequence[str]) -> tuple[int, int]:
    """Return how many providers are contracted in these KSVs, and how many of them delivered a fresh snapshot."""
    contracted = set().union(*(night.contracted.get(ksv, frozenset()) for ksv in ksvs))
    ages = (night.days_old(agb) for agb in contracted)
    return len(contracted), sum(days is not None and days <= night.terms.fresh_days for days in ages)


def _settled(night: Night, places: Sequence[str], rules: DisclosureRules) -> dict[Key, int | None]:
    """Return per KSV the doubles that opened between 28 and 14 days ago, and those settled within 14 days."""
    rows = []
    for name, row in night.finding.items():
        if row["class"] not in DOUBLES or row["state"] == State.HELD or row["settled_by"] in NEVER_SETTLED:
            continue
        opened = open_since(row)
        in_time = (
            row["state"] == State.SETTLED and (date.fromisoformat(row["settled"]) - opened).days <= SETTLED_WITHIN_DAYS
        )
        # A finding over two KSVs counts in the one where somebody must act, else in the first.
        ksv = night.registration.get(row["acts_on"], {}).get("ksv") or (row["ksvs"].split() or [""])[0]
        provider = row["acts_agb"] or night.members_of[name][0]["aanbieder_agb"]
        if ksv in places and SETTLED_WITHIN_DAYS <= (night.today - opened).days <= COHORT_DAYS:
            rows.append((ksv, ALL, provider, int(in_time)))
    table = pd.DataFrame(rows, columns=["ksv", "month", "aanbieder_agb", "sort"])
    keys = [(ksv, ALL, kind) for ksv in places for kind in ("opened", "settled")]
    return _publish(table, keys, (frozenset({"opened"}), frozenset({"opened", "settled"})), rules)
