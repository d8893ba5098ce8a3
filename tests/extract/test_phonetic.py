"""The phonetic code brings spellings of one name together and keeps unlike names apart."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.extract.normalise import phonetic
from dedup.extract.normalise.folding import fold_name
from dedup.extract.normalise.phonetic import CODE_LENGTH, phonetic_code


@pytest.mark.parametrize(
    "spellings",
    [
        "Mohamed Mohammed Muhammed Mohamad Mehmet",
        "Aicha Aïsha Aysha Ayşe Aisa",
        "Schmidt Smit Schmit Smid",
        "Jansen Janssen Janse Jansze",
        "Youssef Yusuf Josef Jozef Joessef",
        "Christel Kristel Cristel",
        "Nynke Nienke",
        "Meijer Meyer Meier Mayer",
        "Zeynep Zaynab Zineb",
        "Marwa Maroua",
        "Ouafae Wafae Wafaa",
        "Djamila Jamila Yamila",
        "Bouchra Buchra Büşra",
        "Fatma Fatima",
        "Rachid Rashid Rasjid",
        "Sophie Sofie Zofie",
        "Brandts Brants Brands",
        "Alexandra Aleksandra",
        "Dijkstra Dykstra",
        "Visser Visscher Fisser",
        "Nawal Naoual Nawel",
        "Huijbers Huybers Huibers",
        "Kuijpers Kuipers Kuypers Cuijpers",
        "Hendriks Hendrix Hendricks Hendrickx",
    ],
)
def test_spellings_of_one_name_have_one_code(spellings: str) -> None:
    assert len({phonetic_code(fold_name(name)) for name in spellings.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna", "johanna"),
        ("maria", "marit"),
        ("bakker", "dekker"),
        ("fatima", "naima"),
        ("smit", "smeets"),
        ("vos", "bos"),
    ],
)
def test_unlike_names_have_other_codes(one: str, other: str) -> None:
    assert phonetic_code(one) != phonetic_code(other)


def test_the_code_is_stable() -> None:
    names = [
        "aaltje",
        "berg",
        "charlotte",
        "dijk",
        "eva",
        "fatma",
        "gwen",
        "hanneke",
        "ijsbrand",
        "jong",
        "kok",
        "lieke",
        "mulder",
        "nguyen",
        "oumaima",
    ]
    codes = ["alt", "brg", "srlt", "dk", "af", "ftm", "gn", "hnk", "asbrn", "jng", "kk", "lk", "mldr", "ng", "amm"]
    assert [phonetic_code(name) for name in names] == codes


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=20))
def test_every_name_has_a_short_code_without_vowels_after_the_first_letter(name: str) -> None:
    assert re.fullmatch(r"[abdfghjklmnprstw][bdfgklmnprst]*", phonetic_code(name))
    assert len(phonetic_code(name)) <= CODE_LENGTH


def test_a_value_without_letters_has_no_code() -> None:
    assert phonetic_code("12") == ""


def test_the_documented_rules_are_the_rules() -> None:
    """The spec is written from the module's docstring."""
    documented = re.findall(r"`([^`]+)` -> (?:nothing|`([^`]+)`)", phonetic.__doc__ or "")
    assert documented == [(pattern.pattern, replacement) for pattern, replacement, _ in phonetic._REWRITES]


PIECES = "tsch tch tsj sch sh sj sz cz zh zj ch gch ph th dt gh kh ck cq qu q ou dzj ij en ds b aa x v c"
NEAR_MATCHES = st.lists(st.sampled_from([*PIECES.split(), *"aeiouyjhwrlt"]), max_size=6).map("".join)


@given(st.one_of(NEAR_MATCHES, st.text(max_size=10)))
def test_a_rule_that_is_not_tried_would_have_changed_nothing(name: str) -> None:
    expected = name
    for pattern, replacement, _ in phonetic._REWRITES:
        expected = pattern.sub(replacement, expected)
    assert phonetic_code(name) == expected[:CODE_LENGTH]


def test_codes_are_coarse_but_not_too_coarse_on_dutch_names() -> None:
    """Two random surnames share a code about once in three hundred; blocks stay small beside a birth date or PC4."""
    surnames = import_module("faker.providers.person.nl_NL").Provider.last_names
    codes = [phonetic_code(fold_name(name).split()[-1]) for name in surnames]
    collisions = sum(codes.count(code) ** 2 for code in set(codes)) / len(codes) ** 2
    assert collisions < 1 / 200
