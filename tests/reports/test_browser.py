"""The page in a real browser: wide, narrow and on paper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dedup.reports import html, insurer_page

CHROMIUM = Path("/usr/bin/chromium")

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists() and not os.environ.get("CI"),
    reason="chromium is not installed; make test installs it as root",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(report, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html.render(report), "utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened_page(browser, address) as page:
        yield page


@pytest.fixture
def insurers_page(browser, insurer_report, tmp_path) -> Iterator[Page]:
    (tmp_path / "insurer.html").write_text(insurer_page.render(insurer_report), "utf-8")
    with opened_page(browser, (tmp_path / "insurer.html").as_uri()) as page:
        yield page


@contextmanager
def opened_page(browser: Browser, address: str) -> Iterator[Page]:
    """The opened report; whatever it requests or complains about afterwards fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(address)
    yield opened
    assert requests == [address]
    assert complaints == []
    context.close()


def test_the_style_sheet_is_let_through_by_the_policy(page):
    assert page.locator("body").evaluate("body => getComputedStyle(body).borderTopWidth") == "6px"


def test_another_style_is_not(browser, report, tmp_path):
    altered = html.render(report).replace("border-top: 6px", "border-top: 7px", 1)
    (tmp_path / "altered.html").write_text(altered, "utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "altered.html").as_uri())
    assert page.locator("body").evaluate("body => getComputedStyle(body).borderTopWidth") == "0px"
    page.close()


def test_the_first_screen_answers_the_four_questions(page, report):
    questions = [
        "Wat is nieuw?",
        "Wat moet er gebeuren, en door wie?",
        "Zijn de gegevens compleet?",
        "Wordt het beter?",
    ]
    for question in questions:
        heading = page.get_by_role("heading", name=question, level=3)
        box = heading.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 720
    figures = page.locator(".answers strong").all_inner_texts()
    assert figures == [
        str(number)
        for number in (
            report.summary.new, report.summary.ksv_acts, report.summary.providers_fresh, report.summary.open,
        )
    ]  # fmt: skip


def test_landmarks_and_tables_are_there_for_a_screen_reader(page, report):
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1
    table = page.get_by_role("table", name="Bevindingen die een aanbieder moet oplossen")
    expected = sum(line.acts != "ksv" for line in report.findings)
    assert expected > 5
    assert table.get_by_role("rowheader").count() == expected
    assert page.get_by_role("img", name="Inschrijvingen en cliënten per à-termemaand").is_visible()


def test_legitimate_ones_are_folded_away_and_open_by_keyboard(page, report):
    fold = page.locator("#terecht details")
    assert len(report.legitimate) > 3
    table = page.get_by_role("table", name="Terecht dubbele inschrijvingen")
    assert not table.is_visible()
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert table.is_visible()
    assert table.get_by_role("rowheader").count() == len(report.legitimate)


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_nothing_of_the_insurers_page_runs_over_the_side(insurers_page, width):
    insurers_page.set_viewport_size({"width": width, "height": 900})
    insurers_page.locator("details").evaluate_all("folds => folds.forEach(fold => fold.open = true)")
    assert insurers_page.evaluate("document.documentElement.scrollWidth") == width


def test_the_insurers_page_answers_on_its_first_screen_and_folds_single_ksvs(insurers_page, insurer_report):
    last = insurers_page.locator(".answers article").last.bounding_box()
    assert last is not None
    assert last["y"] + last["height"] < 720
    assert insurers_page.get_by_role("table").count() == 3  # by KSV, by month for all, by rule
    insurers_page.emulate_media(media="print")
    assert insurers_page.get_by_role("table").count() == 3 + len(insurer_report.ksvs) - 1


@pytest.mark.parametrize("width", [1280, 768, 390, 375])
def test_nothing_runs_over_the_side(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("#terecht details").evaluate("fold => fold.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_small_tables_are_whole_on_a_phone(page):
    page.set_viewport_size({"width": 375, "height": 812})
    for fold in page.locator("#voortgang details").all():
        fold.evaluate("fold => fold.open = true")
    tables = page.locator("#voortgang table").all()
    assert len(tables) >= 2
    for table in tables:
        last = table.locator("thead th").last.bounding_box()
        assert last is not None
        assert last["x"] + last["width"] <= 375


def test_a_narrow_screen_keeps_the_tables_roles(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.get_by_role("table", name="Bevindingen om te beoordelen").get_by_role("columnheader").count() == 4


def test_every_text_has_enough_contrast(page):
    """WCAG 1.4.3: at least 4.5 between a text's colour and the background it stands on."""
    page.locator("#terecht details").evaluate("fold => fold.open = true")
    poor = page.evaluate(
        """() => {
          const numbers = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
            .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
          const ground = element => {
            for (let at = element; at; at = at.parentElement) {
              const colour = numbers(getComputedStyle(at).backgroundColor);
              if (colour.length === 3 || colour[3] > 0) return colour;
            }
            return [255, 255, 255];
          };
          const poor = new Set();
          for (const element of document.querySelectorAll('main *, header *, nav *, footer *')) {
            const own = [...element.childNodes].filter(node => node.nodeType === 3 && node.data.trim());
            if (element.closest('svg') || !own.length) continue;
            const [a, b] = [numbers(getComputedStyle(element).color), ground(element)].map(light);
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            if (ratio < 4.5) poor.add(`${element.className} ${ratio.toFixed(2)}`);
          }
          return [...poor];
        }"""
    )
    assert poor == []


def test_on_paper_it_is_a4_and_shows_what_is_folded(page):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 without its margins
    assert page.evaluate("document.documentElement.scrollWidth") == 703
    assert page.locator(".findings tbody td").first.evaluate("cell => getComputedStyle(cell).display") == "table-cell"
    assert page.locator("nav").is_hidden()
    assert page.get_by_role("table", name="Terecht dubbele inschrijvingen").is_visible()
    sheet = page.pdf(prefer_css_page_size=True)
    assert sheet.startswith(b"%PDF")
    assert len(sheet) > 50_000
