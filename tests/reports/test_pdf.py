"""The PDF is one that a screen reader can read: tagged, with title, language and texts beside its pictures."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import pypdf
import pytest

from dedup.reports import pdf
from dedup.reports.chart import charts_of
from dedup.reports.data import DoubtfulContract
from dedup.reports.texts import texts_in


def rendered(report, language="nl") -> bytes:
    return pdf.render(report, charts_of(report, texts_in(language)), language)


@pytest.fixture(scope="module")
def file(report) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(rendered(report)))


@pytest.fixture(scope="module")
def words(file) -> str:
    return " ".join(" ".join(page.extract_text() for page in file.pages).split())


@pytest.fixture(scope="module")
def tags(file) -> list[pypdf.generic.DictionaryObject]:
    """All elements of the structure tree."""
    found = []
    waiting = [file.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        element = waiting.pop().get_object()
        if isinstance(element, list):
            waiting += element
        elif isinstance(element, dict):
            if "/S" in element:
                found.append(element)
            if "/K" in element:
                waiting.append(element["/K"])
    return found


def test_it_says_that_it_is_pdf_ua_1_with_title_and_language(file, report):
    root = file.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "nl"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert file.metadata.title == f"Dubbele inschrijvingen kraamzorg - {report.ksv_name}"
    assert b"<pdfuaid:part>1</pdfuaid:part>" in file.xmp_metadata.stream.get_data()


def test_headings_tables_and_pictures_are_tagged(tags):
    kinds = Counter(element["/S"] for element in tags)
    assert kinds["/H1"] == 1
    assert kinds["/H2"] >= 6
    assert kinds["/Table"] >= 6
    assert kinds["/TH"] > 20
    assert kinds["/Caption"] >= 6
    pictures = [element for element in tags if element["/S"] == "/Figure"]
    assert len(pictures) == 3
    assert all(len(str(picture["/Alt"])) > 40 for picture in pictures)


def test_every_chart_has_its_numbers_in_a_table(words, report):
    """What a chart's text beside it promises: the same numbers stand in a table."""
    texts = texts_in("nl")
    assert len(report.births) > 10
    assert len(report.history) > 1
    assert all(f"{texts.week(line.week)} {texts.number(line.gross, 1)}" in words for line in report.births)
    assert all(f"{texts.short_day(point.day)} {texts.number(point.open)}" in words for point in report.history)
    assert all(texts.month(line.month) in words for line in report.demand if line.month)


def test_it_tells_of_coverage_contracts_and_software(report):
    line = report.providers[0]
    contracted = replace(line, contracted=True), replace(line, provider="41000099", name="Zonder", contracted=False)
    doubtful = (DoubtfulContract(7, report.ksv, "Kraamzorg Zonder Code", "41000001"),)
    told = replace(report, providers=contracted, doubtful_contracts=doubtful)
    pages = pypdf.PdfReader(io.BytesIO(rendered(told))).pages
    words = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "1 aanbieder is in deze regio gecontracteerd." in words
    assert words.count("niet gecontracteerd in deze regio") == 1
    assert "Kraamzorg Zonder Code 41000001 7" in words
    assert all(f"{one.vendor} {one.providers} " in words for one in report.vendors)


def test_every_finding_and_every_registration_is_in_it(words, report):
    assert len(report.findings) > 10
    for line in report.findings:
        assert line.finding in words
        for member in line.members:
            assert member.registratie_id in words


def test_it_answers_the_questions_of_the_first_screen(words):
    for question in ("Wat is nieuw?", "Wat moet er gebeuren, en door wie?", "Zijn de gegevens compleet?"):
        assert question in words


def test_the_same_report_gives_the_same_bytes(report):
    assert rendered(report) == rendered(report)


def test_it_can_be_english(report):
    english = pypdf.PdfReader(io.BytesIO(rendered(report, "en")))
    assert english.trailer["/Root"]["/Lang"] == "en"
    assert "What is new?" in english.pages[0].extract_text()
