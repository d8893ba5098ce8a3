"""Every word of a report is in its own language: none is left in the other, and templates hold no words at all."""

from __future__ import annotations

import html as entities
import io
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest

from dedup.findings.config import load_rules
from dedup.findings.rules import BY_CODE
from dedup.reports import html, insurer_files, insurer_page, pdf, provider_files, xlsx
from dedup.reports.chart import charts_of
from dedup.reports.ksv_settings import EVERY_KSV, KsvSettings
from dedup.reports.provider import ProviderReports
from dedup.reports.texts import LANGUAGES, texts_in

CONFIG = Path(__file__).parents[2] / "config"
BOTH = {"conversation", "warning"}  # the client's words are given in both languages; short names are alike
LONG_ENOUGH = 9  # letters; shorter ones can be part of a word of the other language
WORDS_OF_TEMPLATES = {"KSV"}


def literals(language: str) -> set[str]:
    """What stands in the catalogue and the rules, between the places to fill in."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key not in BOTH:
                    yield from texts(inner)
        elif isinstance(value, list):
            yield from value
        else:
            yield value

    rules = [getattr(text, language) for rule in BY_CODE.values() for text in (rule.name, rule.explanation)]
    parts = (part for text in [*texts(texts_in(language).catalogue), *rules] for part in re.split(r"\{\w+\}", text))
    return {stripped for part in parts if len(stripped := part.strip(" .,:;()")) >= LONG_ENOUGH}


def words_of_book(content: bytes) -> str:
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = (
        str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None
    )
    return "\n".join([*book.sheetnames, *cells])


def without_words_for_clients(words: str) -> str:
    for language in LANGUAGES:
        for text in texts_in(language).catalogue["conversation"].values():
            assert text in words
            words = words.replace(text, "")
    return words


def words_of_page(page: str) -> str:
    return entities.unescape(re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)))


def words_of_pdf(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_no_text_is_the_same_in_both_languages():
    assert set.intersection(*map(literals, LANGUAGES)) == set()


@pytest.mark.parametrize(("language", "days"), [("nl", "dagen"), ("en", "days")])
def test_the_days_that_texts_name_are_those_of_the_shipped_rules(language, days):
    """Fourteen days for a transfer, a waiting list and the reflection time: a term changes together with its texts."""
    rules, catalogue = load_rules(CONFIG / "rules.toml"), texts_in(language).catalogue
    steps = [*catalogue["step"].items(), *catalogue["provider_step"].items()]
    told = [
        (7 * rules.transfer_legitimate_weeks, getattr(BY_CODE["L2"].explanation, language)),
        *((7 * rules.transfer_legitimate_weeks, text) for name, text in steps if name == "clean_up_L2"),
        (7 * rules.waiting_list_legitimate_weeks, getattr(BY_CODE["L3"].explanation, language)),
        *((7 * rules.waiting_list_legitimate_weeks, text) for name, text in steps if name == "clean_up_L3"),
        (rules.hold_days, catalogue["findings"]["held"]),
    ]
    assert len(told) == 7
    assert [text for term, text in told if f"{term} {days}" not in text] == []


@pytest.fixture(scope="module", params=LANGUAGES)
def made(request, report, insurer_report, night, findings_of_season) -> tuple[str, dict[str, str]]:
    """The words of every file of every audience in one language."""
    language = request.param
    settings = {EVERY_KSV: KsvSettings()}
    providers = ProviderReports(night, findings_of_season[0], settings)
    own = providers.build(providers.providers[0])
    return language, {
        "ksv.html": words_of_page(html.render(report, language)),
        "ksv.pdf": words_of_pdf(pdf.render(report, charts_of(report, texts_in(language)), language)),
        "ksv.xlsx": words_of_book(xlsx.render(report, language)),
        "provider.xlsx": without_words_for_clients(words_of_book(provider_files.as_xlsx(own, settings, language))),
        "insurer.html": words_of_page(insurer_page.render(insurer_report, language)),
        "insurer.xlsx": words_of_book(insurer_files.as_xlsx(insurer_report, language)),
    }


def test_no_file_says_anything_in_the_other_language(made):
    language, words = made
    [other] = set(LANGUAGES) - {language}
    own_words = " ".join(literals(language))
    foreign = {text for text in literals(other) if text not in own_words}
    assert len(foreign) > 300
    left = {
        name: [text for text in foreign if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", said)]
        for name, said in words.items()
    }
    assert left == {name: [] for name in words}


def test_every_file_says_much_in_its_own(made):
    """The control: the search finds what is there."""
    language, words = made
    for name, said in words.items():
        assert sum(text in said for text in literals(language)) > 15, name


def test_templates_hold_no_words_of_their_own():
    for path in files("dedup.reports").joinpath("templates").iterdir():
        if path.name.endswith(".j2"):
            text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", path.read_text("utf-8"), flags=re.DOTALL)
            text = re.sub(r"<[^>]*>|[^<>]*\">", " ", text)
            assert set(re.findall(r"[^\W\d_]{2,}", text)) <= WORDS_OF_TEMPLATES, path.name
