"""A provider's workbook comes back with answers in it: as good as the form, and harmless when it is spoiled."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.workbook.external_link.external import ExternalBook, ExternalLink
from tests.conftest import NIGHT, FirstNight
from typer.testing import CliRunner

from dedup.cli.app import app
from dedup.errors import FeedbackError
from dedup.lab.installation import Installation
from dedup.nightly import answer_file, answer_workbook
from dedup.nightly.answer_file import AnswerRow, answer_rows
from dedup.reports.provider_files import ANSWERS, answer_heads
from dedup.reports.texts import texts_in

SHEET, ANSWER = "Bevindingen", "Antwoord"


def form_of(report: Path) -> list[dict[str, str]]:
    text = report.with_name("feedback.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


@pytest.fixture
def report(first_night: FirstNight) -> Path:
    """The workbook of a night for the provider with most to answer."""
    reports = first_night.installation.settings.server_home.parent.glob("provider-reports/*/*/report.xlsx")
    return max(reports, key=lambda path: len(form_of(path)))


def filled_in(report: Path, answer_of: Callable[[dict[str, Any]], str | None]) -> bytes:
    """Return the workbook as a spreadsheet program saves it, with what `answer_of` says of each row, if anything."""
    book = openpyxl.load_workbook(report)
    sheet = book[SHEET]
    heads = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        answer = answer_of(dict(zip(heads, (cell.value for cell in row), strict=True)))
        if answer is not None:
            row[heads.index(ANSWER)].value = answer
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_the_workbook_gives_the_answers_that_the_form_would(report: Path) -> None:
    answers = {row["registratie_id"]: ANSWERS[at % len(ANSWERS)] for at, row in enumerate(form_of(report))}
    assert len(answers) >= 3
    saved = filled_in(report, lambda row: None if row[ANSWER] == "–" else answers[row["registratie_id"]])
    lines = [";".join((row | {"code": answers[row["registratie_id"]]}).values()) for row in form_of(report)]
    form = "\n".join(["finding;registratie_id;aanbieder_agb;code", *lines]).encode()

    def without_line(rows: list[AnswerRow]) -> set[tuple[str, ...]]:
        return {(row.finding, row.registratie_id, row.provider, row.code) for row in rows}

    assert without_line(answer_rows(saved)) == without_line(answer_rows(form))


def test_a_workbook_in_which_nothing_is_filled_in_has_no_answers(report: Path) -> None:
    assert answer_rows(report.read_bytes()) == []
    assert {cell.value for cell in openpyxl.load_workbook(report)[SHEET]["F"][1:]} <= {None, "", "–"}


def test_every_language_of_the_report_is_read_back() -> None:
    for language in ("nl", "en"):
        book = openpyxl.Workbook()
        book.active.append(list(answer_heads(texts_in(language)).values()))
        book.active.append(["B-1", "r", "41000001", "ons"])
        file = io.BytesIO()
        book.save(file)
        assert answer_rows(file.getvalue()) == [AnswerRow(2, "B-1", "r", "41000001", "ons")]


def test_importing_the_workbook_twice_changes_nothing_and_leaves_the_forms_trail(
    report: Path, first_night: FirstNight, copy_of: Callable[[Installation, str], Installation], tmp_path: Path
) -> None:
    installation = copy_of(first_night.installation, "answered")
    file = tmp_path / "terug.xlsx"
    [first, second, *_] = [row["registratie_id"] for row in form_of(report)]
    chosen = {first: "ons", second: '=HYPERLINK("https://example.nl","ons")'}
    file.write_bytes(filled_in(report, lambda row: chosen.get(row["registratie_id"])))
    command = ["feedback", "import", str(file), "--config", str(installation.folder / "config")]
    once = CliRunner().invoke(app, [*command, "--date", NIGHT.isoformat()])
    assert once.exit_code == 3
    assert "1 answers taken in" in once.output
    assert "[feedback.code]" in once.output  # a formula is never worked out
    assert second not in once.output
    again = CliRunner().invoke(app, [*command, "--date", NIGHT.isoformat()])
    assert "0 answers taken in, 1 were known already" in again.output
    found = CliRunner().invoke(
        app, ["audit", "list", "--event", "feedback.imported", "--config", str(installation.folder / "config")]
    )
    assert found.output.count("feedback.imported") == 2


def test_a_link_to_another_file_is_left_alone(report: Path) -> None:
    book = openpyxl.load_workbook(report)
    book[SHEET]["F2"] = "='[1]Blad'!A1"
    link = ExternalLink(externalBook=ExternalBook(sheetNames=None))
    link.file_link = openpyxl.packaging.relationship.Relationship(
        type="externalLinkPath", Target="file:///etc/passwd", TargetMode="External", Id="rId1"
    )
    book._external_links.append(link)
    file = io.BytesIO()
    book.save(file)
    assert [row.code for row in answer_rows(file.getvalue())] == ["='[1]Blad'!A1"]


def rebuilt(report: Path, changes: dict[str, bytes]) -> bytes:
    """Return the workbook with other contents for some of its parts."""
    with zipfile.ZipFile(report) as book:
        return archive({name: book.read(name) for name in book.namelist()} | changes)


def archive(parts: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return file.getvalue()


def billion_laughs(encoding: str) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE sst [<!ENTITY l0 "ha">{entities}]><sst><si><t>&l9;</t></si></sst>'
    return text.encode(encoding)


def typed(report: Path) -> bytes:
    """The texts of the workbook behind a document type that does no harm, which a parser would let pass."""
    with zipfile.ZipFile(report) as book:
        return book.read("xl/sharedStrings.xml").replace(b"<sst", b"<!DOCTYPE sst><sst", 1)


def lying(content: bytes, size: int) -> bytes:
    """Return the archive with another size stated for its last part than what comes out of it."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


