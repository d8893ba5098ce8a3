"""A month's report says that it is the month's, on paper, on screen and in the workbook; a night's says the night's."""

from __future__ import annotations

import io
from dataclasses import replace

import openpyxl
import pypdf
import pytest

from dedup.reports import html, pdf, xlsx
from dedup.reports.chart import charts_of
from dedup.reports.first_screen import first_screen
from dedup.reports.texts import texts_in

NIGHT = {"nl": "Nachtelijk overzicht van zondag 22 november 2026", "en": "Nightly report of Sunday 22 November 2026"}
MONTH = {
    "nl": "Maandoverzicht van november 2026, zoals het stond op zondag 22 november 2026",
    "en": "Monthly report of November 2026, as things stood on Sunday 22 November 2026",
}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_says_whether_it_is_of_a_night_or_of_a_month(report, language):
    of_night, of_month = html.render(report, language), html.render(replace(report, month="2026-11"), language)

    assert NIGHT[language] in of_night
    assert MONTH[language] not in of_night
    assert MONTH[language] in of_month
    assert NIGHT[language] not in of_month
    assert f"{texts_in(language).month('2026-11')}</title>" in of_month


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_pdf_says_it_too(report, language):
    made = pdf.render(replace(report, month="2026-11"), charts_of(report, texts_in(language)), language)
    first = " ".join(pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text().split())

    assert MONTH[language] in first
    assert NIGHT[language] not in first


@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_is_new_is_counted_over_the_month_and_told_of_it(report, language):
    texts = texts_in(language)
    of_month = replace(report, month="2026-11", month_new=17, month_settled=5)
    answer = first_screen(of_month, texts)[0]
    page = html.render(of_month, language)

    assert (answer.figure, answer.unit.endswith(texts("summary.new_month"))) == ("17", True)
    assert answer.text == texts("summary.settled", findings=texts.count("finding", 5))
    assert texts("summary.new_month") in page
    for of_a_night in ("summary.new_since", "summary.new_first"):
        assert texts(of_a_night) not in page


def test_the_workbook_counts_what_is_new_over_the_month(report):
    made = openpyxl.load_workbook(io.BytesIO(xlsx.render(replace(report, month="2026-11", month_new=17))))
    overview = dict(made["Overzicht"].iter_rows(min_row=2, max_col=2, values_only=True))

    assert overview["Nieuw of heropend in deze maand"] == 17
    assert not {"Nieuw sinds gisteren", "Nieuw in deze eerste nacht"} & set(overview)


def test_the_workbook_names_the_month_above_the_night(report):
    def overview(month: str) -> dict[object, object]:
        made = openpyxl.load_workbook(io.BytesIO(xlsx.render(replace(report, month=month))))
        return dict(made["Overzicht"].iter_rows(min_row=2, max_col=2, values_only=True))

    assert overview("2026-11")["Overzicht van de maand"] == "november 2026"
    assert "Overzicht van de maand" not in overview("")
