"""The made-up women: who they are, where they live and how they can be reached."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np

from dedup.lab.simulate.columns import Columns, Days, Flags, Texts, empty_texts, texts
from dedup.lab.simulate.names.dutch import CALLED
from dedup.lab.simulate.names.origins import Origin, origins
from dedup.lab.simulate.names.pools import NamePool
from dedup.lab.simulate.regions import Postcodes

MEAN_AGE, SPREAD_OF_AGE, YOUNGEST, OLDEST = 31.0, 4.7, 16, 47  # years, at the birth of the child
UNRELATED_CALLING_NAME = 0.03
# First letters of a postcode's two are mostly from the start of the alphabet; SA, SD and SS are not given out.
LETTERS = np.array(
    [a + b for a in "ABCDEGHJKLMNPRSTVWXZ" for b in "ABCDEGHJKLMNPRSTVWXZ" if a + b not in ("SA", "SD", "SS")]
)
# uzovi code and share of the market, rounded; the names of the brands are of no use here.
INSURERS = (
    ("3311", 18), ("7095", 16), ("9664", 15), ("3332", 9), ("0101", 7), ("3313", 5), ("7029", 4), ("7085", 3),
    ("3351", 4), ("3358", 4), ("0201", 5), ("3333", 3), ("3343", 2), ("7119", 1), ("7037", 1), ("0699", 3),
)  # fmt: skip
# Reserved domains (RFC 2606): nobody's address is ever made by accident.
MAIL_DOMAINS = (("gmeel.example", 45), ("hotmeel.example", 22), ("uitkijk.example", 12), ("thuispost.example", 10),
                ("snelnet.example", 6), ("wolkje.example", 5))  # fmt: skip
UNDIVIDED = str.maketrans("ıłŁøØđĐßæÆ", "ilLoOdDsaA")  # letters whose mark Unicode does not take apart


@lru_cache(maxsize=65_536)
def plain(text: str) -> str:
    """Return a name without its diacritics, as a careless clerk or an old package writes it."""
    parts = unicodedata.normalize("NFKD", text.translate(UNDIVIDED))
    return parts.encode("ascii", "ignore").decode("ascii")


def weighted(rng: np.random.Generator, choices: tuple[tuple[str, int], ...], rows: int) -> Texts:
    """Draw `rows` of the choices, each in proportion to its weight."""
    weight = np.array([share for _, share in choices], dtype=float)
    return texts(choice for choice, _ in choices)[rng.choice(len(choices), size=rows, p=weight / weight.sum())]


def make_women(rng: np.random.Generator, postcodes: Postcodes, rows: int, due: Days) -> Columns:
    """Return `rows` women whose (first) child is due on the days `due`; one row each.

    Columns: groep, given (given names, space between), calling, own_prefix, own_name, partner_prefix, partner_name
    (empty without a partner), usage (NL1 to NL4), birth (days), the columns of `make_addresses` and of
    `make_contacts`, uzovi, insured (number).
    """
    women = make_names(rng, rows)
    women["birth"] = make_birth_dates(rng, due, women["groep"])
    women |= make_addresses(rng, postcodes, rows)
    women |= make_contacts(rng, women)
    women["uzovi"] = weighted(rng, INSURERS, rows)
    women["insured"] = digits(rng, rows, 9)
    return women


def make_names(rng: np.random.Generator, rows: int) -> Columns:
    """Draw an origin for each woman, and her names from that origin's pools."""
    groups = origins()
    group = rng.choice(len(groups), size=rows, p=[origin.share for origin in groups])
    names = {
        name: empty_texts(rows)
        for name in ("given", "calling", "own_prefix", "own_name", "partner_prefix", "partner_name", "usage")
    }
    for position, origin in enumerate(groups):
        here = np.flatnonzero(group == position)
        for name, column in names_of_origin(rng, origin, len(here)).items():
            names[name][here] = column
    return {"groep": texts(origin.name for origin in groups)[group], **names}