SPOILED = [
    ("too large", lambda _: b"x" * (answer_file.LARGEST_FILE + 1), "feedback.too-large"),
    ("password", lambda _: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "feedback.encrypted"),
    ("cut", lambda report: report.read_bytes()[:3000], "feedback.unreadable"),
    ("flipped", lambda report: report.read_bytes()[:200] + b"\xff" + report.read_bytes()[201:], "feedback.unreadable"),
    (
        "no workbook",
        lambda _: archive({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}),
        "feedback.unreadable",
    ),
    ("no XML", lambda report: rebuilt(report, {"xl/sharedStrings.xml": b"<sst>"}), "feedback.unreadable"),
    (
        "laughs",
        lambda report: rebuilt(report, {"xl/sharedStrings.xml": billion_laughs("utf-8")}),
        "feedback.unreadable",
    ),
    (
        "UTF-16",
        lambda report: rebuilt(report, {"xl/sharedStrings.xml": billion_laughs("utf-16")}),
        "feedback.unreadable",
    ),
    (
        "any document type",
        lambda report: rebuilt(report, {"xl/sharedStrings.xml": typed(report)}),
        "feedback.unreadable",
    ),
    ("bomb", lambda report: rebuilt(report, {"xl/z.xml": bytes(40 * 2**20)}), "feedback.too-large"),
    ("lying bomb", lambda report: lying(rebuilt(report, {"xl/z.xml": bytes(40 * 2**20)}), 9), "feedback.unreadable"),
    ("parts", lambda report: rebuilt(report, {f"xl/{n}.xml": b"" for n in range(300)}), "feedback.unreadable"),
    ("other sheet", lambda _: other_sheet(), "feedback.columns"),
]


def other_sheet() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Bevinding", "Antwoord"])
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(("make", "code"), [case[1:] for case in SPOILED], ids=[case[0] for case in SPOILED])
def test_a_spoiled_workbook_is_one_clear_error(make: Callable[[Path], bytes], code: str, report: Path) -> None:
    with pytest.raises(FeedbackError) as error:
        answer_rows(make(report))
    assert error.value.code == code
    assert error.value.message.endswith(".")


def test_a_row_that_says_it_is_the_last_of_all_costs_no_time(report: Path) -> None:
    with zipfile.ZipFile(report) as book:
        name = "xl/worksheets/sheet2.xml"
        sheet = book.read(name).decode()
    far = sheet.replace("</sheetData>", '<row r="999999999999"><c r="F999999999999"><v>1</v></c></row></sheetData>')
    far = re.sub(r"<dimension [^>]*>", "", far)  # by which a reader would stop earlier
    assert "999999999999" in far
    assert answer_rows(rebuilt(report, {name: far.encode()})) == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_spoiled_ends_in_rows_or_in_our_own_error(data: st.DataObject, whole: bytes) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    piece = data.draw(st.binary(max_size=6))
    spoiled = whole[:at] + piece + whole[at + data.draw(st.integers(0, 6)) :]
    with contextlib.suppress(FeedbackError):  # and nothing else
        assert all(row.code for row in answer_rows(answer_workbook.ZIP_START + spoiled[4:]))


@pytest.fixture(scope="session")
def whole(first_night: FirstNight) -> bytes:
    """Any provider's workbook, not compressed, so that a changed byte reaches what it holds."""
    reports = sorted(first_night.installation.settings.server_home.parent.glob("provider-reports/*/*/report.xlsx"))
    with zipfile.ZipFile(reports[0]) as book:
        return archive({name: book.read(name) for name in book.namelist()}, zipfile.ZIP_STORED)
