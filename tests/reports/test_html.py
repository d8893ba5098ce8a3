"""The page as text: self-contained, the same every time, in two languages, without anything of a client."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from dedup.extract.faults import FAULTS
from dedup.reports import html
from dedup.reports.first_screen import some_names
from dedup.reports.texts import texts_in
from dedup.weeks import week_of

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Balance(HTMLParser):
    """Finds elements that are not closed, ids used twice, and links to ids that are not there."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        for name in ("aria-labelledby",):
            self.links.update((values.get(name) or "").split())
        if (values.get("href") or "").startswith("#"):
            self.links.add(values["href"][1:])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=["nl", "en"])
def page(request, report) -> str:
    return html.render(report, request.param)


@pytest.fixture(scope="module")
def parsed(page) -> Balance:
    parser = Balance()
    parser.feed(page)
    return parser


def test_every_element_closes_and_every_reference_leads_somewhere(parsed):
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert parsed.links <= set(parsed.ids)


def test_nothing_is_fetched_and_nothing_runs(page, parsed):
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", page)
    assert {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object", "form"} == set()
    assert not any(name == "style" or name.startswith("on") for _, values in parsed.tags for name in values)


def test_the_policy_names_the_one_style_sheet_by_its_hash(page):
    [style] = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1).replace("&#39;", "'")
    assert policy == html.content_policy()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")


def test_headings_go_down_one_step_at_a_time(parsed):
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_a_caption_and_scoped_heads(parsed):
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("table") == tags.count("caption") > 5
    assert all("scope" in values for tag, values in parsed.tags if tag == "th")


def test_the_chart_has_a_title_a_description_and_a_table(page):
    assert page.count('role="img"') == 3
    for name in ("chart-demand", "chart-births", "chart-history"):
        assert re.search(rf'<title id="{name}-title">[^<]+</title><desc id="{name}-desc">[^<]{{40,}}</desc>', page)
    assert "aria-roledescription" not in page


def test_a_providers_name_cannot_become_markup(page):
    assert "Zorg van Nu &lt;Kraam&gt;" in page
    assert "<Kraam>" not in page


def test_the_page_shows_names_of_attributes_and_bands_only(report, page):
    assert "0.999" not in page
    assert "0,999" not in page
    assert not re.search(r"\b(jaccard|level|probability)\b", page, flags=re.IGNORECASE)
    assert report.findings[0].finding in page


def test_the_same_report_gives_the_same_bytes(report):
    assert html.render(report) == html.render(report)


def test_dutch_is_the_default_and_english_is_all_english(report):
    assert html.render(report) == html.render(report, "nl")
    english = html.render(report, "en")
    assert '<html lang="en">' in english
    for word in ("bevinding", "aanbieder ", "inschrijving", "Zorgvraag", "dagen"):
        assert word not in english
    with pytest.raises(KeyError):
        html.render(report, "de")


def test_the_catalogues_have_the_same_keys_and_places():
    def shape(catalogue, prefix=""):
        for key, value in catalogue.items():
            if isinstance(value, dict):
                yield from shape(value, f"{prefix}{key}.")
            else:
                yield prefix + key, sorted(set(re.findall(r"\{\w+\}", str(value))))

    dutch, english = dict(shape(texts_in("nl").catalogue)), dict(shape(texts_in("en").catalogue))
    assert dutch == english


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_fault_that_the_check_can_count_has_a_name(language):
    assert set(FAULTS) == set(texts_in(language).catalogue["warning"])


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("nl", ("1.234,5", "12,3%", "1 bevinding", "2 bevindingen", "22 november 2026", "week 47, 2026", "mrt ’27")),
        ("en", ("1,234.5", "12.3%", "1 finding", "2 findings", "22 November 2026", "week 47, 2026", "Mar ’27")),
    ],
)
def test_numbers_and_days_are_written_as_the_language_does(language, expected, today):
    texts = texts_in(language)
    assert expected == (
        texts.number(1234.5, 1),
        texts.percent(0.123),
        texts.count("finding", 1),
        texts.count("finding", 2),
        texts.day(today),
        texts.week(week_of(today)),
        texts.short_month("2027-03"),
    )


def test_a_long_list_of_names_is_cut():
    texts = texts_in("nl")
    assert some_names(("a", "b", "c"), texts) == "a, b, c"
    assert some_names(("a", "b", "c", "d", "e"), texts) == "a, b, c en nog 2"
