"""A file that cannot be read as an extract gets one clear sentence with a code of its own, and never a value."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup.errors import ExtractError
from dedup.extract.checks import check_extract
from dedup.extract.coded import coded, plain_strings
from dedup.extract.read import DEFAULT_MAX_BYTES, TextTable, read_table, read_tables
from dedup.extract.rows import any_rows, regular_rows, regular_rows_of_each
from dedup.extract.whole_file import inspect_bytes

HEADER = "a;b;c\r\n"


def fault_of(path: Path, **options: int) -> ExtractError:
    with pytest.raises(ExtractError) as caught:
        read_table(path, separator=";", **options)
    return caught.value


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "extract.empty", "is empty"),
        (b"\xef\xbb\xbf", "extract.empty", "is empty"),
        (b"\r\n \r\n", "extract.empty", "is empty"),
        (HEADER.encode(), "extract.only-header", "header but no rows"),
        ((HEADER + ";;\r\n\r\n;;\r\n").encode(), "extract.only-header", "header but no rows"),
        (b"PK\x03\x04rest of a workbook", "extract.not-csv", "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "extract.not-csv", "old Excel"),
        (b"%PDF-1.7", "extract.not-csv", "PDF"),
        (b"\x1f\x8b\x08", "extract.not-csv", "gzipped"),
        ((HEADER + "1;2;3\r\n").encode("utf-16"), "extract.encoding", "UTF-16"),
        ((HEADER * 60).encode("utf-16-le"), "extract.encoding", "UTF-16"),
        ((HEADER * 60).encode("utf-16-be"), "extract.encoding", "UTF-16"),
        ((HEADER + "1;Zoë;3\r\n").encode("latin-1"), "extract.encoding", "line 2"),
        ((HEADER + "1;2;3\r\n" * 3 + "1;Renée;3\r\n").encode("cp1252"), "extract.encoding", "line 5"),
        ((HEADER + "1;2;Zo").encode() + b"\xc3", "extract.encoding", "breaks off"),
        ((HEADER + "1;2;3\r\n1;\0;3\r\n").encode(), "extract.nul", "line 3"),
        (b"a,b,c\r\n1,2,3\r\n", "extract.separator", "comma"),
        (b"a\tb\tc\r\n1\t2\t3\r\n", "extract.separator", "tab"),
        (b"a|b|c\r\n1|2|3\r\n", "extract.separator", "pipe"),
        (b"just a line\r\n", "extract.separator", "semicolon"),
        (b"a;b;a\r\n1;2;3\r\n", "extract.duplicate-columns", "Column 3"),
        ((HEADER + '1;"2;3\r\n4;5;6\r\n').encode(), "extract.quotes", "quote"),
        ((HEADER + '1;"2"x;3\r\n').encode(), "extract.quotes", "quote"),
    ],
)
def test_a_file_that_is_no_extract_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, code: str, words: str
) -> None:
    fault = fault_of(written(tmp_path, content))
    assert (fault.code, words in fault.message, fault.message.count("\n")) == (code, True, 0)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert fault_of(tmp_path / "nowhere.csv").code == "extract.not-found"
    assert fault_of(tmp_path).code == "extract.not-found"


def test_a_file_of_a_gigabyte_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER.encode())
    os.truncate(path, 1 << 30)
    assert fault_of(path).code == "extract.too-large"


def test_the_limit_can_be_set(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + "1;2;3\r\n" * 100).encode())
    assert fault_of(path, max_bytes=100).code == "extract.too-large"
    assert len(read_table(path, separator=";", max_bytes=10_000).line) == 100


def test_memory_follows_distinct_values_rather_than_the_size_of_the_file(tmp_path: Path) -> None:
    """A file of 48 MB with few distinct values is read in far less memory than its size asks for as text."""
    path = tmp_path / "file.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number in range(200):
            file.write(f"{number:0>80};{'x' * 80};{'y' * 80}\n" * 1000)
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom dedup.extract.read import read_table\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "table = read_table(Path(sys.argv[1]), separator=';')\n"
        "print(len(table.line), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    rows, kibibytes = map(int, done.stdout.split())
    assert rows == 200_000
    assert kibibytes < 48 * 1024


def test_rows_keep_their_numbers_and_lines(tmp_path: Path) -> None:
    """A blank row is not a row; a quoted line break moves the line, not the row."""
    path = written(tmp_path, (HEADER + '1;"two\r\nlines";3\r\n\r\n ; ;\r\n4;5\r\n7;8;9;10\r\n 11 ;12;13\r\n').encode())
    table = read_table(path, separator=";")
    assert table.line.tolist() == [3, 6, 7, 8]
    assert table.malformed.tolist() == [False, True, True, False]
    assert plain_strings(coded([table.columns["a"]])).tolist() == ["1", "", "", "11"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_line_ending_and_a_bom_are_read(tmp_path: Path, ending: str, mark: str) -> None:
    table = read_table(written(tmp_path, (mark + "a;b" + ending + '"1;";"2 "" x"').encode()), separator=";")
    assert {name: plain_strings(coded([column])).tolist() for name, column in table.columns.items()} == {
        "a": ["1;"],
        "b": ['2 " x'],
    }


def test_missing_columns_are_named_with_what_may_be_meant(
    tmp_path: Path, csv_text: Callable[..., str], row: Callable[..., dict[str, str]], today: object
) -> None:
    text = csv_text([row()]).replace("geboortedatum", "geboorte_datum", 1).replace("postcode", "pc", 1)
    with pytest.raises(ExtractError) as caught:
        check_extract(written(tmp_path, text.encode()), today=today, regions=None)
    assert caught.value.code == "extract.missing-columns"
    assert caught.value.message == ("file.csv lacks required columns: geboortedatum (is it geboorte_datum?), postcode.")


def test_one_of_the_first_name_columns_must_be_there(
    extract: Callable[..., Path], row: Callable[..., dict[str, str]], today: object
) -> None:
    columns = [name for name in row() if name not in ("voornamen", "roepnaam", "initialen")]
    with pytest.raises(ExtractError) as caught:
        check_extract(extract(row(), columns=columns), today=today, regions=None)
    assert caught.value.message == "extract.csv lacks a required column: voornamen or roepnaam or initialen."


def test_a_first_line_that_is_a_client_is_not_repeated(
    tmp_path: Path, csv_text: Callable[..., str], row: Callable[..., dict[str, str]], today: object
) -> None:
    headless = csv_text([row(), row(2)]).split("\r\n", 1)[1]
    with pytest.raises(ExtractError) as caught:
        check_extract(written(tmp_path, headless.encode()), today=today, regions=None)
    assert caught.value.code == "extract.no-header"
    assert "Vries" not in caught.value.message


def test_columns_that_differ_only_in_case_are_one_column_twice(
    tmp_path: Path, csv_text: Callable[..., str], row: Callable[..., dict[str, str]], today: object
) -> None:
    text = csv_text([row()], columns=[*row(), "Email"])
    with pytest.raises(ExtractError) as caught:
        check_extract(written(tmp_path, text.encode()), today=today, regions=None)
    assert caught.value.code == "extract.duplicate-columns"


CELLS = st.text(alphabet="ab1 \t\u00a0é", max_size=3)
LINES = st.one_of(
    st.lists(CELLS, min_size=3, max_size=3).map(";".join),
    st.lists(CELLS, max_size=5).map(";".join),
    st.sampled_from(["", " ", ";;", " ; ;\t"]),
)


@given(
    lines=st.lists(LINES, max_size=6),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from(["", "\ufeff"]),
    last=st.booleans(),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrow_reads_what_the_csv_module_reads_or_leaves_it_to_it(
    tmp_path: Path, lines: list[str], ending: str, mark: str, last: bool
) -> None:
    text = mark + ending.join(["a;b;c", *lines]) + (ending if last else "")
    path = written(tmp_path, text.encode())
    quick = regular_rows(path, ";", 3)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=";", strict=True)
        next(reader)
        slow = any_rows(reader, 3)
    if quick is not None:
        assert [plain_strings(coded([column])).tolist() for column in quick.columns] == [
            plain_strings(coded([column])).tolist() for column in slow.columns
        ]
        assert (quick.line.tolist(), quick.malformed.tolist()) == (slow.line.tolist(), slow.malformed.tolist())


FILES = st.lists(
    st.tuples(
        st.sampled_from(["a;b;c", "a;b;c", "c;b;a", "a;b"]),
        st.lists(st.one_of(st.just("1;2;3"), LINES), max_size=4),
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=4,
)


@given(files=FILES)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_that_are_read_together_are_what_they_are_one_by_one(tmp_path: Path, files: list[Any]) -> None:
    paths = [tmp_path / f"{number}.csv" for number in range(len(files))]
    for path, (header, lines, ending, last) in zip(paths, files, strict=True):
        path.write_bytes((ending.join([header, *lines]) + (ending if last else "")).encode())

    def outcome(path: Path) -> TextTable | ExtractError:
        try:
            return read_table(path, separator=";")
        except ExtractError as error:
            return error

    def shown(table: TextTable | ExtractError) -> object:
        if isinstance(table, ExtractError):
            return table.code, table.message
        columns = {name: plain_strings(coded([column])).tolist() for name, column in table.columns.items()}
        return columns, table.line.tolist(), table.malformed.tolist()

    assert [shown(table) for table in read_tables(paths, separator=";")] == [shown(outcome(path)) for path in paths]


def test_regular_files_with_one_header_are_parsed_as_one(tmp_path: Path) -> None:
    contents = {"a": HEADER + "1;2;3\r\n4;5;6", "b": HEADER + "7;;9\r\n", "c": HEADER + ";8;\r\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content.encode())
    parsed = regular_rows_of_each([tmp_path / name for name in contents], ";", 3)
    assert parsed is not None
    assert [[plain_strings(coded([column])).tolist() for column in rows.columns] for rows in parsed] == [
        [["1", "4"], ["2", "5"], ["3", "6"]],
        [["7"], [""], ["9"]],
        [[""], ["8"], [""]],
    ]
    assert [rows.line.tolist() for rows in parsed] == [[2, 3], [2], [2]]


@pytest.mark.parametrize(
    ("rows", "regular"),
    [
        ("1;2;3\r\n4;;\r\n", True),
        ("1;2;3\n4;é;\u00a0 6", True),
        ("1;2;3\n;;\n4;5;6\n", False),
        ("1;2;3\n\n4;5;6\n", False),
        ("1;2;3\n4;5\n", False),
        ("", False),
    ],
)
def test_only_regular_rows_are_left_to_arrow(tmp_path: Path, rows: str, regular: bool) -> None:
    assert (regular_rows(written(tmp_path, (HEADER + rows).encode()), ";", 3) is not None) == regular


@pytest.mark.parametrize(
    ("rows", "plain"),
    [
        (b"1;2;3\r\n", True),
        (b'1;"2";3\r\n', False),
        (b"1;2;" + b"x" * 140_000 + b"\r\n", False),
        (b"1;2;" + b"x" * 40_000 + b"\r\n" + b"1;2;3\r\n" * 100_000, True),
    ],
)
def test_a_plain_file_has_no_quote_and_no_line_of_a_hundred_thousand_characters(
    tmp_path: Path, rows: bytes, plain: bool
) -> None:
    assert inspect_bytes(written(tmp_path, HEADER.encode() + rows), DEFAULT_MAX_BYTES) == plain


def test_a_field_that_the_csv_module_finds_too_long_is_a_fault_wherever_it_stands(tmp_path: Path) -> None:
    """A line that long may stand across two blocks of a megabyte."""
    filler = b"1;2;3\r\n" * (((1 << 20) - 70_000) // 7)
    fault = fault_of(written(tmp_path, HEADER.encode() + filler + b"1;2;" + b"x" * 140_000 + b"\r\n"))
    assert fault.code == "extract.quotes"
