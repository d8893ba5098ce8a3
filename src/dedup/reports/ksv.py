"""Cuts one KSV's report from the night: only its own registrations, and of others no more than that they exist."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pandas as pd

from dedup.findings.vocabulary import OPEN_STATES, Feedback, FindingClass, Kept, SettledBy, State
from dedup.reports.coverage import provider_lines, vendor_quality
from dedup.reports.data import AgeBand, FindingLine, HistoryPoint, KsvReport, MemberLine, Summary, Turn, WeekFlow
from dedup.reports.demand import DEMAND_COLUMNS, demand_months, demand_weeks
from dedup.reports.night import Night, open_since, state_of
from dedup.weeks import week_of

TO_ACT_ON = (FindingClass.TO_REVIEW, FindingClass.CERTAIN, FindingClass.LIKELY, FindingClass.CLEAN_UP)
# What went without anyone settling it: never shown, or gone on under another finding's name.
NEVER_SETTLED = (SettledBy.WITHDRAWN, SettledBy.MERGED)
# The order in which attributes are named, whatever the order of the linkage model.
ATTRIBUTE_ORDER = ("first_name", "surname", "birth_date", "address", "phone", "email", "insurance", "edd")


def build(night: Night, ksv: str, ksv_name: str) -> KsvReport:
    """Return the report of one KSV; internal findings are their provider's alone and held ones are only counted."""
    lines = sorted(
        (line for name in night.findings_of_ksv.get(ksv, ()) if (line := _line(night, ksv, name)) is not None),
        key=_urgency,
    )
    opened = tuple(line for line in lines if line.outcome in TO_ACT_ON and line.state in OPEN_STATES)
    legitimate = tuple(line for line in lines if line.outcome == FindingClass.LEGITIMATE and line.state in OPEN_STATES)
    providers = provider_lines(night, ksv)
    seen = [night.finding[name] for name in night.findings_of_ksv.get(ksv, ())]
    registrations = night.registrations_of_ksv.get(ksv, pd.DataFrame(columns=["aanbieder_agb"]))
    asking = night.demand_of_ksv.get(ksv, pd.DataFrame(columns=list(DEMAND_COLUMNS)))
    ageing = _ageing(opened, night.terms.ageing_days)
    not_fresh = tuple(line.name or line.provider for line in providers if line.freshness != "fresh")
    summary = Summary(
        new=sum(line.state == State.NEW for line in opened),
        reopened=sum(line.state == State.REOPENED for line in opened),
        settled_today=sum(_settled_on(row) == night.today for row in seen),
        open=len(opened),
        by_class={str(kind): sum(line.outcome == kind for line in opened) for kind in TO_ACT_ON},
        ksv_acts=sum(line.acts == "ksv" for line in opened),
        provider_acts=sum(line.acts == "provider" for line in opened),
        elsewhere_acts=sum(line.acts == "elsewhere" for line in opened),
        turns=_turns(opened),
        legitimate=len(legitimate),
        held=sum(row["state"] == State.HELD for row in seen),
        providers=len(providers),
        providers_fresh=len(providers) - len(not_fresh),
        not_fresh=not_fresh,
        suspected=tuple(line.name or line.provider for line in providers if line.suspected),
        escalated=sum(line.escalation != "" for line in opened),
        older_than_longest=ageing[-1].findings,
        registrations=len(registrations),
    )
    return KsvReport(
        ksv=ksv,
        ksv_name=ksv_name,
        day=night.today,
        terms=night.terms,
        first_night=night.first_night,
        summary=summary,
        findings=opened,
        legitimate=legitimate,
        providers=providers,
        doubtful_contracts=tuple(one for one in night.doubtful_contracts if one.ksv == ksv),
        ageing=ageing,
        flow=_flow(seen, night),
        history=_history(night, ksv, len(opened)),
        demand=demand_months(asking, from_month=night.today.strftime("%Y-%m"), terms=night.terms),
        births=demand_weeks(asking, this_week=week_of(night.today), terms=night.terms),
        vendors=vendor_quality(night, ksv, providers),
    )


def _history(night: Night, ksv: str, open_tonight: int) -> tuple[HistoryPoint, ...]:
    earlier = [HistoryPoint(day, count) for day, count in night.history_of_ksv.get(ksv, ()) if day < night.today]
    return (*earlier[1 - night.terms.nights_shown :], HistoryPoint(night.today, open_tonight))


def history_row(report: KsvReport) -> dict[str, Any]:
    """Return what `prepare` wants to know of this night on later nights."""
    return {"ksv": report.ksv, "day": report.day, "open": report.summary.open}


