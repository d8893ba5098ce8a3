"""docs/spec/normalisation-v1.md is enough to normalise as the code does: what is written from it gives the same."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.extract.cleaners import name_text
from dedup.extract.coded import column_of
from dedup.extract.columns import COLUMNS
from dedup.extract.normalise import folding
from dedup.extract.normalise.names import SURNAME_PREFIXES
from dedup.extract.normalise.phonetic import phonetic_code
from dedup.extract.normalise.rules import DERIVED_RULES, RULES
from dedup.extract.normalise.sets import union
from dedup.model.rules import RULES as RULE_TRAITS

from .written_spec import DIGITS, LETTERS, PAGE, SPEC, VECTORS, Spec


def coded(rule: str, records: Sequence[Sequence[str]]) -> list[list[str]]:
    """Apply the package's rule to records with the same number of cells (or of values of the other attribute)."""
    columns = [column_of(cells) for cells in zip(*records, strict=True)]
    if rule in DERIVED_RULES:
        sets = DERIVED_RULES[rule](union(columns, [lambda value: (value,)] * len(columns)))
    else:
        sets = RULES[rule](columns)
    return [list(sets.of(record)) for record in range(len(records))]


# Texts that come near what the rules look at: many of them are values, and many only just are not.
PIECES = st.sampled_from(
    [
        *sorted(SURNAME_PREFIXES | SPEC.prefixes | SPEC.fillers),
        *"'’`ʿ,.-/()&+_",
        *("ij", "Ĳ", "IJ", "d'", "'t", "'s", "’s-", "v.d.", "e/v", ", van der", "el-", "Anna", "Jansen", "M'hamed"),
        *("Ş", "ı", "İ", "ğ", "ł", "Ż", "ß", "Æ", "é", "e\u0301", "Yılmaz", "Ã©", "Âş", "\ufffd", "𝒜", "Юлия"),
        *("\u00ad", "\u200b", "\ufeff", "\u00a0", "\u3000", "\x1f", "\u212a", "ſ", "٣", "ss", "SA"),
        *("0", "00", "31", "+31", "(0)", "06", "12345678", "9"),
        *("sch", "tsj", "ch", "x", "qu", "dt", "en", "ou", "dj"),
    ]
)
LATIN = st.characters(min_codepoint=0x20, max_codepoint=0x24F)
TEXTS = st.one_of(
    st.lists(st.one_of(PIECES, LATIN, st.just(" ")), max_size=12).map("".join),
    st.text(alphabet=st.characters(exclude_characters="\0"), max_size=12),  # a file with a NUL is not read
)
NUMERALS = st.text(alphabet="0123456789+()- ./ab٣\u2011", max_size=16)
COUNTRIES = ("", "0", "+31", "0031", "31", "+31(0)", "+31 (0)", "00 31-0", "+49", "0049(0)", "+0", "(0)", "++31", "001")
PHONES = st.tuples(st.sampled_from(COUNTRIES), st.text(alphabet=DIGITS + " -", min_size=6, max_size=14)).map("".join)
DATES = st.tuples(st.dates(), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d-%m-%Y", "%Y-%m/%d"])).map(
    lambda pair: pair[0].strftime(pair[1])
)
POSTCODES = st.from_regex(r"\s?[0-9]{3,5}[ \u00a0]{0,2}[A-Za-z\u212a]{1,3}", fullmatch=True)
EMAILS = st.from_regex(r"[A-Za-z.+_é]{0,4}@([A-Za-z\u212a-]{0,3}\.){0,2}[A-Za-z]{0,4}", fullmatch=True)
CELLS = st.one_of(TEXTS, NUMERALS, PHONES, DATES, POSTCODES, EMAILS)
MOST_COLUMNS = {"surnames": 4, "first_names": 2, "main_first_name": 2, "initial": 3, "insurance": 2, "text": 2,
                "words": 2, "digits": 2, "phonetic": 3, "pc4": 2}  # fmt: skip
FOLDED = TEXTS.map(SPEC.fold_name).filter(bool)
OF = {"phonetic": FOLDED, "pc4": st.from_regex(r"[1-9][0-9]{3}[a-z]{2}", fullmatch=True)}