def names_of_origin(rng: np.random.Generator, origin: Origin, rows: int) -> Columns:
    """Draw the names of `rows` women of one origin."""
    first, second = (origin.given.names[origin.given.draw(rng, rows)] for _ in range(2))
    hyphened, two_names = rng.random(rows) < origin.double_name, rng.random(rows) < origin.second_name
    given, calling = empty_texts(rows), empty_texts(rows)
    pick = rng.integers(0, 1_000, rows).tolist()
    other = rng.random(rows) < UNRELATED_CALLING_NAME
    for row, (one, two, hyphen, both, chosen, unrelated) in enumerate(
        zip(first, second, hyphened, two_names, pick, other, strict=True)
    ):
        main = f"{one}-{two}" if hyphen and one != two else one
        given[row] = f"{main} {two}" if both and not hyphen and one != two else main
        calls = CALLED.get(one, "").split() if origin.name == "nederlands" else []
        calling[row] = two if unrelated else calls[chosen % len(calls)] if calls and chosen % 4 else main
    own = origin.surnames.draw(rng, rows)
    partnered = rng.random(rows) < origin.partnered
    partner_prefix, partner_name = husbands(rng, origin, rows)
    usage = texts(f"NL{1 + code}" for code in rng.choice(4, size=rows, p=origin.usage))
    usage[~partnered] = "NL1"
    partner_prefix[~partnered] = ""
    partner_name[~partnered] = ""
    return {
        "given": given,
        "calling": calling,
        "own_prefix": origin.surnames.prefixes[own],
        "own_name": origin.surnames.names[own],
        "partner_prefix": partner_prefix,
        "partner_name": partner_name,
        "usage": usage,
    }


def husbands(rng: np.random.Generator, origin: Origin, rows: int) -> tuple[Texts, Texts]:
    """Draw prefix and surname of a partner, of the woman's own origin or a Dutch one."""
    same = rng.random(rows) < origin.own_group
    dutch: NamePool = origins()[0].husbands
    one, another = origin.husbands.draw(rng, rows), dutch.draw(rng, rows)
    prefix = np.where(same, origin.husbands.prefixes[one], dutch.prefixes[another])
    return prefix, np.where(same, origin.husbands.names[one], dutch.names[another])


def make_birth_dates(rng: np.random.Generator, due: Days, group: Texts) -> Days:
    """Draw birth dates; a birth day that nobody knew was entered as 1 January or 1 July."""
    rows = len(due)
    age = np.clip(rng.normal(MEAN_AGE, SPREAD_OF_AGE, rows), YOUNGEST, OLDEST)
    birth = due - np.floor(age * 365.25).astype(np.int64)
    chance = {origin.name: origin.unknown_birthday for origin in origins()}
    unknown = rng.random(rows) < np.array([chance[name] for name in group])
    year = birth.astype("datetime64[D]").astype("datetime64[Y]")
    month = year.astype("datetime64[M]") + np.where(rng.random(rows) < 0.8, 0, 6).astype("timedelta64[M]")
    return np.where(unknown, month.astype("datetime64[D]").astype(np.int64), birth)


def make_addresses(rng: np.random.Generator, postcodes: Postcodes, rows: int) -> Columns:
    """Draw addresses: ksv (index in the region table), pc4, letters, house, house_letter, house_suffix."""
    where = postcodes.draw(rng, rows)
    return {"pc4": postcodes.pc4[where], "ksv": postcodes.ksv[where], **make_doors(rng, rows)}


def make_doors(rng: np.random.Generator, rows: int) -> Columns:
    """Draw the part of an address behind the four digits."""
    letter, suffix = empty_texts(rows), empty_texts(rows)
    kind = rng.random(rows)
    lettered, suffixed = kind < 0.06, kind > 0.95
    letter[lettered] = texts("ABCDEFGH")[rng.integers(0, 8, int(lettered.sum()))]
    suffix[suffixed] = texts(("1", "2", "3", "HS", "bis", "II", "III", "zwart", "rood"))[
        rng.integers(0, 9, int(suffixed.sum()))
    ]
    first = np.minimum(rng.integers(0, len(LETTERS), rows), rng.integers(0, len(LETTERS), rows))
    return {
        "letters": texts(LETTERS[first].tolist()),
        "house": np.clip(np.floor(rng.lognormal(3.5, 1.1, rows)), 1, 999).astype(np.int64),
        "house_letter": letter,
        "house_suffix": suffix,
    }


