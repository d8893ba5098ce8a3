"""Workbooks of plain tables: every sheet filters and sorts, prints on A4, and holds texts and numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from io import BytesIO
from typing import Any

import xlsxwriter

Cell = str | int | float | None
WIDEST, NARROWEST = 60, 10


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name, the heads of its columns and its rows.

    `formats` holds the number formats and `choices` the texts to choose from, both by column.
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
    wrapped = made.add_format({"text_wrap": True, "valign": "top"})
    formats = {column: made.add_format({"num_format": code}) for column, code in sheet.formats.items()}
    page.hide_gridlines(2)
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    for row, cells in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                page.write_string(row, column, cell, wrapped)
            elif cell is not None:
                page.write_number(row, column, cell, formats.get(column))
    for column, head in enumerate(sheet.heads):
        longest = max((len(str(cells[column])) for cells in sheet.rows if cells[column] is not None), default=0)
        page.set_column(column, column, min(max(longest, len(head) + 3, NARROWEST) + 1, WIDEST))
    for column, texts in sheet.choices.items():
        rule = {"validate": "list", "source": list(texts)}
        page.data_validation(1, column, max(len(sheet.rows), 1), column, rule)
    page.add_table(
        0,
        0,
        max(len(sheet.rows), 1),
        len(sheet.heads) - 1,
        {"name": table, "columns": [{"header": head} for head in sheet.heads], "style": "Table Style Light 1"},
    )
