"""Charts as static, accessible SVG: drawn by Vega-Lite when the report is made, so that a page needs no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape

import altair
import pandas as pd
import vl_convert

from dedup.reports.data import DemandMonth, DemandWeek, HistoryPoint, KsvReport
from dedup.reports.texts import Texts
from dedup.weeks import monday_of

GROSS_COLOUR, UNIQUE_COLOUR, INK = "#b9c7d3", "#0b5f6b", "#3c4852"
FONT = "Segoe UI, Helvetica Neue, Arial, sans-serif"
_DESCRIPTION = re.compile("<desc[^>]*>([^<]*)</desc>")
WIDTH, HEIGHT, HISTORY_HEIGHT = 820, 240, 150


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts of one report as SVG elements, "" where there is nothing to draw, each with what it shows in words."""

    demand: str
    demand_description: str
    births: str
    births_description: str
    history: str
    history_description: str


def charts_of(report: KsvReport, texts: Texts) -> Charts:
    """Return the charts of a report, drawn once for all files that show them."""
    drawn = [
        demand_chart(report.demand, texts),
        births_chart(report.births, texts),
        history_chart(report.history, texts),
    ]
    described = [unescape(found.group(1)) if (found := _DESCRIPTION.search(svg)) else "" for svg in drawn]
    return Charts(*(part for pair in zip(drawn, described, strict=True) for part in pair))


def demand_chart(months: tuple[DemandMonth, ...], texts: Texts) -> str:
    """Return the bars of registrations and clients per EDD month as an SVG element; "" without a dated month."""
    return months_chart([(line.month, line.gross, line.unique) for line in months if line.month], texts)


def months_chart(months: Sequence[tuple[str, int, int]], texts: Texts, name: str = "demand") -> str:
    """Return two bars for each month with its registrations and clients as an SVG element; "" without a month.

    `name` tells it from the other charts of a page.
    """
    if not months:
        return ""
    gross, unique = texts("demand.gross"), texts("demand.unique")
    labels = [texts.short_month(month) for month, _, _ in months]
    table = pd.DataFrame(
        {
            "month": labels * 2,
            "kind": [gross] * len(months) + [unique] * len(months),
            "number": [count for _, count, _ in months] + [count for _, _, count in months],
        }
    )
    chart = (
        altair.Chart(table)
        .mark_bar()
        .encode(
            x=altair.X("month:N", sort=labels, title=None, axis=altair.Axis(labelAngle=0)),
            xOffset=altair.XOffset("kind:N", sort=[gross, unique]),
            y=altair.Y("number:Q", title=texts("demand.chart_axis"), axis=altair.Axis(tickMinStep=1)),
            color=altair.Color(
                "kind:N",
                scale=altair.Scale(domain=[gross, unique], range=[GROSS_COLOUR, UNIQUE_COLOUR]),
                legend=altair.Legend(title=None, orient="top"),
            ),
        )
    )
    description = texts("demand.chart_description", first=texts.month(months[0][0]), last=texts.month(months[-1][0]))
    return _svg(chart, f"chart-{name}", texts("demand.chart_title"), description)


def births_chart(weeks: tuple[DemandWeek, ...], texts: Texts) -> str:
    """Return the bars of clients expected to give birth per week as an SVG element; "" without a week."""
    if not weeks:
        return ""
    labels = [str(monday_of(line.week).isocalendar().week) for line in weeks]
    table = pd.DataFrame({"week": labels, "clients": [line.clients for line in weeks]})
    chart = (
        altair.Chart(table)
        .mark_bar(color=UNIQUE_COLOUR)
        .encode(
            x=altair.X("week:N", sort=labels, title=texts("births.week"), axis=altair.Axis(labelAngle=0)),
            y=altair.Y("clients:Q", title=texts("demand.chart_axis"), axis=altair.Axis(tickMinStep=1)),
        )
    )
    description = texts("births.chart_description", first=texts.week(weeks[0].week), last=texts.week(weeks[-1].week))
    return _svg(chart, "chart-births", texts("births.chart_title"), description, height=HISTORY_HEIGHT)


def history_chart(points: tuple[HistoryPoint, ...], texts: Texts) -> str:
    """Return the line of open findings per night as an SVG element; "" with fewer than two nights."""
    if len(points) < 2:
        return ""
    labels = [texts.short_day(point.day).rsplit(" ", 1)[0] for point in points]
    table = pd.DataFrame({"day": labels, "open": [point.open for point in points]})
    chart = (
        altair.Chart(table)
        .mark_line(color=UNIQUE_COLOUR, strokeWidth=2, point=altair.OverlayMarkDef(color=UNIQUE_COLOUR))
        .encode(
            x=altair.X("day:O", sort=labels, title=None, axis=altair.Axis(labelAngle=0, labelOverlap=True)),
            y=altair.Y("open:Q", title=texts("demand.chart_axis"), axis=altair.Axis(tickMinStep=1)),
        )
    )
    description = texts(
        "ageing.history_chart_description",
        first=points[0].open,
        first_day=texts.day(points[0].day),
        last=points[-1].open,
        last_day=texts.day(points[-1].day),
    )
    return _svg(chart, "chart-history", texts("ageing.history_chart_title"), description, height=HISTORY_HEIGHT)


def _svg(chart: altair.Chart, name: str, title: str, description: str, *, height: int = HEIGHT) -> str:
    """Render a chart; its own title and description stand in for Vega's many labels for screen readers."""
    styled = (
        chart.properties(width=WIDTH, height=height, background="transparent")
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor="#e5e9ed",
            domainColor="#8a96a1",
            tickColor="#8a96a1",
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
        )
        .configure_axisX(grid=False)
        .configure_legend(labelColor=INK, labelFontSize=12, symbolType="square")
    )
    svg: str = vl_convert.vegalite_to_svg(styled.to_dict())
    inner = re.sub(r"^.*?<svg[^>]*>", "", svg, count=1, flags=re.DOTALL).removesuffix("</svg>")
    inner = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", inner)
    box = re.search(r'viewBox="([^"]*)"', svg)
    view = box.group(1) if box else f"0 0 {WIDTH} {height}"
    return (
        f'<svg viewBox="{view}" role="img" aria-labelledby="{name}-title {name}-desc" class="chart">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
        f"{inner}</svg>"
    )
