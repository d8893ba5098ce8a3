"""Renders a KSV's report as PDF/UA-1, for who prints it or reads it with a screen reader; same report, same bytes.

The report is first put into words and tables, then laid out by one Typst document (`templates/report.typ`), which knows
headings, paragraphs, lists, tables and pictures and nothing of double registrations. Typst refuses to write a PDF/UA
file that lacks a title, a language, or a text beside a picture. Only fonts that come with Typst are used, so that
every machine makes the same file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time
from functools import cache
from importlib.resources import files
from typing import Any

import typst

from dedup.reports import wording
from dedup.reports.chart import Charts
from dedup.reports.data import FindingLine, KsvReport, MemberLine, ProviderLine
from dedup.reports.first_screen import first_screen
from dedup.reports.texts import Texts, texts_in

Block = dict[str, Any]
Line = dict[str, Any]  # a text, and whether it stands out
_SAME_LINE = "\N{NON-BREAKING HYPHEN}"


def render(report: KsvReport, charts: Charts, language: str = "nl") -> bytes:
    """Return the file. Raises `KeyError` for an unknown language."""
    texts = texts_in(language)
    document = {
        "title": f"{texts('title.report')} - {report.ksv_name}",
        "language": language,
        "kicker": texts("title.report"),
        "heading": f"{report.ksv_name} ({report.ksv})",
        "subtitle": wording.subtitle(report, texts),
        "confidential": texts("title.confidential", ksv=report.ksv_name),
        "page": texts("pdf.page"),
        "blocks": [
            *_summary(report, texts),
            *_findings(report, texts),
            *_coverage(report, texts),
            *_progress(report, charts, texts),
            *_demand(report, charts, texts),
            *_quality(report, texts),
            *_tables(report, charts, texts),
            *_reading(report, texts),
        ],
    }
    made: bytes = typst.compile(
        _layout(),
        ignore_system_fonts=True,
        sys_inputs={"document": json.dumps(document, ensure_ascii=False)},
        pdf_standards="ua-1",
        timestamp=datetime.combine(report.day, time(), UTC),
        format="pdf",
    )
    return made


@cache
def _layout() -> bytes:
    return files("dedup.reports").joinpath("templates/report.typ").read_bytes()


def _heading(text: str, level: int = 2) -> Block:
    return {"kind": "heading", "text": text, "level": level}


def _terms(terms: list[list[str]]) -> Block:
    return {"kind": "terms", "terms": terms}


def _text(text: str) -> Block:
    return {"kind": "text", "text": text}


def _line(text: str, *, strong: bool = False) -> Line:
    return {"text": text, "strong": strong}


def _table(
    caption: str, heads: list[str], rows: Sequence[Sequence[str | list[Line]]], widths: list[str] | None = None
) -> Block:
    """Return a table; without `widths` the first column is of words and the others of numbers."""
    return {"kind": "table", "caption": caption, "heads": heads, "rows": rows, "widths": widths or []}


def _picture(title: str, svg: str, description: str) -> list[Block]:
    if not svg:
        return []
    drawn = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return [{"kind": "picture", "caption": title, "svg": drawn, "description": description}]


def _summary(report: KsvReport, texts: Texts) -> list[Block]:
    answers = [
        {"question": answer.question, "figure": answer.figure, "unit": answer.unit, "text": answer.text}
        for answer in first_screen(report, texts)
    ]
    return [_heading(texts("summary.heading")), {"kind": "answers", "answers": answers}]


def _findings(report: KsvReport, texts: Texts) -> list[Block]:
    elsewhere = tuple(line for line in report.findings if line.acts != "ksv")
    return [
        _heading(texts("findings.review_heading")),
        *_finding_table(report.where_acts("ksv"), "review", texts),
        _heading(texts("findings.provider_heading")),
        *_finding_table(elsewhere, "provider", texts),
        _heading(texts("nav.legitimate")),
        _text(texts("findings.legitimate_summary", findings=texts.count("finding", len(report.legitimate))) + "."),
        *([_text(texts("findings.held", findings=texts.count("finding", report.summary.held)))]
          if report.summary.held else []),
    ]  # fmt: skip


def _finding_table(lines: tuple[FindingLine, ...], name: str, texts: Texts) -> list[Block]:
    if not lines:
        return [_text(texts(f"findings.{name}_none"))]
    heads = [texts(f"findings.{head}") for head in ("finding", "agreed", "members", "acts")]
    rows = [
        [
            _of_finding(line, texts),
            [_line(", ".join(wording.agreed(line, texts)).replace("-", _SAME_LINE)), _line(texts(f"band.{line.band}"))],
            _of_members(line, texts),
            [
                _line(wording.actor(line, texts), strong=True),
                *map(_line, (wording.step(line, texts), *wording.remarks(line, texts))),
            ],
        ]
        for line in lines
    ]
    widths = ["3fr", "3fr", "5fr", "4fr"]
    return [_text(texts(f"findings.{name}_lead")), _table(texts(f"findings.caption_{name}"), heads, rows, widths)]


def _of_finding(line: FindingLine, texts: Texts) -> list[Line]:
    state = texts(f"state.{line.state}")
    rule = f"{line.code} {wording.rule_name(line.code, texts)}".strip()
    told = [
        texts(f"class.{line.outcome}") + (f", {state.lower()}" if state else ""),
        *([texts("findings.escalated_badge")] if line.escalation else []),
        *([rule] if rule else []),
        f"{texts('findings.open')}: {texts.count('day', line.days_open)}",
        f"{texts('findings.edd')}: {texts.week(line.edd_week)}",
    ]
    return [_line(line.finding, strong=True), *map(_line, told)]


def _of_members(line: FindingLine, texts: Texts) -> list[Line]:
    told = []
    for member in line.members:
        here = f" [{texts('findings.acts_here')}]" if member.acts else ""
        told += [
            _line(f"{member.provider_name} {member.provider}".strip() + here, strong=True),
            _line(member.registratie_id),
            _line(_of_member(member, line, texts)),
        ]
    if not line.members:
        told.append(_line(texts("findings.members_missing")))
    return [*told, *([_line(texts.count("elsewhere", line.elsewhere))] if line.elsewhere else [])]


def _of_member(member: MemberLine, line: FindingLine, texts: Texts) -> str:
    status = texts(f"status.{member.status}")
    told = texts("findings.member", status=status, week=texts.week(member.registered_week))
    if member.edd_week == line.edd_week:
        return told
    return f"{told}, {texts('findings.edd').lower()} {texts.week(member.edd_week)}"


def _of_provider(line: ProviderLine, texts: Texts, *, told: bool) -> str | list[Line]:
    """Return a provider's name and code, and, where contracts are told of, that it has none."""
    name = f"{line.name} {line.provider}".strip()
    return name if line.contracted or not told else [_line(name), _line(texts("coverage.not_contracted"))]


