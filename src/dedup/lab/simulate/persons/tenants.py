"""Tenants of Italian housing associations, whose forms are copied by hand year after year: families to learn on.

Every household is told apart member by member: children bear the father's surname, some sons his first name too, and
twins share a birth date. A form is read from handwriting by somebody who may not know the name: letters that look
alike, digits that look alike, pet names, columns exchanged; and a family shares its telephone, e-mail and contract.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from faker.providers.address.it_IT import Provider as ItalianPlaces
from faker.providers.person.it_IT import Provider as ItalianNames

from dedup.lab.simulate.names.pools import compounds, pool, single_words
from dedup.lab.simulate.persons.table import (
    Dice,
    PersonTable,
    Row,
    day_and_month_exchanged,
    ways_to_change,
    written_down,
)
from dedup.lab.simulate.slips import typo

MEN = pool((1.0, single_words(ItalianNames.first_names_male), 1.0))
WOMEN = pool((1.0, single_words(ItalianNames.first_names_female), 1.0))
SURNAMES = pool(
    (0.8, single_words(ItalianNames.last_names), 0.85),
    (0.2, compounds("Bel Bene Bon Cala Capo Casa Colle Fabbri Fonta Gran Mala Monte Pelle Piano Torre Valle",
                    "bosco campo cini forte fiore landi monte nero netti rossi santi selva ta vacca verde zzi"), 0.4),
)  # fmt: skip
TOWNS = pool((1.0, single_words(ItalianPlaces.cities)[:200], 1.0))
STREETS = pool(
    (1.0, compounds("Via_ Viale_ Piazza_ Vicolo_ Corso_",
                    "Cavour Dante Garibaldi Gramsci Leopardi Manzoni Marconi Matteotti Mazzini Moro Petrarca Roma "
                    "Rossini Trento Trieste Umberto Verdi Vespucci Volta Zara"), 0.6),
)  # fmt: skip
LOOK_ALIKE = (
    ("a", "o"), ("n", "u"), ("r", "v"), ("cl", "d"), ("m", "nn"), ("l", "t"), ("e", "c"), ("g", "q"), ("f", "t"),
    ("h", "b"), ("i", "l"), ("u", "v"), ("o", "e"), ("zz", "z"), ("tt", "t"), ("ss", "s"), ("gh", "g"), ("ch", "c"),
)  # fmt: skip
DIGITS_ALIKE = {"0": "6", "1": "7", "2": "7", "3": "5", "4": "9", "5": "3", "6": "0", "7": "1", "8": "3", "9": "4"}
PET_ENDINGS = ("ino", "etto", "uccio")
MAIL_HOSTS = ("libero.it", "gmail.com", "alice.it", "tiscali.it")
COPIES = 10
HASTE_SHAPE = 0.7
# Of households.
TWINS, SON_AFTER_FATHER, SHARED_MAIL = 0.14, 0.3, 0.4
# Chances that an unhurried clerk's row has the error, multiplied by how hurried this one is.
NAME_SLIP, BIRTH_SLIP, ADDRESS_SLIP, NUMBER_SLIP, MAIL_SLIP = 0.3, 0.22, 0.3, 0.12, 0.15
PET_NAME, INITIAL_ONLY, NAMES_EXCHANGED, YEAR_OF_FORM = 0.1, 0.05, 0.04, 0.03
MISSING = {"given_name": 0.03, "surname": 0.02, "birth_date": 0.17, "birth_town": 0.3, "street": 0.2, "town": 0.1,
           "phone": 0.5, "email": 0.5, "contract": 0.55}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Home:
    """Where a family, or somebody alone, has lived under one contract, and how it was reached there."""

    street: str
    town: str
    phone: str
    contract: str


@dataclass(frozen=True, slots=True)
class _Tenant:
    """Somebody with all surnames, homes, telephones and addresses for mail of the years that the forms span."""

    given_name: str
    surnames: tuple[str, ...]
    birth_date: str
    birth_town: str
    homes: tuple[_Home, ...]
    phones: tuple[str, ...]
    mails: tuple[str, ...]
    kind: str


def make_tenants(persons: int, seed: int) -> PersonTable:
    """Make about ten rows for each of `persons` tenants; the same arguments give the same table.

    `soort` is `twin`, `namesake` (of father and son), `new_surname`, else `basis`.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    dice = Dice(rng)
    return written_down(
        rng,
        persons,
        household=lambda: _household(dice),
        copies=lambda: 1 + int(rng.negative_binomial(3, 3 / (COPIES + 2))),
        row=lambda tenant: _written(dice, tenant),
    )


def _number(dice: Dice, start: str, digits: int) -> str:
    return start + str(dice.number(10 ** (digits - 1), 10**digits))


def _home(dice: Dice, town: str) -> _Home:
    street = dice.name(STREETS).replace("_", " ")
    return _Home(f"{street} {dice.number(1, 90)}", town, _number(dice, "0", 8), _number(dice, "", 7))