def digits(rng: np.random.Generator, rows: int, length: int) -> Texts:
    """Draw numbers of `length` digits, leading zeros kept."""
    return texts(f"{number:0{length}d}" for number in rng.integers(0, 10**length, rows).tolist())


def make_phones(rng: np.random.Generator, abroad: Flags) -> Texts:
    """Draw numbers as digits with their country: Dutch mobile mostly, some at home, some from abroad; none twice."""
    rows = len(abroad)
    kind, area = rng.random(rows), texts(("3110", "3120", "3130", "3140", "3150"))[rng.integers(0, 5, rows)]
    mobile = rng.choice(5 * 10**7, size=rows, replace=False).tolist()  # 061 to 065 and seven digits
    head = np.where(kind < 0.96, texts(f"316{1 + number // 10**7}" for number in mobile), area)
    foreign = rng.random(rows) < np.where(abroad, 0.12, 0.005)
    head = np.where(foreign, np.where(rng.random(rows) < 0.7, "4860", "4917"), head)
    return texts(f"{start}{number % 10**7:07d}" for start, number in zip(head, mobile, strict=True))


def make_contacts(rng: np.random.Generator, women: Columns) -> Columns:
    """Draw phone and email: her own, her partner's (`partner_`) and another of her own (`other_`); none twice."""
    rows = len(women["groep"])
    partner_first = origins()[0].given.names[origins()[0].given.draw(rng, rows)]
    has_partner = women["partner_name"] != ""
    partner_surname = np.where(has_partner, women["partner_name"], women["own_name"])
    whose = ("", "partner_", "other_")
    phones = make_phones(rng, np.tile(women["groep"] == "pools", len(whose)))
    emails = make_emails(
        rng,
        np.concatenate([women["calling"], partner_first, women["calling"]]),
        np.concatenate([women["own_name"], partner_surname, women["own_name"]]),
        np.tile(women["birth"], len(whose)),
    )
    return {
        f"{one}{name}": values[place * rows : (place + 1) * rows]
        for place, one in enumerate(whose)
        for name, values in (("phone", phones), ("email", emails))
    }


def make_emails(rng: np.random.Generator, first: Texts, surname: Texts, birth: Days) -> Texts:
    """Make addresses of a first name and a surname, one in eight of neither; who comes later gets a number."""
    rows = len(first)
    form, number, domain = rng.integers(0, 8, rows).tolist(), digits(rng, rows, 3), weighted(rng, MAIL_DOMAINS, rows)
    year = (birth.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970).tolist()
    made: dict[str, None] = {}
    for one, two, how, digit, at, born in zip(first, surname, form, number, domain, year, strict=True):
        a, b = (plain(name).lower().replace(" ", "").replace("'", "") for name in (one, two))
        local = (
            f"{a}.{b}", f"{a}{b}", f"{a[0]}.{b}", f"{a}_{born}", f"{a}.{b}{born % 100:02d}", f"{a}{digit}",
            f"{b}.{a}{digit[0]}", f"{MAIL_WORDS[int(digit) % len(MAIL_WORDS)]}{digit}{born % 100:02d}",
        )[how]  # fmt: skip
        address, number_of = f"{local}@{at}", 1
        while address in made:
            number_of += 1
            address = f"{local}{number_of}@{at}"
        made[address] = None
    return texts(made)


MAIL_WORDS = ("zonnetje", "mamavan", "vlinder", "sterretje", "huisje", "lieverd", "prinsesje", "madelief", "feetje")
