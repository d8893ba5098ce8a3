"""Demand per EDD month without doubles: registrations, clients, and the hours indicated for and promised to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from dedup.fields import Status
from dedup.findings.frames import Findings
from dedup.findings.vocabulary import FindingClass, SettledBy, State
from dedup.reports.data import DemandMonth, DemandWeek, Hours, ReportTerms
from dedup.weeks import MISSING_WEEK, monday_of, week_of

# A registration with one of these statuses no longer asks its provider for care.
NO_DEMAND = (Status.GEANNULEERD, Status.AFGEROND, Status.OVERGEDRAGEN)
DEMAND_COLUMNS = (
    "registratie_id", "ksv", "aanbieder_agb", "month", "edd_week", "counts", "waiting", "hours", "promised", "freed",
)  # fmt: skip
# Of which a registration that leaves gives hours back. What is cleaned up was no demand any more: transferred, on a
# waiting list, or of another pregnancy.
FREEING = (FindingClass.CERTAIN, FindingClass.LIKELY)


def demand_table(registrations: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Return the registrations that ask for care, with `DEMAND_COLUMNS`; `counts`: it stands for its client.

    Registrations of one finding that is one demand are one client. She is counted once, in the KSV of her youngest
    registration that asks for care, so that KSVs add up to the country; her indicated hours are that registration's, or
    the most that another one names. Her promised hours likewise, but those who share her care (L4) promise together.
    `freed` are her hours times the registrations of hers that left with a settled double before her EDD. Hours are -1
    where unknown.
    """
    states = findings.findings["state"]
    live = findings.findings.loc[findings.findings["one_demand"] & (states != State.SETTLED)]
    members = findings.members.merge(live[["finding", "code"]], on="finding")
    client_of = pd.Series(members["finding"].to_numpy(), index=members["registratie_id"].to_numpy())
    sharing = set(members.loc[members["code"] == "L4", "finding"])
    columns = [
        "registratie_id", "ksv", "aanbieder_agb", "edd_week", "inschrijf_week", "first_seen", "status",
        "indicatie_uren", "toegezegde_uren",
    ]  # fmt: skip
    asking = registrations.loc[~registrations["status"].isin(NO_DEMAND), columns].copy()
    own = asking["registratie_id"]
    asking["client"] = own.map(client_of).fillna(own)
    asking = asking.sort_values(["inschrijf_week", "first_seen", "registratie_id"], kind="stable")
    asking["counts"] = ~asking.duplicated("client", keep="last")
    on_list = asking["status"] == Status.WACHTLIJST
    asking["waiting"] = on_list.groupby(asking["client"]).transform("all")  # registered anywhere is not waiting
    asking["hours"] = _own_or_most(asking, "indicatie_uren")
    together = asking["toegezegde_uren"].clip(lower=0).groupby(asking["client"]).transform("sum")
    promised = _own_or_most(asking, "toegezegde_uren")
    asking["promised"] = promised.where(~asking["client"].isin(sharing) | (promised < 0), together)
    months = {week: month_of(week) for week in asking["edd_week"].unique().tolist()}
    asking["month"] = asking["edd_week"].map(months)
    gone = own.map(_registrations_gone(findings, due=dict(zip(own, asking["edd_week"], strict=True))))
    gone = gone.fillna(0).astype("int64")
    asking["freed"] = np.where(asking["counts"], gone * asking["hours"].clip(lower=0), 0)
    return asking[list(DEMAND_COLUMNS)]


def _own_or_most(asking: pd.DataFrame, column: str) -> pd.Series[Any]:
    most = asking.groupby("client")[column].transform("max")
    return asking[column].where(asking[column] >= 0, most)


