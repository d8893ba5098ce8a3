"""Patients of German practices, written anew at every visit: the table to learn on.

Names fall off with their rank (Zipf). Households share surname, street and sometimes a telephone. Clerks type what
they hear: slips of the keyboard, spellings by ear, short forms; people move, and many fields stay empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from faker.providers.address.de_DE import Provider as GermanPlaces
from faker.providers.person.de_DE import Provider as GermanNames

from dedup.lab.simulate.names.pools import compounds, pool, single_words
from dedup.lab.simulate.persons.table import (
    Dice,
    PersonTable,
    Row,
    day_and_month_exchanged,
    ways_to_change,
    written_down,
)
from dedup.lab.simulate.slips import typo, wrong_digit

FIRST_NAMES = pool((1.0, single_words(GermanNames.first_names), 0.95))
SURNAMES = pool(
    (0.8, single_words(GermanNames.last_names), 0.8),
    (0.2, compounds("Alt Berg Birken Eich Feld Grün Hoch Kirch Linden Neu Ober Stein",
                    "auer bacher felder hofer müller meier mann reuter städter walder"), 0.3),
)  # fmt: skip
TOWNS = pool((1.0, single_words(GermanPlaces.cities), 0.9))
STREETS = pool(
    (1.0, compounds("Ahorn Bahnhof Birken Brunnen Buchen Dorf Eichen Feld Garten Goethe Haupt Heide Kirch Linden Markt "
     "Mozart Mühlen Rosen Schiller Schul Tal Ufer Wald Wiesen Ziegel", "straße weg allee platz gasse ring"), 0.4),
)  # fmt: skip
BY_EAR = (
    ("ei", "ai"), ("ey", "ei"), ("ay", "ai"), ("ck", "k"), ("th", "t"), ("dt", "t"), ("ph", "f"), ("ß", "ss"),
    ("ä", "e"), ("ü", "ue"), ("ö", "oe"), ("tz", "z"), ("nn", "n"), ("mm", "m"), ("ll", "l"), ("ff", "f"),
    ("c", "k"), ("v", "f"), ("ie", "i"), ("ah", "a"), ("y", "i"), ("sch", "sh"), ("ch", "k"), ("d", "t"), ("b", "p"),
)  # fmt: skip
CARELESSNESS_SHAPE = 0.8
COPIES = 10
# Chances that a careful clerk's row has the error, multiplied by how careless the clerk is.
FIRST_NAME_SLIP, SURNAME_SLIP, BIRTH_SLIP, ADDRESS_SLIP, PHONE_SLIP = 0.32, 0.32, 0.26, 0.35, 0.15
FIRST_NAME_SHORT, NAMES_EXCHANGED, BIRTH_UNSURE = 0.12, 0.03, 0.03
MISSING = {"first_name": 0.04, "surname": 0.02, "birth_date": 0.15, "street": 0.15, "town": 0.1, "postcode": 0.2,
           "phone": 0.45}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Home:
    street: str
    town: str
    postcode: str
    phone: str


@dataclass(frozen=True, slots=True)
class _Patient:
    """Somebody with all homes and own telephones of the years that the practices look back on."""

    first_name: str
    surnames: tuple[str, ...]
    birth_date: str
    homes: tuple[_Home, ...]
    phones: tuple[str, ...]

    @property
    def kind(self) -> str:
        return "basis" if len(self.surnames) == 1 else "new_surname"


def make_patients(persons: int, seed: int) -> PersonTable:
    """Make about ten rows for each of `persons` patients; the same arguments give the same table."""
    rng = np.random.Generator(np.random.PCG64(seed))
    dice = Dice(rng)
    postcodes = {town: dice.number(10, 99) for town in TOWNS.names.tolist()}
    return written_down(
        rng,
        persons,
        household=lambda: _household(dice, postcodes),
        copies=lambda: 2 + int(rng.poisson(COPIES - 2)),
        row=lambda patient: _written(dice, patient),
    )


def _home(dice: Dice, postcodes: dict[str, int]) -> _Home:
    town = dice.name(TOWNS)
    return _Home(
        street=f"{dice.name(STREETS)} {dice.number(1, 120)}",
        town=town,
        postcode=f"{postcodes[town]}{dice.number(0, 6):03d}",
        phone=f"0{dice.number(20, 99)}{dice.number(10**6, 10**7)}",
    )


def _household(dice: Dice, postcodes: dict[str, int]) -> list[_Patient]:
    surname, home = dice.name(SURNAMES), _home(dice, postcodes)
    members = []
    for _ in range(dice.number(1, 5)):
        surnames: tuple[str, ...] = (surname,) if dice.happens(0.85) else (dice.name(SURNAMES),)
        if dice.happens(0.1):
            surnames += (dice.name(SURNAMES),)
        homes = (home, *(_home(dice, postcodes) for _ in range(dice.number(0, 4))))
        mobiles = tuple(f"01{dice.number(50, 80)}{dice.number(10**6, 10**7)}" for _ in range(dice.number(1, 4)))
        members.append(_Patient(dice.name(FIRST_NAMES), surnames, dice.day(1935, 2022), homes, mobiles))
    return members


def _written(dice: Dice, patient: _Patient) -> Row:
    """Return one visit's row."""
    careless = dice.factor(CARELESSNESS_SHAPE)
    home = dice.one_of(patient.homes)
    row = {
        "first_name": patient.first_name,
        "surname": dice.one_of(patient.surnames),
        "birth_date": patient.birth_date,
        "street": home.street,
        "town": home.town,
        "postcode": home.postcode,
        "phone": home.phone if dice.happens(0.4) else dice.one_of(patient.phones),
    }
    for name, chance in (("first_name", FIRST_NAME_SLIP), ("surname", SURNAME_SLIP)):
        while dice.happens(min(chance * careless, 0.8)):
            row[name] = _misheard(dice, row[name])
    if dice.happens(FIRST_NAME_SHORT):
        row["first_name"] = row["first_name"][: dice.number(1, 6)]
    if dice.happens(min(BIRTH_SLIP * careless, 0.8)):
        row["birth_date"] = _wrong_day(dice, row["birth_date"])
    if dice.happens(BIRTH_UNSURE):
        row["birth_date"] = row["birth_date"][:4] + "-01-01"
    row["street"] = _street(dice, row["street"], careless)
    if dice.happens(min(ADDRESS_SLIP * careless, 0.8)):
        row["postcode"] = wrong_digit(row["postcode"], dice.number(0, 1 << 20))
    if dice.happens(min(ADDRESS_SLIP * careless, 0.8)):
        row["town"] = _misheard(dice, row["town"])
    if dice.happens(min(PHONE_SLIP * careless, 0.8)):
        row["phone"] = wrong_digit(row["phone"], dice.number(0, 1 << 20))
    if dice.happens(NAMES_EXCHANGED):
        row["first_name"], row["surname"] = row["surname"], row["first_name"]
    for name, chance in MISSING.items():
        if dice.happens(min(chance * (0.5 + 0.5 * careless), 0.9)):
            row[name] = ""
    return row


def _misheard(dice: Dice, text: str) -> str:
    """Return a word as a clerk typed it: half of the time by ear, else with a slip of the fingers."""
    ways = ways_to_change(text, BY_EAR)
    if ways and dice.happens(0.5):
        old, new = dice.one_of(ways)
        return text.replace(old, new, 1)
    return typo(text, dice.number(0, 1 << 20))


def _wrong_day(dice: Dice, day: str) -> str:
    """Return a date with day and month exchanged, or with one wrong digit behind the century."""
    if int(day[8:]) <= 12 and dice.happens(0.4):
        return day_and_month_exchanged(day)
    place = dice.one_of(("23", "56", "89", "89"))
    at = int(place[dice.number(0, 2)])
    return day[:at] + str((int(day[at]) + dice.number(1, 10)) % 10) + day[at + 1 :]


def _street(dice: Dice, street: str, careless: float) -> str:
    """Shorten `straße`, lose the number, or mistype the name."""
    if dice.happens(0.4):
        street = street.replace("straße", "str.").replace("platz", "pl.")
    if dice.happens(0.12):
        street = street.rpartition(" ")[0]
    return _misheard(dice, street) if dice.happens(min(ADDRESS_SLIP * careless, 0.8)) else street
