"""Names become the parts that two packages agree on, wherever prefixes were typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.extract.normalise.names import (
    SURNAME_PREFIXES,
    counted_first_names,
    first_name_words,
    main_first_name,
    name_initial,
    prefix_column_parts,
    surname_parts,
    typed_initial,
)


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("Vries", ("vries",)),
        ("de Vries", ("vries",)),
        ("Vries, de", ("vries",)),
        ("VRIES (de)", ("vries",)),
        ("van der Berg", ("berg",)),
        ("v.d. Berg", ("berg",)),
        ("v/d Berg", ("berg",)),
        ("vd Berg", ("berg",)),
        ("v d Berg", ("berg",)),
        ("Berg v.d.", ("berg",)),
        ("Jansen-van den Berg", ("jansen", "berg")),
        ("Jansen - de Vries", ("jansen", "vries")),
        ("de Vries e/v Jansen", ("vries", "jansen")),
        ("de Vries geb. Bakker", ("vries", "bakker")),
        ("El Amrani", ("amrani",)),
        ("el-Amrani", ("amrani",)),
        ("Ben Haddou", ("haddou",)),
        ("Aït Ouali", ("ouali",)),
        ("ter Braak", ("braak",)),
        ("te Velde", ("velde",)),
        ("op 't Hof", ("hof",)),
        ("in ’t Veld", ("veld",)),
        ("de la Cruz", ("cruz",)),
        ("Yılmaz Şahin", ("yilmaz", "sahin")),
        ("Kowalska-Nowak", ("kowalska", "nowak")),
    ],
)
def test_prefixes_are_split_off_wherever_they_were_typed(typed: str, parts: tuple[str, ...]) -> None:
    assert surname_parts(typed) == parts


@pytest.mark.parametrize(
    ("typed", "part"), [("El", "el"), ("van den", "den"), ("Den, van", "den"), ("O", "o"), ("de", "de"), ("in 't", "t")]
)
def test_a_surname_of_prefixes_alone_does_not_vanish(typed: str, part: str) -> None:
    assert surname_parts(typed) == (part,)


@given(st.lists(st.sampled_from(sorted(SURNAME_PREFIXES)), min_size=1, max_size=4))
def test_no_surname_with_letters_vanishes(words: list[str]) -> None:
    assert len(surname_parts(" ".join(words))) == 1


def test_prefixes_stand_in_the_list_as_they_are_folded() -> None:
    from dedup.extract.normalise.folding import fold_name

    assert {fold_name(prefix) for prefix in SURNAME_PREFIXES} == SURNAME_PREFIXES


def test_a_surname_typed_in_the_prefixes_column_counts() -> None:
    assert prefix_column_parts("van der") == ()
    assert prefix_column_parts("van der Meer") == ("meer",)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("Johanna Maria Elisabeth", ("johanna", "maria", "elisabeth")),
        ("Anne-Fleur", ("anne", "fleur")),
        ("Johanna M. E.", ("johanna",)),
        ("J.", ()),
        ("Zoë", ("zoe",)),
        ("IJsbrandina", ("ysbrandina",)),
    ],
)
def test_first_names_are_words_and_single_letters_are_not(typed: str, words: tuple[str, ...]) -> None:
    assert first_name_words(typed) == words
    assert counted_first_names(typed) == words[:2]
    assert main_first_name(typed) == "".join(words[:1])


def test_initials_are_one_letter() -> None:
    assert name_initial("Çiğdem Ayşe") == "c"
    assert typed_initial("Th. J.") == "t"
    assert name_initial("J.") == ""
    assert typed_initial("") == ""
