"""Writes a KSV's report as a workbook of six sheets, for coordinators who filter and sort."""

from __future__ import annotations

from dedup.reports import wording
from dedup.reports.data import DemandMonth, FindingLine, Hours, KsvReport, MemberLine
from dedup.reports.first_screen import first_screen
from dedup.reports.texts import Texts, texts_in
from dedup.reports.workbook import Cell, Sheet, workbook
from dedup.weeks import iso_label


def render(report: KsvReport, language: str = "nl") -> bytes:
    """Return the workbook; the same report gives the same bytes, and no cell is ever read as a formula or a link."""
    texts = texts_in(language)
    return workbook(f"{texts('title.report')} - {report.ksv_name}", report.day, _sheets(report, texts))


def _sheets(report: KsvReport, texts: Texts) -> tuple[Sheet, ...]:
    sheets = (_overview, _findings, _demand, _births, _quality, _vendors)
    return tuple(sheet(report, texts) for sheet in sheets)


def _overview(report: KsvReport, texts: Texts) -> Sheet:
    """The answers of the first screen in words, then the counts behind them."""
    summary = report.summary
    asked = [
        (answer.question, f"{answer.figure} {answer.unit}. {answer.text}") for answer in first_screen(report, texts)
    ]
    rows: list[tuple[Cell, ...]] = [
        ("KSV", f"{report.ksv_name} ({report.ksv})"),
        *(((texts("xlsx.month"), texts.month(report.month)),) if report.month else ()),
        (texts("xlsx.day"), texts.day(report.day)),
        *asked,
        _new(report, texts),
        (texts("xlsx.open"), summary.open),
        (texts("xlsx.yours"), summary.ksv_acts),
        (texts("xlsx.providers"), summary.provider_acts),
        (texts("actor.elsewhere"), summary.elsewhere_acts),
        *((texts(f"class.{kind}"), count) for kind, count in summary.by_class.items()),
        (texts("class.legitimate"), summary.legitimate),
        (texts("xlsx.held"), summary.held),
        *((texts("xlsx.age", age=wording.age(line, texts)), line.findings) for line in report.ageing),
        (texts("coverage.registrations"), summary.registrations),
        (texts("xlsx.fresh"), summary.providers_fresh),
        (texts("xlsx.all_providers"), summary.providers),
        (texts("title.confidential", ksv=report.ksv_name), None),
    ]
    return Sheet(texts("xlsx.overview"), (texts("xlsx.item"), texts("xlsx.value")), rows, {})


def _new(report: KsvReport, texts: Texts) -> tuple[Cell, ...]:
    if report.month:
        return texts("xlsx.new_month"), report.month_new
    return texts("xlsx.new_first" if report.first_night else "xlsx.new"), report.summary.new


def _findings(report: KsvReport, texts: Texts) -> Sheet:
    """One row per registration, so that a provider's own can be filtered out and passed on.

    A finding of which all own registrations are missing by a faulty delivery has one row, which says so.
    """
    heads = (
        texts("findings.finding"), texts("xlsx.class"), texts("xlsx.rule"), texts("xlsx.state"),
        texts("xlsx.days_open"), "registratie_id", texts("coverage.agb"), texts("coverage.provider"),
        texts("xlsx.status"), texts("xlsx.registered"), texts("findings.edd"), texts("xlsx.acts_here"),
        texts("findings.agreed"), texts("xlsx.band"), texts("xlsx.elsewhere"), texts("xlsx.acts"), texts("xlsx.step"),
        texts("findings.note"),
    )  # fmt: skip
    rows = [row for line in (*report.findings, *report.legitimate) for row in _finding_rows(line, texts)]
    return Sheet(texts("xlsx.findings"), heads, rows, {4: "0", 14: "0"})


def _finding_rows(line: FindingLine, texts: Texts) -> list[tuple[Cell, ...]]:
    missing = [] if line.members else [texts("findings.members_missing")]
    return [
        (
            line.finding,
            texts(f"class.{line.outcome}"),
            f"{line.code} {wording.rule_name(line.code, texts)}".strip(),
            texts(f"state.{line.state}"),
            line.days_open,
            *_of_member(member, line, texts),
            ", ".join(wording.agreed(line, texts)),
            texts(f"band.{line.band}"),
            line.elsewhere,
            wording.actor(line, texts),
            wording.step(line, texts),
            " ".join([*missing, *wording.remarks(line, texts)]),
        )
        for member in line.members or (None,)
    ]