def _household(dice: Dice) -> list[_Tenant]:
    """Return a couple and up to five children; the grown-up children have homes of their own as well."""
    town, surname = dice.name(TOWNS), dice.name(SURNAMES)
    home = _home(dice, town)
    mail = (
        f"famiglia.{surname.lower()}{dice.number(1, 100)}@{dice.one_of(MAIL_HOSTS)}"
        if dice.happens(SHARED_MAIL)
        else ""
    )
    father, mother = dice.name(MEN), dice.name(WOMEN)
    children = [dice.name(MEN if dice.happens(0.5) else WOMEN) for _ in range(dice.number(0, 5))]
    births = [dice.day(1965, 2015) for _ in children]
    kinds = ["basis"] * len(children)
    after_father = dice.happens(SON_AFTER_FATHER) and bool(children)
    if after_father:
        children[0], kinds[0] = father, "namesake"
    if len(children) > 1 and dice.happens(TWINS):
        births[-1], kinds[-2:] = births[-2], ["twin", "twin"]
    members = [
        (father, (surname,), dice.day(1930, 1965), "namesake" if after_father else "basis"),
        (
            mother,
            (surname, dice.name(SURNAMES)) if dice.happens(0.4) else (dice.name(SURNAMES),),
            dice.day(1930, 1965),
            "basis",
        ),
        *((name, (surname,), birth, kind) for name, birth, kind in zip(children, births, kinds, strict=True)),
    ]
    return [_tenant(dice, home, mail, *member) for member in members if dice.happens(0.8)]


def _tenant(
    dice: Dice,
    home: _Home,
    mail: str,
    given: str,
    surnames: tuple[str, ...],
    birth: str,
    kind: str,
) -> _Tenant:
    later = tuple(_home(dice, home.town if dice.happens(0.5) else dice.name(TOWNS)) for _ in range(dice.number(0, 4)))
    own = f"{given.lower()[: dice.number(1, 9)]}{dice.one_of(('.', '_', ''))}{surnames[0].lower()}"
    mails = tuple(f"{own}{dice.number(1, 100)}@{dice.one_of(MAIL_HOSTS)}" for _ in range(dice.number(1, 3)))
    return _Tenant(
        given_name=given,
        surnames=surnames,
        birth_date=birth,
        birth_town=home.town if dice.happens(0.7) else dice.name(TOWNS),
        homes=(home, *later),
        phones=tuple(_number(dice, "3", 9) for _ in range(dice.number(1, 4))),
        mails=(*mails, mail) if mail else mails,
        kind="new_surname" if len(surnames) > 1 and kind == "basis" else kind,
    )


def _written(dice: Dice, tenant: _Tenant) -> Row:
    """Return one form's row."""
    hurry = dice.factor(HASTE_SHAPE)
    home = dice.one_of(tenant.homes)
    row = {
        "given_name": _called(dice, tenant.given_name),
        "surname": dice.one_of(tenant.surnames),
        "birth_date": _date(dice, tenant.birth_date, hurry),
        "birth_town": tenant.birth_town,
        "street": home.street.replace("Via ", "V. ") if dice.happens(0.3) else home.street,
        "town": home.town,
        "phone": home.phone if dice.happens(0.35) else dice.one_of(tenant.phones),
        "email": dice.one_of(tenant.mails),
        "contract": home.contract,
    }
    for name, chance in (("given_name", NAME_SLIP), ("surname", NAME_SLIP), ("birth_town", ADDRESS_SLIP),
                         ("street", ADDRESS_SLIP), ("town", ADDRESS_SLIP), ("email", MAIL_SLIP)):  # fmt: skip
        while dice.happens(min(chance * hurry, 0.75)):
            row[name] = _misread(dice, row[name])
    for name in ("phone", "contract"):
        if dice.happens(min(NUMBER_SLIP * hurry, 0.75)):
            row[name] = _digit_misread(dice, row[name], 0)
    if dice.happens(NAMES_EXCHANGED):
        row["given_name"], row["surname"] = row["surname"], row["given_name"]
    for name, chance in MISSING.items():
        if dice.happens(min(chance * (0.6 + 0.4 * hurry), 0.9)):
            row[name] = ""
    return row


def _called(dice: Dice, name: str) -> str:
    """Return a first name as it is used: in full, as a pet name, or as an initial."""
    if dice.happens(PET_NAME):
        return name[: dice.number(3, 6)].rstrip("aeiou") + dice.one_of(PET_ENDINGS)
    return name[0] if dice.happens(INITIAL_ONLY) else name


def _misread(dice: Dice, text: str) -> str:
    """Return a text with letters taken for others of the same look, else with a slip of the fingers."""
    ways = ways_to_change(text[1:], LOOK_ALIKE)
    if ways and dice.happens(0.6):
        old, new = dice.one_of(ways)
        return text[0] + text[1:].replace(old, new, 1)
    return typo(text, dice.number(0, 1 << 20))


def _date(dice: Dice, day: str, hurry: float) -> str:
    """Return a birth date with a digit misread, day and month exchanged, or the year that the form was filled in."""
    if dice.happens(YEAR_OF_FORM):
        return f"{dice.number(2000, 2024)}{day[4:]}"
    if not dice.happens(min(BIRTH_SLIP * hurry, 0.75)):
        return day
    if int(day[8:]) <= 12 and dice.happens(0.3):
        return day_and_month_exchanged(day)
    return _digit_misread(dice, day, 2)


def _digit_misread(dice: Dice, text: str, first: int) -> str:
    """Return a text with one digit, from place `first` on, taken for one of the same look."""
    at = dice.one_of([place for place in range(first, len(text)) if text[place].isdigit()])
    return text[:at] + DIGITS_ALIKE[text[at]] + text[at + 1 :]