def _coverage(report: KsvReport, texts: Texts) -> list[Block]:
    contracted = wording.contracted(report, texts)
    heads = [texts(f"coverage.{name}") for name in ("provider", "freshness", "snapshot", "registrations")]
    rows = [
        [
            _of_provider(line, texts, told=bool(contracted)),
            texts(f"freshness.{line.freshness}") + (f", {texts('suspected.badge').lower()}" if line.suspected else ""),
            texts.short_day(line.snapshot) if line.snapshot else texts("none"),
            texts.number(line.registrations),
        ]
        for line in report.providers
    ]
    doubtful = [
        [line.name or texts("none"), line.likely or texts("none"), str(line.line)] for line in report.doubtful_contracts
    ]
    doubtful_heads = [texts(f"coverage.doubtful_{name}") for name in ("name", "likely", "line")]
    return [
        _heading(texts("coverage.heading")),
        *([_text(contracted)] if contracted else []),
        _table(texts("coverage.caption"), heads, rows),
        *([_table(texts("coverage.doubtful_caption"), doubtful_heads, doubtful)] if doubtful else []),
    ]


def _quality(report: KsvReport, texts: Texts) -> list[Block]:
    names = ("vendor", "providers", "registrations", "refused", "warnings", "edd_missing", "hours_missing")
    rows = [
        [
            line.vendor,
            texts.number(line.providers),
            texts.number(line.registrations),
            texts.percent(line.refused_share),
            texts.number(100 * line.warnings_per_row, 1),
            texts.percent(line.edd_missing_share),
            texts.percent(line.hours_missing_share),
        ]
        for line in report.vendors
    ]
    heads = [texts(f"quality.{name}") for name in names]
    return [
        _heading(texts("quality.heading")),
        _text(texts("quality.lead")),
        _table(texts("quality.caption"), heads, rows),
    ]