def _of_member(member: MemberLine | None, line: FindingLine, texts: Texts) -> tuple[Cell, ...]:
    """Return the cells of one registration; without one, only what the finding itself knows."""
    if member is None:
        return "", "", "", "", "", iso_label(line.edd_week), ""
    return (
        member.registratie_id,
        member.provider,
        member.provider_name,
        texts(f"status.{member.status}"),
        iso_label(member.registered_week),
        iso_label(member.edd_week),
        texts("xlsx.yes") if member.acts else "",
    )


def _demand(report: KsvReport, texts: Texts) -> Sheet:
    hours = [texts(f"demand.hours_{name}") for name in ("total", "mean", "range", "known")]
    heads = (
        *(texts(f"demand.{name}") for name in ("month", "gross", "unique", "difference", "waiting")),
        *(f"{texts('demand.indicated')}: {head.lower()}" for head in hours),
        *(f"{texts('demand.promised')}: {head.lower()}" for head in hours),
        texts("demand.below_norm", hours=report.terms.least_hours),
        texts("demand.below_indicated"),
        texts("demand.hours_freed"),
    )
    formats = dict.fromkeys(range(1, len(heads)), "0") | {6: "0.0", 10: "0.0"}
    return Sheet(texts("xlsx.demand"), heads, [_demand_row(line, texts) for line in report.demand], formats)


def _demand_row(line: DemandMonth, texts: Texts) -> tuple[Cell, ...]:
    return (
        line.month or texts("demand.no_edd"),
        line.gross,
        line.unique,
        line.gross - line.unique,
        line.waiting,
        *_hours(line.indicated),
        *_hours(line.promised),
        line.below_norm,
        line.below_indicated,
        line.hours_freed,
    )


def _hours(line: Hours) -> tuple[Cell, ...]:
    if not line.known:
        return None, None, "", 0
    return line.total, line.mean, f"{line.lowest}–{line.highest}", line.known


def _births(report: KsvReport, texts: Texts) -> Sheet:
    heads = tuple(wording.births_heads(texts))
    rows = [
        (iso_label(line.week), line.gross, line.clients, line.waiting, line.hours, line.promised, line.freed)
        for line in report.births
    ]
    return Sheet(texts("xlsx.births"), heads, rows, dict.fromkeys((1, 2, 3), "0.0") | dict.fromkeys((4, 5, 6), "0"))


def _quality(report: KsvReport, texts: Texts) -> Sheet:
    heads = (
        texts("coverage.provider"), texts("coverage.agb"), texts("coverage.vendor"), texts("coverage.snapshot"),
        texts("coverage.freshness"), texts("coverage.registrations"), texts("coverage.refused"),
        texts("suspected.badge"), texts("coverage.is_contracted"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            line.name,
            line.provider,
            line.vendor,
            line.snapshot.isoformat() if line.snapshot else "",
            texts(f"freshness.{line.freshness}"),
            line.registrations,
            line.refused_share,
            wording.suspicion(line, texts),
            texts("xlsx.yes") if line.contracted else "",
        )
        for line in report.providers
    ]
    return Sheet(texts("xlsx.quality"), heads, rows, {5: "0", 6: "0.0%"})


def _vendors(report: KsvReport, texts: Texts) -> Sheet:
    names = (
        "vendor", "providers", "registrations", "refused", "warnings", "frequent", "edd_missing", "hours_missing",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            line.vendor,
            line.providers,
            line.registrations,
            line.refused_share,
            100 * line.warnings_per_row,
            wording.warnings(line.frequent_warnings, texts),
            line.edd_missing_share,
            line.hours_missing_share,
        )
        for line in report.vendors
    ]
    heads = tuple(texts(f"quality.{name}") for name in names)
    formats = {1: "0", 2: "0", 3: "0.0%", 4: "0.0", 6: "0.0%", 7: "0.0%"}
    return Sheet(texts("xlsx.vendors"), heads, rows, formats)
