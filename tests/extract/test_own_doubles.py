"""A provider's own doubles are found on the clear text; sisters, twin sisters and flat mates are not doubles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dedup.extract.checks import check_extract
from dedup.extract.own_doubles import OwnDouble, Strength, find_own_doubles

Row = Callable[..., dict[str, str]]
Write = Callable[..., Path]

# What differs in another row of the same woman.
SAME_WOMAN = [
    ({}, Strength.CERTAIN),
    ({"achternaam": "de Vries - Bakker", "telefoon": "+31 6 24681357", "postcode": "9711 LM"}, Strength.CERTAIN),
    ({"voornamen": "", "roepnaam": "Anneke", "email": "", "uzovi": "", "verzekerdennummer": ""}, Strength.CERTAIN),
    ({"voornamen": "Johana", "roepnaam": "", "achternaam": "Vires"}, Strength.CERTAIN),
    ({"geboortedatum": "1994-05-13"}, Strength.LIKELY),
    ({"geboortedatum": ""}, Strength.LIKELY),
    ({"achternaam": "Bakker", "postcode": "9711 LM", "telefoon": "", "email": "", "uzovi": "9999"}, None),
]
OTHER_WOMAN = [
    {"voornamen": "Willemijn", "roepnaam": "", "geboortedatum": "1996-02-11"},  # her sister, at one address
    {"voornamen": "Willemijn", "roepnaam": "", "uzovi": "", "verzekerdennummer": ""},  # her twin sister
    {"voornamen": "Fatima", "roepnaam": "", "achternaam": "El Amrani", "geboortedatum": "1991-09-09"},  # a flat mate
    {"geboortedatum": "1985-11-09", "achternaam": "Bos", "telefoon": "", "email": "", "uzovi": "", "postcode": ""},
]


def doubles(path: Path, today: date) -> list[OwnDouble]:
    return find_own_doubles(check_extract(path, today=today, regions=None))


@pytest.mark.parametrize(("change", "strength"), SAME_WOMAN)
def test_two_rows_of_one_woman(
    extract: Write, row: Row, today: date, change: dict[str, str], strength: Strength | None
) -> None:
    found = doubles(extract(row(1), row(2, **change)), today)
    assert [double.strength for double in found] == ([strength] if strength else [])


@pytest.mark.parametrize("change", OTHER_WOMAN)
def test_rows_of_two_women(extract: Write, row: Row, today: date, change: dict[str, str]) -> None:
    assert doubles(extract(row(1), row(2, **change)), today) == []


def test_a_double_is_named_by_row_numbers_and_ids_with_what_agrees(extract: Write, row: Row, today: date) -> None:
    stranger = row(5, voornamen="Fenna", roepnaam="", achternaam="Kok", geboortedatum="1990-10-10", telefoon="",
                   email="", uzovi="", verzekerdennummer="", postcode="9711 LM")  # fmt: skip
    refused = row(6, status="")
    path = extract(refused, row(9), stranger, row(2, telefoon="", email="", a_terme_datum="2026-11-01"))
    found = find_own_doubles(check_extract(path, today=today, regions=None, max_refused_share=1.0))
    assert found == [
        OwnDouble(
            rows=(2, 4),
            ids=(row(9)["registratie_id"], row(2)["registratie_id"]),
            strength=Strength.CERTAIN,
            agree=("birth_date", "first_names", "surnames", "address", "insurance"),
            edd_weeks_apart=15,
        )
    ]
    assert found[0].other_pregnancy


def test_missing_values_agree_with_nothing(extract: Write, row: Row, today: date) -> None:
    bare = dict.fromkeys(
        ("telefoon", "email", "uzovi", "verzekerdennummer", "postcode", "huisnummer", "achternaam"), ""
    )
    assert doubles(extract(row(1, **bare), row(2, **bare)), today) == []


def test_one_row_and_no_rows_have_no_doubles(extract: Write, row: Row, today: date) -> None:
    assert doubles(extract(row()), today) == []
    assert doubles(extract(row(deelname="bezwaar")), today) == []
