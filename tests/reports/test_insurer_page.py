"""The insurer's page shows what its JSON shows, under the same policy as a KSV's page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from dedup.reports import insurer_page
from dedup.reports.html import content_policy
from dedup.reports.insurer import ALL, MEASURES, NO_EDD, build_insurer
from dedup.reports.texts import texts_in

HIDDEN = {"nl": "niet getoond", "en": "not shown"}


class Tables(HTMLParser):
    """The cells of every table as a person sees them, by caption, and all ids of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self.ids: list[str] = []
        self._caption, self._in, self._unseen = "", "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [named["id"]] if named.get("id") else []
        self._unseen = named.get("class") == "visually-hidden"
        if tag in ("caption", "th", "td"):
            self._in = tag
        if tag == "caption":
            self._caption = ""
        elif tag == "tr":
            self.rows.setdefault(self._caption, []).append([])
        elif tag in ("th", "td"):
            self.rows[self._caption][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = False
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        if self._in == "caption":
            self._caption += data
        elif self._in and not self._unseen:
            self.rows[self._caption][-1][-1] += data


def read(page: str) -> Tables:
    tables = Tables()
    tables.feed(page)
    return tables


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_table_by_month_holds_the_cells_of_the_report(insurer_report, language):
    texts = texts_in(language)
    tables = read(insurer_page.render(insurer_report, language))
    names = {line.ksv: insurer_page.name_of(line, texts) for line in insurer_report.ksvs}
    named = {ALL: texts("insurer.total"), NO_EDD: texts("demand.no_edd")}
    for ksv, name in names.items():
        head, *rows = tables.rows[texts("insurer_page.months_caption", place=name)]
        assert len(head) == 1 + len(MEASURES) + 3
        expected = [
            [
                named.get(cell.month) or texts.month(cell.month),
                *("." if count is None else texts.number(count) for count in cell.counts.values()),
                *("." if hours is None else texts.number(hours)
                  for hours in (cell.hours_mean, cell.hours_low, cell.hours_high)),
            ]
            for cell in insurer_report.cells
            if cell.ksv == ksv
        ]  # fmt: skip
        assert rows == expected


@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_is_not_shown_is_said_in_words_too(insurer_report, language):
    page = insurer_page.render(insurer_report, language)
    dots = page.count('<span aria-hidden="true">.</span>')
    assert dots > 20
    assert page.count(f'<span class="visually-hidden">{HIDDEN[language]}</span>') == dots


def test_it_is_one_file_under_the_policy_of_all_pages_and_holds_no_id(insurer_report, night):
    page = insurer_page.render(insurer_report)
    assert f'content="{content_policy()}"'.replace("'", "&#39;") in page
    assert not re.search(r"<script|\bstyle=|<link|<img|url\(|https?://(?!www\.w3\.org)", page)
    for value in (*night.registration, *night.finding, *night.provider):
        assert value not in page


def test_ids_are_unique_and_every_link_within_the_page_leads_somewhere(insurer_report):
    page = insurer_page.render(insurer_report)
    ids = read(page).ids
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    for names in re.findall(r'aria-labelledby="([^"]+)"', page):
        assert set(names.split()) <= set(ids)


def test_one_ksv_is_its_own_total(night, findings_of_season):
    report = build_insurer(night, findings_of_season[0], insurer="3311", month="2026-11", ksv_names={"KSV01": "Amstel"})
    page = insurer_page.render(report)
    assert "<details>" not in page
    assert texts_in("nl")("insurer_page.months_lead_one") in page


def test_the_same_report_gives_the_same_page(insurer_report):
    assert insurer_page.render(insurer_report) == insurer_page.render(insurer_report)