def _progress(report: KsvReport, charts: Charts, texts: Texts) -> list[Block]:
    ages = [
        [
            wording.age(band, texts),
            texts.number(band.findings),
            texts.number(band.ksv_acts),
        ]
        for band in report.ageing
    ]
    heads = [texts(f"ageing.{name}") for name in ("age", "findings", "yours")]
    return [
        _heading(texts("ageing.heading")),
        _table(texts("ageing.caption"), heads, ages),
        _table(
            texts("ageing.flow_caption"),
            [texts(f"ageing.{name}") for name in ("flow_week", "opened", "settled")],
            [
                [texts.short_day(week.last_day), texts.number(week.opened), texts.number(week.settled)]
                for week in report.flow
            ],
        ),
        *_picture(texts("ageing.history_chart_title"), charts.history, charts.history_description),
    ]


def _demand(report: KsvReport, charts: Charts, texts: Texts) -> list[Block]:
    if not report.demand:
        return [_heading(texts("demand.heading")), _text(texts("demand.none"))]
    names = ("month", "gross", "unique", "waiting", "hours_total", "hours_mean", "hours_range")
    promised = ("month", "hours_total", "hours_mean", "hours_range")
    months = [texts.month(line.month) if line.month else texts("demand.no_edd") for line in report.demand]
    return [
        _heading(texts("demand.heading")),
        _text(texts("demand.lead")),
        *_picture(texts("demand.chart_title"), charts.demand, charts.demand_description),
        _table(
            texts("demand.caption"),
            [texts(f"demand.{name}") for name in names],
            [
                [month, *map(texts.number, (line.gross, line.unique, line.waiting)),
                 *wording.hours(line.indicated, texts)[:3]]
                for month, line in zip(months, report.demand, strict=True)
            ],
        ),
        _table(
            texts("demand.promised_caption"),
            [
                *(texts(f"demand.{name}") for name in promised),
                texts("demand.below_norm", hours=report.terms.least_hours),
                texts("demand.below_indicated"),
                texts("demand.hours_freed"),
            ],
            [
                [month, *wording.hours(line.promised, texts)[:3],
                 *map(texts.number, (line.below_norm, line.below_indicated, line.hours_freed))]
                for month, line in zip(months, report.demand, strict=True)
            ],
        ),
        _text(f"{texts('demand.hours_note')} {texts('demand.promised_note', hours=report.terms.least_hours)}"),
        *_picture(texts("births.chart_title"), charts.births, charts.births_description),
    ]  # fmt: skip


def _tables(report: KsvReport, charts: Charts, texts: Texts) -> list[Block]:
    """The numbers of the charts that have no table beside them: whoever cannot see a chart reads these."""
    tables = []
    if charts.history:
        heads = [texts("ageing.history_day"), texts("ageing.history_open")]
        nights = [[texts.short_day(point.day), texts.number(point.open)] for point in report.history]
        tables.append(_table(texts("ageing.history_caption"), heads, nights))
    if charts.births:
        tables.append(_table(texts("births.caption"), wording.births_heads(texts), wording.births_rows(report, texts)))
    return [_heading(texts("pdf.tables")), *tables] if tables else []


def _reading(report: KsvReport, texts: Texts) -> list[Block]:
    rules = [
        [f"{code} {wording.rule_name(code, texts)}", wording.rule_explanation(code, texts)]
        for code in wording.rules_named(report)
    ]
    return [
        _heading(texts("reading.heading")),
        *(_text(texts(f"reading.{name}")) for name in wording.READING),
        _heading(texts("reading.classes"), level=3),
        _terms([[texts(f"class.{kind}"), texts(f"class_meaning.{kind}")] for kind in wording.CLASSES]),
        *([_heading(texts("reading.rules"), level=3), _terms(rules)] if rules else []),
        _text(texts("footer.page")),
    ]
