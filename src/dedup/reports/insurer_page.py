"""Renders the insurer's monthly report as one HTML page, in the style and under the policy of the KSV's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dedup.reports import wording
from dedup.reports.chart import months_chart
from dedup.reports.first_screen import Answer
from dedup.reports.html import page
from dedup.reports.insurer import ALL, CODES, MEASURES, NO_EDD, InsurerCell, InsurerKsv, InsurerReport
from dedup.reports.insurer_files import NOT_SHOWN, READING, reading
from dedup.reports.texts import Texts, texts_in

HOURS = ("hours_mean", "hours_low", "hours_high")
Row = tuple[str | None, ...]  # None is not shown


@dataclass(frozen=True, slots=True)
class Place:
    """One KSV, or all of them: its chart ("" without a month to draw) and its rows by EDD month with the total."""

    name: str
    chart: str
    months: tuple[Row, ...]
    total: Row


def render(report: InsurerReport, language: str = "nl") -> str:
    """Return the page; the same report gives the same bytes. Raises `KeyError` for an unknown language."""
    texts = texts_in(language)
    by_place: dict[str, list[InsurerCell]] = {}
    for cell in report.cells:
        by_place.setdefault(cell.ksv, []).append(cell)
    names = {line.ksv: name_of(line, texts) for line in report.ksvs}
    places = [_place(names[ksv], cells, texts) for ksv, cells in by_place.items()]
    totals = {ksv: cells[-1] for ksv, cells in by_place.items()}
    lines = [(names[line.ksv], *_figures(line, totals[line.ksv], texts)) for line in report.ksvs]
    rules = [(names[line.ksv], *(_shown(line.legitimate[code], texts) for code in CODES)) for line in report.ksvs]
    has_total = len(report.ksvs) > 1
    return page(
        "insurer.html.j2",
        texts,
        report=report,
        w=wording,
        not_shown=NOT_SHOWN,
        answers=_first_screen(report.ksvs[-1], totals[report.ksvs[-1].ksv], texts),
        # The whole comes first for who reads on, and last in a table, where a total stands.
        places=[places[-1], *places[:-1]],
        lines=lines[:-1] if has_total else lines,
        total=lines[-1] if has_total else None,
        rules=rules[:-1] if has_total else rules,
        rules_total=rules[-1] if has_total else None,
        codes=CODES,
        reading=[reading(name, report, texts) for name in READING],
    )


def name_of(line: InsurerKsv, texts: Texts) -> str:
    """Return what a KSV is called, or that it is all of them."""
    return texts("insurer.total") if line.ksv == ALL else f"{line.name} ({line.ksv})" if line.name else line.ksv


def _first_screen(line: InsurerKsv, total: InsurerCell, texts: Texts) -> tuple[Answer, ...]:
    """Return how much care is asked for, how much of it twice, whether that is settled, and whether the data is in."""
    count = {name: _words(value, texts) for name, value in total.counts.items()}
    opened, settled = _words(line.doubles_opened, texts), _words(line.doubles_settled, texts)
    return tuple(
        Answer(
            texts(f"insurer_page.{name}_question"),
            figure,
            texts(f"insurer_page.{name}_unit", **values),
            texts(f"insurer_page.{name}_says", **values),
            warns=warns,
        )
        for name, figure, values, warns in (
            ("demand", count["unique"], {"gross": count["gross"], "waiting": count["waiting"]}, False),
            ("double", count["double"], {"legitimate": count["legitimate"]}, False),
            ("settled", settled, {"opened": opened}, False),
            (
                "complete",
                texts.number(line.delivering),
                {"contracted": texts.number(line.contracted)},
                line.delivering < line.contracted,
            ),
        )
    )


def _words(value: int | None, texts: Texts) -> str:
    return texts("insurer_page.hidden") if value is None else texts.number(value)


def _place(name: str, cells: list[InsurerCell], texts: Texts) -> Place:
    *months, total = cells
    drawn = [
        (cell.month, cell.counts["gross"] or 0, cell.counts["unique"] or 0)
        for cell in months
        if cell.month != NO_EDD and cell.counts["gross"] is not None and cell.counts["unique"] is not None
    ]
    rows = tuple((_month(cell.month, texts), *_of_cell(cell, texts)) for cell in months)
    return Place(
        name, months_chart(drawn, texts, cells[0].ksv), rows, (texts("insurer.total"), *_of_cell(total, texts))
    )


def _month(month: str, texts: Texts) -> str:
    return texts("demand.no_edd") if month == NO_EDD else texts.month(month)


def _of_cell(cell: InsurerCell, texts: Texts) -> Row:
    counts: Mapping[str, int | None] = cell.counts
    return (
        *(_shown(counts[measure], texts) for measure in MEASURES),
        *(_shown(getattr(cell, name), texts) for name in HOURS),
    )


def _figures(line: InsurerKsv, total: InsurerCell, texts: Texts) -> Row:
    return (
        *(_shown(total.counts[measure], texts) for measure in MEASURES),
        texts.number(line.contracted),
        texts.number(line.delivering),
        _shown(line.doubles_opened, texts),
        _shown(line.doubles_settled, texts),
    )


def _shown(value: int | None, texts: Texts) -> str | None:
    return None if value is None else texts.number(value)
