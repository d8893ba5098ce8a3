"""Members of American clubs and libraries, read from paper forms: the table to report on.

Names have the frequencies of the census. Forms are scanned, so characters are misread (OCR); people give nicknames,
marry, move, share an e-mail address; there are twins, and fathers and sons of one name at one address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from faker.providers.person.en_US import Provider as AmericanNames

from dedup.lab.simulate.names.pools import compounds, listed
from dedup.lab.simulate.persons.table import (
    Dice,
    PersonTable,
    Row,
    day_and_month_exchanged,
    ways_to_change,
    written_down,
)

NICKNAMES = dict(
    pair.split(":")
    for pair in listed(
        "William:Bill,Robert:Bob,Richard:Dick,James:Jim,John:Jack,Michael:Mike,Thomas:Tom,Charles:Chuck,Joseph:Joe,"
        "Christopher:Chris,Daniel:Dan,Matthew:Matt,Anthony:Tony,Steven:Steve,Edward:Ted,Elizabeth:Betty,Margaret:Peggy,"
        "Katherine:Kate,Patricia:Pat,Jennifer:Jen,Susan:Sue,Deborah:Deb,Barbara:Barb,Rebecca:Becky,Kimberly:Kim,"
        "Jessica:Jess,Samantha:Sam,Benjamin:Ben,Nicholas:Nick,Jonathan:Jon,Andrew:Drew,Timothy:Tim,Gregory:Greg,"
        "Alexander:Alex,Victoria:Vicky,Cynthia:Cindy,Pamela:Pam,Amanda:Mandy,Christina:Tina,Kenneth:Ken"
    )
)
# What a scanner takes for what, either way.
MISREAD = (
    ("rn", "m"), ("cl", "d"), ("vv", "w"), ("ri", "n"), ("li", "h"), ("nn", "m"), ("l", "i"), ("e", "c"), ("o", "a"),
    ("u", "v"), ("t", "f"), ("h", "b"), ("s", "5"), ("o", "0"), ("l", "1"), ("B", "8"), ("S", "5"), ("D", "O"),
)  # fmt: skip
MISREAD_DIGITS = {
    "0": "86",
    "1": "74",
    "2": "7",
    "3": "89",
    "4": "9",
    "5": "63",
    "6": "85",
    "7": "12",
    "8": "30",
    "9": "4",
}
SPELLED = (
    ("ph", "f"), ("ck", "k"), ("ea", "ee"), ("y", "ie"), ("c", "k"), ("ai", "ay"), ("tt", "t"), ("ll", "l"), ("z", "s"),
    ("er", "ar"), ("son", "sen"), ("th", "t"), ("ia", "ya"), ("gh", "g"), ("ey", "y"), ("nn", "n"), ("x", "ks"),
)  # fmt: skip
CITIES = compounds(
    "Ash Bridge Brook Clear Fair Glen Green Lake Maple Mill North Oak Pine River Spring Stone West Wood",
    "burg field ford haven port ridge side ton view ville",
)
MAIL = ("mail.example", "post.example", "inbox.example")
# Chances per row; a bad scan (one in four) misreads three times as much.
MISREAD_NAME, MISREAD_DATE, MISREAD_CODE, SPELLED_WRONG, NICKNAME = 0.20, 0.14, 0.15, 0.16, 0.5
EXCHANGED, INITIAL, AMERICAN_DATE, FAMILY_MAIL = 0.05, 0.08, 0.06, 0.15
MISSING = {"forename": 0.03, "middle": 0.5, "family_name": 0.02, "dob": 0.2, "email": 0.5, "card": 0.55, "zip": 0.12,
           "city": 0.08}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Member:
    """Somebody with all family names, addresses (zip, city), e-mail addresses and cards of a life time."""

    forename: str
    middle: str
    family_names: tuple[str, ...]
    dob: str
    places: tuple[tuple[str, str], ...]
    mails: tuple[str, ...]
    cards: tuple[str, ...]
    kind: str


class _Names:
    def __init__(self, shares: Mapping[str, float]) -> None:
        self._names = list(shares)
        self._cumulative = np.cumsum(list(shares.values()))

    def draw(self, rng: np.random.Generator) -> str:
        at = int(np.searchsorted(self._cumulative, rng.random() * self._cumulative[-1], side="right"))
        return self._names[at]


class _Maker:
    """Draws members; one object per table, because it holds the table's stream."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.dice = Dice(rng)
        self.men, self.women = _Names(AmericanNames.first_names_male), _Names(AmericanNames.first_names_female)
        self.families = _Names(AmericanNames.last_names)

    def place(self) -> tuple[str, str]:
        # A city has three zip codes that follow one another.
        number = min(int(self.rng.pareto(0.7) * 4), len(CITIES) - 1)
        return f"{20000 + 37 * number + self.dice.number(0, 3)}", CITIES[number]

    def family(self) -> list[_Member]:
        dice, name, place = self.dice, self.families.draw(self.rng), self.place()
        first = self.member(name, place, male=dice.happens(0.5))
        if dice.happens(0.04):
            twin = self.member(name, place, male=dice.happens(0.5))
            return [replace(first, kind="twin"), replace(twin, dob=first.dob, mails=first.mails[:1], kind="twin")]
        if dice.happens(0.05):
            father = self.member(name, place, male=True)
            born = f"{int(father.dob[:4]) + dice.number(20, 38)}{dice.day(2001, 2001)[4:]}"
            son = replace(self.member(name, place, male=True), forename=father.forename, dob=born, mails=father.mails)
            return [replace(father, kind="father_son"), replace(son, kind="father_son")]
        return [first, *(self.member(name, place, male=dice.happens(0.5)) for _ in range(dice.number(0, 3)))]

    def member(self, family_name: str, place: tuple[str, str], *, male: bool) -> _Member:
        dice, names = self.dice, self.men if male else self.women
        forename = names.draw(self.rng)
        married = not male and dice.happens(0.3)
        places = (place, *(self.place() for _ in range(int(self.rng.poisson(1.2)))))
        local = f"{forename}.{family_name}".lower()
        mails = (
            f"{local}{dice.number(1, 99)}@{dice.one_of(MAIL)}",
            f"{forename.lower()}{dice.number(100, 9999)}@{dice.one_of(MAIL)}",
        )
        return _Member(
            forename=forename,
            middle=names.draw(self.rng)[0],
            family_names=(family_name, self.families.draw(self.rng)) if married else (family_name,),
            dob=dice.day(1928, 2012),
            places=places,
            mails=mails,
            cards=tuple(f"{dice.number(10**7, 10**8)}" for _ in range(dice.number(1, 4))),
            kind="new_name" if married else "basis",
        )


