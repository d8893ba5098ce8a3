"""Demand per EDD month without doubles: gross, unique clients, and their hours."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from dedup.fields import Status
from dedup.findings.frames import Findings
from dedup.findings.vocabulary import State
from dedup.reports.data import DemandMonth
from dedup.weeks import MISSING_WEEK, monday_of

# A registration with one of these statuses no longer asks its provider for care.
NO_DEMAND = (Status.GEANNULEERD, Status.AFGEROND, Status.OVERGEDRAGEN)


def demand_table(registrations: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Return the registrations that ask for care, with `month`, `hours` and `counts` (it stands for its client).

    Registrations of one finding that is one demand are one client. She is counted once, in the KSV of her youngest
    registration that asks for care, so that KSVs add up to the country; her hours are that registration's, or the most
    that another one names.
    """
    live = findings.findings.loc[findings.findings["one_demand"] & (findings.findings["state"] != State.SETTLED)]
    members = findings.members.merge(live[["finding"]], on="finding")
    client_of = pd.Series(members["finding"].to_numpy(), index=members["registratie_id"].to_numpy())
    columns = ["registratie_id", "ksv", "edd_week", "inschrijf_week", "first_seen", "indicatie_uren"]
    asking = registrations.loc[~registrations["status"].isin(NO_DEMAND), columns].copy()
    own = asking["registratie_id"]
    asking["client"] = own.map(client_of).fillna(own)
    asking["hours_of_client"] = asking.groupby("client")["indicatie_uren"].transform("max")
    asking = asking.sort_values(["inschrijf_week", "first_seen", "registratie_id"], kind="stable")
    asking["counts"] = ~asking.duplicated("client", keep="last")
    asking["hours"] = asking["indicatie_uren"].where(asking["indicatie_uren"] >= 0, asking["hours_of_client"])
    months = {week: month_of(week) for week in asking["edd_week"].unique().tolist()}
    asking["month"] = asking["edd_week"].map(months)
    return asking[["registratie_id", "ksv", "month", "hours", "counts"]]


def month_of(edd_week: int) -> str:
    """Return the month (`2026-12`) that holds this week's Thursday, as ISO gives a week to a year; "" if missing."""
    if edd_week == MISSING_WEEK:
        return ""
    thursday = monday_of(edd_week) + timedelta(days=3)
    return thursday.strftime("%Y-%m")


def demand_months(asking: pd.DataFrame, *, from_month: str, months: int) -> tuple[DemandMonth, ...]:
    """Return the months of one KSV's part of `demand_table`, from `from_month` on, the missing EDDs last."""
    lines = []
    for month, rows in asking.groupby("month", sort=True):
        if month and str(month) < from_month:
            continue
        clients = rows.loc[rows["counts"]]
        hours = clients.loc[clients["hours"] >= 0, "hours"]
        known = len(hours) > 0
        lines.append(
            DemandMonth(
                month=str(month),
                gross=len(rows),
                unique=len(clients),
                hours_known=len(hours),
                hours_total=int(hours.sum()),
                hours_mean=round(float(hours.mean()), 1) if known else None,
                hours_lowest=int(hours.min()) if known else None,
                hours_highest=int(hours.max()) if known else None,
            )
        )
    dated = [line for line in lines if line.month][:months]
    return (*dated, *(line for line in lines if not line.month))
