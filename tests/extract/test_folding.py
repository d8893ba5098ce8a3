"""The folding table is closed and right; folding gives a-z, digits and single spaces for any text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.extract.normalise.folding import fold_name, fold_text
from dedup.extract.normalise.letters import COMBINING_MARKS, LETTERS

COVERED = [(0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0x24F), (0x1E00, 0x1EFF), (0xFB00, 0xFB06), (0xFF21, 0xFF5A)]

# Letters that Unicode does not decompose, and what they are read as in names.
NOT_DECOMPOSED = dict(
    zip(
        "ßẞÆæŒœØøĐđÐðÞþŊŋıĸŁłƏəŦŧĦħƒ",
        [
            "ss",
            "ss",
            "ae",
            "ae",
            "oe",
            "oe",
            "o",
            "o",
            "d",
            "d",
            "d",
            "d",
            "th",
            "th",
            "n",
            "n",
            "i",
            "k",
            "l",
            "l",
            "e",
            "e",
            "t",
            "t",
            "h",
            "h",
            "f",
        ],
        strict=True,
    )
)


def decomposed(letter: str) -> str:
    """Fold by the runtime's Unicode: compatibility decomposition, without marks, lower case."""
    marks_off = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
    return "".join(c for c in unicodedata.normalize("NFKD", marks_off.lower()) if "a" <= c <= "z")


def test_every_decomposable_latin_letter_folds_as_unicode_decomposes_it() -> None:
    table = {letter: plain for plain, letters in LETTERS.items() for letter in letters}
    for first, last in COVERED:
        for letter in map(chr, range(first, last + 1)):
            expected = decomposed(letter) if unicodedata.category(letter).startswith("L") else ""
            if expected and letter not in NOT_DECOMPOSED:
                assert table.get(letter) == expected, f"U+{ord(letter):04X} {unicodedata.name(letter)}"


def test_every_latin_letter_of_the_covered_blocks_is_in_the_table_but_clicks_tones_and_glottal_stops() -> None:
    table = set("".join(LETTERS.values()))
    left_out = [
        unicodedata.name(letter)
        for first, last in COVERED
        for letter in map(chr, range(first, last + 1))
        if unicodedata.category(letter).startswith("L") and letter not in table
    ]
    assert [name for name in left_out if not re.search("CLICK|TONE|GLOTTAL|TWO WITH", name)] == []


@pytest.mark.parametrize(("letter", "plain"), NOT_DECOMPOSED.items())
def test_letters_that_unicode_leaves_whole_fold_as_they_are_read(letter: str, plain: str) -> None:
    assert fold_text(letter) == plain


def test_no_letter_stands_twice_in_the_table() -> None:
    letters = "".join(LETTERS.values())
    assert len(letters) == len(set(letters))
    assert all(plain.isascii() and plain.isalpha() and plain.islower() for plain in LETTERS)


def test_upper_and_lower_case_fold_alike() -> None:
    for letter in "".join(LETTERS.values()):
        assert fold_text(letter.upper()) == fold_text(letter.lower()) == fold_text(letter), f"U+{ord(letter):04X}"


def test_the_ranges_of_combining_marks_hold_nothing_else() -> None:
    assigned = [
        chr(c) for first, last in COMBINING_MARKS for c in range(first, last + 1) if unicodedata.name(chr(c), "")
    ]
    assert {unicodedata.category(mark)[0] for mark in assigned} == {"M"}


@given(st.text())
def test_folded_text_is_words_of_a_to_z_and_digits_whatever_was_typed(text: str) -> None:
    assert re.fullmatch(r"([a-z0-9]+( [a-z0-9]+)*)?", fold_text(text))
    assert re.fullmatch(r"([a-z]+( [a-z]+)*)?", fold_name(text))


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)
    assert fold_name(fold_name(text)) == fold_name(text)


@given(st.text(alphabet=st.characters(min_codepoint=0xC0, max_codepoint=0x24F)))
def test_composed_and_decomposed_writing_fold_alike(text: str) -> None:
    assert fold_text(unicodedata.normalize("NFD", text)) == fold_text(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Müller", "muller"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("Yıldız ŞAHİN Doğan", "yildiz sahin dogan"),
        ("D’Hondt", "d hondt"),
        ("'t Hof", "t hof"),
        ("van 't Hof", "van t hof"),
        ("van’t Hof", "van t hof"),
        ("'s-Gravesande", "s gravesande"),
        ("M'hamed", "mhamed"),
        ("O`Brien", "obrien"),
        ("IJsselstein", "ysselstein"),
        ("Ĳsselstein", "ysselstein"),
        ("Meijer", "meyer"),
        ("Anne-Fleur\u00a0Sophie", "anne fleur sophie"),
        ("Anna2", "anna"),
        ("zero\u200bwidth", "zerowidth"),
        ("Юлия", ""),
        ("فاطمة", ""),
    ],
)
def test_names_as_people_type_them(typed: str, folded: str) -> None:
    assert fold_name(typed) == folded