def make_members(persons: int, seed: int) -> PersonTable:
    """Make about ten rows for each of `persons` members (1 to 40 of them); the same arguments give the same table."""
    rng = np.random.Generator(np.random.PCG64(seed))
    maker = _Maker(rng)
    return written_down(
        rng,
        persons,
        household=maker.family,
        copies=lambda: 1 + min(int(rng.negative_binomial(3, 0.25)), 39),
        row=lambda member: _scanned(maker.dice, member),
    )


def _scanned(dice: Dice, member: _Member) -> Row:
    """Return one form, as it was filled in and then read."""
    blur = 3.0 if dice.happens(0.25) else 0.6
    zip_code, city = dice.one_of(member.places)
    forename = member.forename
    if dice.happens(NICKNAME):
        forename = NICKNAMES.get(forename, forename)
    row = {
        "forename": forename[0] if dice.happens(INITIAL) else forename,
        "middle": member.middle,
        "family_name": dice.one_of(member.family_names),
        "dob": member.dob,
        "email": dice.one_of(member.mails),
        "card": dice.one_of(member.cards),
        "zip": zip_code,
        "city": city,
    }
    for name in ("forename", "family_name", "city"):
        if dice.happens(SPELLED_WRONG):
            row[name] = _changed(dice, row[name], SPELLED)
        while dice.happens(min(MISREAD_NAME * blur, 0.7)):
            row[name] = _changed(dice, row[name], MISREAD)
    for name, chance in (("dob", MISREAD_DATE), ("zip", MISREAD_CODE), ("card", MISREAD_CODE)):
        while dice.happens(min(chance * blur, 0.7)):
            row[name] = _misread_digit(dice, row[name])
    if dice.happens(MISREAD_CODE * blur * 0.5):
        row["email"] = _changed(dice, row["email"], MISREAD)
    if dice.happens(AMERICAN_DATE) and int(row["dob"][8:]) <= 12:
        row["dob"] = day_and_month_exchanged(row["dob"])
    if dice.happens(EXCHANGED):
        row["forename"], row["family_name"] = row["family_name"], row["forename"]
    for name, chance in MISSING.items():
        if dice.happens(chance):
            row[name] = ""
    return row


def _changed(dice: Dice, text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """Return the text with one of the changes that apply to it made at one place, either way round."""
    ways = ways_to_change(text, pairs)
    if not ways:
        return text
    old, new = dice.one_of(ways)
    at = text.rindex(old) if dice.happens(0.5) else text.index(old)
    return text[:at] + new + text[at + len(old) :]


def _misread_digit(dice: Dice, text: str) -> str:
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    at = dice.one_of(places)
    return text[:at] + dice.one_of(tuple(MISREAD_DIGITS[text[at]])) + text[at + 1 :]
