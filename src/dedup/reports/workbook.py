"""Workbooks of plain tables: every sheet filters and sorts, prints on A4, and holds texts and numbers only.

What a table style and a program's own row heights would do is written out, because LibreOffice knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from io import BytesIO
from math import ceil
from typing import Any

import xlsxwriter

Cell = str | int | float | None
WIDEST, NARROWEST = 48, 9
LONGEST_HEAD = 16  # a longer head is wrapped
LINE_HEIGHT = 15  # points
PAGE_WIDTH = 150  # characters beside each other on A4 that can still be read
PAGE_LINES = 32  # under each other on A4, sideways
_HEAD = {"bold": True, "text_wrap": True, "valign": "bottom", "bg_color": "#e8eef0", "bottom": 2}
_NUMBERS = {"align": "right", "indent": 1}  # clear of a text in the next column


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, the heads of its columns and its rows.

    `formats` holds the number formats and `choices` the texts to choose from, both by column; a column with a number
    format stands at the right, whatever is in it.
    """

    name: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    formats: Mapping[int, str]
    choices: Mapping[int, Sequence[str]] = field(default_factory=dict)


def workbook(title: str, day: date, sheets: Sequence[Sheet]) -> bytes:
    """Return a workbook; the same sheets give the same bytes, and no cell is ever read as a formula or a link."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    file = BytesIO()
    with xlsxwriter.Workbook(file, options) as made:
        # The clock is left out, so that a rerun of the night gives the same file.
        made.set_properties({"title": title, "created": datetime.combine(day, time(), UTC)})
        for number, sheet in enumerate(sheets, start=1):
            _write_sheet(made, sheet, f"table{number}")
    return file.getvalue()


def _write_sheet(made: Any, sheet: Sheet, table: str) -> None:
    page = made.add_worksheet(sheet.name)
    head, numbers_head = made.add_format(_HEAD), made.add_format(_HEAD | _NUMBERS)
    usual = made.add_format({"text_wrap": True, "valign": "top"})
    formats = {
        column: made.add_format({"num_format": code, "valign": "top"} | _NUMBERS)
        for column, code in sheet.formats.items()
    }
    page.hide_gridlines(2)
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(9)
    widths = [_width(sheet, column) for column in range(len(sheet.heads))]
    heights = [_lines(sheet.heads, widths, room=3), *(_lines(cells, widths) for cells in sheet.rows)]
    # What is a little too long for one page is made to fit; what is longer takes as many as it needs.
    page.fit_to_pages(max(1, round(sum(widths) / PAGE_WIDTH)), 1 if sum(heights) <= 1.3 * PAGE_LINES else 0)
    page.repeat_rows(0)
    page.repeat_columns(0)
    for column, width in enumerate(widths):
        page.set_column(column, column, width)
    for row, lines in enumerate(heights):
        page.set_row(row, LINE_HEIGHT * lines)
    for row, cells in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                page.write_string(row, column, cell, formats.get(column, usual))
            elif cell is not None:
                page.write_number(row, column, cell, formats.get(column, usual))
    for column, texts in sheet.choices.items():
        rule = {"validate": "list", "source": list(texts)}
        page.data_validation(1, column, max(len(sheet.rows), 1), column, rule)
    page.add_table(
        0,
        0,
        max(len(sheet.rows), 1),
        len(sheet.heads) - 1,
        {
            "name": table,
            "columns": [
                {"header": name, "header_format": numbers_head if column in formats else head}
                for column, name in enumerate(sheet.heads)
            ],
            "style": "Table Style Light 1",
        },
    )


def _width(sheet: Sheet, column: int) -> int:
    """Return a column's width in characters: that of its longest text, within bounds, with room for the filter."""
    longest = max((len(str(cells[column])) for cells in sheet.rows if cells[column] is not None), default=0)
    words = max(len(word) for word in sheet.heads[column].split())
    head = max(words, min(len(sheet.heads[column]), LONGEST_HEAD)) + 3
    return min(max(longest + 2, head, NARROWEST), WIDEST)


def _lines(cells: Sequence[Cell], widths: Sequence[int], room: int = 0) -> int:
    """Return how many lines the fullest cell of a row takes; letters are taken a little wider than they mostly are."""
    most = 1
    for cell, width in zip(cells, widths, strict=True):
        if isinstance(cell, str) and len(cell) > width - room:
            most = max(most, ceil(1.1 * len(cell) / (width - room)))
    return most