def _registrations_gone(findings: Findings, *, due: Mapping[str, int]) -> dict[str, int]:
    """Return how many registrations left beside each that stayed, over the settled doubles that are still known.

    `due` are the EDD weeks of the registrations that ask for care. Only a double that was settled because a
    registration left its provider counts, and only when that was by the week of the EDD: later its care was given.
    """
    table = findings.findings
    settled = table.loc[(table["state"] == State.SETTLED) & (table["settled_by"] == SettledBy.LEFT)]
    settled_on = dict(zip(settled["finding"], settled["settled"], strict=True))
    pairs = findings.pairs.loc[findings.pairs["finding"].isin(settled_on) & findings.pairs["class"].isin(FREEING)]
    doubles: dict[str, set[str]] = defaultdict(set)
    for finding, left, right in pairs[["finding", "left", "right"]].itertuples(index=False, name=None):
        doubles[finding] |= {left, right}
    gone: dict[str, int] = defaultdict(int)
    for finding, ids in doubles.items():
        stayed = [member for member in ids if member in due]
        week = week_of(date.fromisoformat(settled_on[finding]))
        if len(stayed) == 1 and (due[stayed[0]] == MISSING_WEEK or week <= due[stayed[0]]):
            gone[stayed[0]] += len(ids) - 1
    return dict(gone)


def month_of(edd_week: int) -> str:
    """Return the month (`2026-12`) that holds this week's Thursday, as ISO gives a week to a year; "" if missing."""
    if edd_week == MISSING_WEEK:
        return ""
    thursday = monday_of(edd_week) + timedelta(days=3)
    return thursday.strftime("%Y-%m")


def demand_months(
    asking: pd.DataFrame, *, from_month: str, terms: ReportTerms | None = None
) -> tuple[DemandMonth, ...]:
    """Return the months of one KSV's part of `demand_table`, from `from_month` on, the missing EDDs last."""
    terms = terms or ReportTerms()
    lines = []
    for month, rows in asking.groupby("month", sort=True):
        if month and str(month) < from_month:
            continue
        clients = rows.loc[rows["counts"]]
        promised, indicated = clients["promised"], clients["hours"]
        lines.append(
            DemandMonth(
                month=str(month),
                gross=len(rows),
                unique=len(clients),
                waiting=int(clients["waiting"].sum()),
                indicated=hours_of(indicated),
                promised=hours_of(promised),
                below_norm=int(((promised >= 0) & (promised < terms.least_hours)).sum()),
                below_indicated=int(((promised >= 0) & (promised < indicated)).sum()),
                hours_freed=int(rows["freed"].sum()),
            )
        )
    dated = [line for line in lines if line.month][: terms.months_shown]
    return (*dated, *(line for line in lines if not line.month))


def hours_of(hours: pd.Series[Any]) -> Hours:
    """Return the sum, mean and range of clients' hours; -1 is unknown and left out."""
    known = hours.loc[hours >= 0]
    if not len(known):
        return Hours(0, 0, None, None, None)
    return Hours(len(known), int(known.sum()), round(float(known.mean()), 1), int(known.min()), int(known.max()))


def demand_weeks(asking: pd.DataFrame, *, this_week: int, terms: ReportTerms | None = None) -> tuple[DemandWeek, ...]:
    """Return how much demand of the months can be expected to come to birth per week, from `this_week` on.

    Every registration is spread over the weeks around its EDD by `terms.birth_spread` (share by week from the EDD's).
    """
    terms = terms or ReportTerms()
    dated = asking.loc[asking["edd_week"] != MISSING_WEEK]
    counts = dated["counts"]
    amounts = pd.DataFrame(
        {
            "gross": 1,
            "clients": counts,
            "waiting": counts & dated["waiting"],
            "hours": dated["hours"].clip(lower=0).where(counts, 0),
            "promised": dated["promised"].clip(lower=0).where(counts, 0),
            "freed": dated["freed"],
        },
        index=dated.index,
    )
    due = amounts.astype("float64").groupby(dated["edd_week"]).sum()
    spread = [due.mul(share).set_index(due.index + offset) for offset, share in terms.birth_spread]
    expected = pd.concat(spread).groupby(level=0).sum()
    shown = expected.loc[(expected.index >= this_week) & (expected.index < this_week + terms.birth_weeks_shown)]
    return tuple(
        DemandWeek(
            int(week), *(round(row[name], 1) for name in ("gross", "clients", "waiting")),
            *(round(row[name]) for name in ("hours", "promised", "freed")),
        )
        for week, row in zip(shown.index, shown.to_dict("records"), strict=True)
    )  # fmt: skip