@pytest.mark.parametrize("rule", sorted(RULE_TRAITS))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_page_and_the_code_give_the_same_values(rule: str, data: st.DataObject) -> None:
    columns = data.draw(st.integers(2 if rule == "insurance" else 1, MOST_COLUMNS.get(rule, 1)))
    record = st.lists(OF.get(rule, CELLS), min_size=columns, max_size=columns)
    records = data.draw(st.lists(record, min_size=1, max_size=6))
    assert coded(rule, records) == [SPEC.values(rule, cells) for cells in records]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_the_page_and_the_code_fold_alike(text: str) -> None:
    assert folding.fold_text(text) == SPEC.fold_plain(text)
    assert folding.fold_name(text) == SPEC.fold_name(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="dlst'ij0 a", max_size=10))
def test_the_page_and_the_code_set_the_same_articles_apart(text: str) -> None:
    assert folding.fold_name(text) == SPEC.fold_name(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=LETTERS, min_size=1, max_size=12))
def test_the_page_and_the_code_hear_the_same(name: str) -> None:
    assert phonetic_code(name) == SPEC.code(name)


ENCODED = ("geboortedatum", "achternaam", "achternaam_partner", "voorvoegsels", "voorvoegsels_partner", "voornamen",
           "roepnaam", "initialen", "postcode", "huisnummer", "telefoon", "email", "uzovi", "verzekerdennummer",
           "a_terme_datum", "verdeling_id")  # fmt: skip


@pytest.mark.parametrize("name", ENCODED)
@settings(max_examples=50, deadline=None)
@given(cell=st.one_of(CELLS, st.dates(date(1960, 1, 1), date(2030, 1, 1)).map(str)), today=st.dates(date(2024, 1, 1)))
def test_the_page_and_the_code_keep_the_same_cells(name: str, cell: str, today: date) -> None:
    [column] = [column for column in COLUMNS if column.name == name]
    trimmed = cell.strip()
    assert (column.clean(trimmed, today)[0] if trimmed else "") == SPEC.cell(name, today, cell)


@given(st.text(alphabet="ÂÃÄÅÆa\ufffd\u0080ªş" + "".join(sorted(Spec.windows_1252)), min_size=1, max_size=5))
def test_the_page_and_the_code_call_the_same_names_garbled(name: str) -> None:
    assert (name_text(name, date(2026, 11, 22))[1] == "name.garbled") == SPEC.garbled(name)


def test_the_published_table_is_the_codes() -> None:
    assert {ord(character): to for character, to in SPEC.folds.items()} == dict(folding._TABLE)


def test_the_published_prefixes_are_the_codes() -> None:
    assert SPEC.prefixes == SURNAME_PREFIXES


def test_the_published_spaces_are_those_of_this_python() -> None:
    """The code trims with the runtime's own classes, so it holds only where these are the closed list."""
    runtime = "".join(map(chr, range(sys.maxunicode + 1)))
    assert {c for c in runtime if c.isspace()} == SPEC.spaces
    assert set(re.findall(r"\s", runtime)) == SPEC.spaces


def test_every_rule_that_a_model_may_name_is_on_the_page() -> None:
    headings = set(re.findall(r"^#+ (?:5\. )?([a-z_0-9]+)$", PAGE, re.MULTILINE))
    assert headings == set(RULE_TRAITS)


def test_there_are_27_rewrites_in_order() -> None:
    assert re.findall(r"^\| ([0-9]+) \|", PAGE, re.MULTILINE) == [str(number) for number in range(1, 28)]
    assert len(SPEC.rewrites) == 27


@pytest.mark.parametrize("vector", VECTORS["fold_plain"], ids=str)
def test_the_page_folds_plain_text_as_published(vector: dict[str, str]) -> None:
    assert SPEC.fold_plain(vector["typed"]) == vector["folded"]


@pytest.mark.parametrize("vector", VECTORS["fold_name"], ids=str)
def test_the_page_folds_names_as_published(vector: dict[str, str]) -> None:
    assert SPEC.fold_name(vector["typed"]) == vector["folded"]


@pytest.mark.parametrize(
    ("rule", "vector"), [(rule, vector) for rule, vectors in VECTORS["rules"].items() for vector in vectors], ids=str
)
def test_the_page_gives_the_published_values(rule: str, vector: dict[str, Any]) -> None:
    assert SPEC.values(rule, vector.get("columns") or vector["of"]) == vector["values"]


@pytest.mark.parametrize("vector", VECTORS["cells"], ids=str)
def test_the_page_keeps_the_published_cells(vector: dict[str, str]) -> None:
    assert SPEC.cell(vector["column"], date.fromisoformat(vector["day"]), vector["cell"]) == vector["kept"]
