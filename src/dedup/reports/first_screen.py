"""The four answers with which a KSV's report begins, in words: the same in every format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dedup.reports.data import HistoryPoint, KsvReport
from dedup.reports.texts import Texts

NAMES_SHOWN = 3
LOOKS_BACK_DAYS = 28


@dataclass(frozen=True, slots=True)
class Answer:
    """One question, its figure with what it counts, and what else is to be said; `warns`: this needs attention."""

    question: str
    figure: str
    unit: str
    text: str
    warns: bool = False


def first_screen(report: KsvReport, texts: Texts) -> tuple[Answer, ...]:
    """Return what is new, what must be done and by whom, whether the data is complete, and whether it gets better."""
    return (_new(report, texts), _turn(report, texts), _complete(report, texts), _better(report, texts))


def _new(report: KsvReport, texts: Texts) -> Answer:
    s = report.summary
    new, reopened, settled = s.new, s.reopened, s.settled_today
    since = texts("summary.new_first" if report.first_night else "summary.new_since")
    if report.month:
        new, reopened, settled, since = report.month_new, 0, report.month_settled, texts("summary.new_month")
    said = [texts("summary.reopened", findings=texts.count("finding", reopened))] if reopened else []
    if settled:
        said.append(texts("summary.settled", findings=texts.count("finding", settled)))
    else:
        said.append(texts("summary.settled_none"))
    unit = texts.count("new", new).split(" ", 1)[1]
    return Answer(texts("summary.new_question"), texts.number(new), f"{unit} {since}", " ".join(said))


def _turn(report: KsvReport, texts: Texts) -> Answer:
    s = report.summary
    said = [texts("summary.turn_providers_none")]
    if s.provider_acts:
        most = f"{s.turns[0].name or s.turns[0].provider} ({s.turns[0].findings})"
        said = [texts("summary.turn_providers", findings=texts.count("finding", s.provider_acts), names=most)]
    if s.elsewhere_acts:
        said.append(texts("summary.turn_elsewhere", findings=texts.count("finding", s.elsewhere_acts)))
    if s.escalated:
        said.append(texts("summary.turn_escalated", findings=texts.count("finding", s.escalated)))
    return Answer(texts("summary.turn_question"), texts.number(s.ksv_acts), texts("summary.turn_you"), " ".join(said))


def _complete(report: KsvReport, texts: Texts) -> Answer:
    s = report.summary
    said = [texts("summary.complete_all")]
    if s.not_fresh:
        said = [texts("summary.complete_missing", names=some_names(s.not_fresh, texts))]
    if s.suspected:
        said.append(texts("summary.complete_suspected", names=some_names(s.suspected, texts)))
    unit = texts("summary.complete_of", providers=texts.count("provider", s.providers))
    warns = bool(s.not_fresh or s.suspected)
    return Answer(
        texts("summary.complete_question"), texts.number(s.providers_fresh), unit, " ".join(said), warns=warns
    )


def _better(report: KsvReport, texts: Texts) -> Answer:
    s, flow, longest = report.summary, report.flow[-1], report.terms.ageing_days[-1]
    said = []
    if (then := _some_weeks_ago(report)) is not None:
        said.append(texts("summary.better_then", day=texts.short_day(then.day), open=texts.number(then.open)))
    said.append(texts("summary.better_flow", opened=texts.number(flow.opened), settled=texts.number(flow.settled)))
    if s.older_than_longest:
        findings = texts.count("finding", s.older_than_longest)
        said.append(texts("summary.better_old", findings=findings, days=longest))
    else:
        said.append(texts("summary.better_old_none", days=longest))
    if freed := sum(month.hours_freed for month in report.demand):
        said.append(texts("summary.better_freed", hours=texts.number(freed)))
    return Answer(texts("summary.better_question"), texts.number(s.open), texts("summary.better_open"), " ".join(said))


def _some_weeks_ago(report: KsvReport) -> HistoryPoint | None:
    """Return the oldest night of the last four weeks to compare with, None when none is a week old."""
    earliest, latest = report.day - timedelta(days=LOOKS_BACK_DAYS), report.day - timedelta(days=7)
    return next((point for point in report.history if earliest <= point.day <= latest), None)


def some_names(names: tuple[str, ...], texts: Texts) -> str:
    """Return the first few names, and how many more there are."""
    if len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    shown = ", ".join(names[:NAMES_SHOWN])
    return texts("summary.complete_more", names=shown, n=len(names) - NAMES_SHOWN)