def _line(night: Night, ksv: str, name: str) -> FindingLine | None:
    row = night.finding[name]
    shown, elsewhere = [], 0
    for member in night.members_of[name]:
        known = night.registration.get(member["registratie_id"])
        if known is None or member["held"]:
            continue
        if known["ksv"] != ksv:
            elsewhere += 1
            continue
        shown.append(
            MemberLine(
                registratie_id=known["registratie_id"],
                provider=known["aanbieder_agb"],
                provider_name=_name_of(night, known["aanbieder_agb"]),
                status=known["status"],
                registered_week=int(known["inschrijf_week"]),
                edd_week=int(known["edd_week"]),
                acts=known["registratie_id"] == row["acts_on"],
            )
        )
    # Where a faulty delivery left none of them, the finding stays all the same, without its registrations.
    is_kept = row["kept"] == Kept.DELIVERY and ksv in row["ksvs"].split()
    if not shown and not is_kept:
        return None
    acts, provider = row["acts"], row["acts_agb"]
    if acts == "provider" and not any(member.acts for member in shown):
        acts, provider = "elsewhere", ""
    agreed = night.agreed_in.get(name, frozenset())
    return FindingLine(
        finding=name,
        outcome=row["class"],
        code=row["code"],
        state=state_of(row, night.today),
        opened=open_since(row),
        days_open=(night.today - open_since(row)).days,
        edd_week=int(row["edd_week"]),
        band=row["band"],
        agreed=tuple(attribute for attribute in ATTRIBUTE_ORDER if attribute in agreed),
        members=tuple(sorted(shown, key=lambda member: (member.registered_week, member.registratie_id))),
        elsewhere=elsewhere,
        acts=acts,
        acts_provider=provider,
        acts_provider_name=_name_of(night, provider) if provider else "",
        escalation=row["escalation"],
        escalated=_day(row["escalated"]),
        next_escalation=_day(row["next_escalation"]),
        kept=row["kept"],
        kept_since=_day(row["kept_since"]),
        answers=tuple(row["feedback"].split()),
    )


def _day(written: str) -> date | None:
    return date.fromisoformat(written) if written else None


def _name_of(night: Night, provider: str) -> str:
    known = night.provider.get(provider)
    return str(known["naam"]) if known else ""


def _urgency(line: FindingLine) -> tuple[object, ...]:
    """New ones first, then the coordinator's own, then by class and from long open to short."""
    is_new = line.state in (State.NEW, State.REOPENED)
    classes = [str(kind) for kind in TO_ACT_ON]
    place = classes.index(line.outcome) if line.outcome in classes else len(classes)
    return (not is_new, place, line.code, -line.days_open, line.finding)


def _turns(lines: tuple[FindingLine, ...]) -> tuple[Turn, ...]:
    counted = Counter((line.acts_provider, line.acts_provider_name) for line in lines if line.acts == "provider")
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Turn(provider, name, count) for (provider, name), count in ordered)


def _ageing(lines: tuple[FindingLine, ...], limits: tuple[int, ...]) -> tuple[AgeBand, ...]:
    bands = []
    edges: list[tuple[int, int | None]] = [
        *zip((0, *(limit + 1 for limit in limits[:-1])), limits, strict=True),
        (limits[-1] + 1, None),
    ]
    for lowest, highest in edges:
        inside = [
            line for line in lines if lowest <= line.days_open <= (line.days_open if highest is None else highest)
        ]
        bands.append(AgeBand(lowest, highest, len(inside), sum(line.acts == "ksv" for line in inside)))
    return tuple(bands)


def _is_explained(row: Any) -> bool:
    """Tell whether a finding is legitimate because a provider answered so."""
    return row["class"] == FindingClass.LEGITIMATE and Feedback.RIGHTLY in row["feedback"].split()


def _settled_on(row: Any) -> date | None:
    """Return the day on which a finding that was ever shown to the coordinator was settled or explained.

    An answer is heard by the night after it.
    """
    if row["state"] in OPEN_STATES and _is_explained(row):
        return date.fromisoformat(row["feedback_on"]) + timedelta(days=1)
    if row["state"] != State.SETTLED or row["class"] not in TO_ACT_ON or row["settled_by"] in NEVER_SETTLED:
        return None
    return date.fromisoformat(row["settled"])


def _flow(rows: list[Any], night: Night) -> tuple[WeekFlow, ...]:
    """Return what opened and was settled per seven days, oldest first."""
    shown = [
        row
        for row in rows
        if (row["class"] in TO_ACT_ON or _is_explained(row))
        and row["state"] != State.HELD
        and row["settled_by"] not in NEVER_SETTLED
    ]
    weeks = []
    for back in reversed(range(night.terms.weeks_shown)):
        last = night.today - timedelta(days=7 * back)
        first = last - timedelta(days=6)
        opened = sum(first <= open_since(row) <= last for row in shown)
        settled = sum((day := _settled_on(row)) is not None and first <= day <= last for row in shown)
        weeks.append(WeekFlow(last, opened, settled))
    return tuple(weeks)
