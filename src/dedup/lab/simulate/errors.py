"""Plants the errors of the table in registrations that were written anew, clustered in careless rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dedup.lab.simulate import slips
from dedup.lab.simulate.columns import Columns, Flags, Numbers, Texts, texts
from dedup.lab.simulate.rates import CARELESSNESS_SHAPE, HARSH_FACTOR, HIGHEST_CHANCE, RATES
from dedup.lab.simulate.regions import Postcodes
from dedup.lab.simulate.women import INSURERS, digits, make_doors, plain, weighted
from dedup.lab.simulate.writing import PHONE_NOTATIONS, PREFIX_STYLES

BIG = 1_000_003


@dataclass(frozen=True, slots=True)
class Slip:
    """How one error of the table is made: which rows it can befall, and the change to the rows at `at`."""

    befalls: Callable[[Columns], Flags]
    make: Callable[[np.random.Generator, Columns, Numbers, Postcodes], None]


def plant_errors(
    rng: np.random.Generator, rows: Columns, written_anew: Flags, postcodes: Postcodes, *, harsh: bool
) -> dict[str, Flags]:
    """Change `rows` in place where errors fall, and return for each error of the table the rows it befell."""
    count = len(written_anew)
    carelessness = rng.gamma(CARELESSNESS_SHAPE, 1.0 / CARELESSNESS_SHAPE, count)
    factor = HARSH_FACTOR if harsh else 1.0
    planted = {}
    for error in RATES:
        slip = SLIPS[error.code]
        chance = np.minimum(error.rate * factor * (carelessness if error.careless else 1.0), HIGHEST_CHANCE)
        hit = written_anew & (rng.random(count) < chance) & slip.befalls(rows)
        slip.make(rng, rows, np.flatnonzero(hit), postcodes)
        planted[error.code] = hit
    return planted


def everyone(rows: Columns) -> Flags:
    """Every row."""
    return np.ones(len(rows["given"]), dtype=bool)


def filled(column: str) -> Callable[[Columns], Flags]:
    """Return a test for rows in which a column is not empty."""
    return lambda rows: rows[column] != ""


def where(test: Callable[[str], bool], *columns: str) -> Callable[[Columns], Flags]:
    """Return a test for rows in which one of some text columns passes `test`."""
    return lambda rows: np.any([[test(text) for text in rows[column]] for column in columns], axis=0)


def rewrite(change: Callable[..., str], *columns: str) -> Callable[..., None]:
    """Return a slip that applies `change` (text, draw) to one of the columns that are filled, drawn for each row."""

    def make(rng: np.random.Generator, rows: Columns, at: Numbers, _: Postcodes) -> None:
        for row, draw, side in zip(at, rng.integers(0, BIG, len(at)).tolist(), rng.random(len(at)), strict=True):
            usable = [column for column in columns if rows[column][row]]
            if usable:
                column = usable[int(side * len(usable))]
                rows[column][row] = change(rows[column][row], draw)

    return make


def rewrite_by_ear(*columns: str) -> Callable[..., None]:
    """Return a slip that respells one of the columns by the rules of the woman's origin."""

    def make(rng: np.random.Generator, rows: Columns, at: Numbers, _: Postcodes) -> None:
        for row, draw in zip(at, rng.integers(0, BIG, len(at)).tolist(), strict=True):
            usable = [column for column in columns if rows[column][row]]
            column = usable[draw % len(usable)]
            rows[column][row] = slips.respelled(rows[column][row], rows["groep"][row], draw // len(columns))

    return make


def replace(
    column: str, values: Callable[[np.random.Generator, Columns, Numbers], Texts | Numbers]
) -> Callable[..., None]:
    """Return a slip that replaces a column by what `values` gives for the rows at `at`."""

    def make(rng: np.random.Generator, rows: Columns, at: Numbers, _: Postcodes) -> None:
        if len(at):
            rows[column][at] = values(rng, rows, at)

    return make


def empty(*columns: str) -> Callable[..., None]:
    """Return a slip that leaves columns empty."""

    def make(_: np.random.Generator, rows: Columns, at: Numbers, __: Postcodes) -> None:
        for column in columns:
            rows[column][at] = ""

    return make


def steps(*sizes: int) -> Callable[[np.random.Generator, Numbers], Numbers]:
    """Return a drawer of one of the sizes, up or down."""
    return lambda rng, at: rng.choice(sizes, len(at)) * rng.choice((-1, 1), len(at))


def use_other_surname(rng: np.random.Generator, rows: Columns, at: Numbers, _: Postcodes) -> None:
    """Take another naamgebruik, and record only one of the two surnames where a package has columns for both."""
    code = texts(rows["usage"][at]).tolist()
    other = [
        f"NL{(int(old[2]) - 1 + step) % 4 + 1}" for old, step in zip(code, rng.integers(1, 4, len(at)), strict=True)
    ]
    rows["usage"][at] = other
    rows["surname_kept"][at] = np.where(rng.random(len(at)) < 0.5, "own", "partner")


def swap_calling_name(_: np.random.Generator, rows: Columns, at: Numbers, __: Postcodes) -> None:
    """Write the roepnaam where the voornamen belong, and the first voornaam where the roepnaam belongs."""
    for row in at:
        given, calling = rows["given"][row], rows["calling"][row]
        rows["given"][row], rows["calling"][row] = calling, given.split(" ")[0]


def lose_diacritics(_: np.random.Generator, rows: Columns, at: Numbers, __: Postcodes) -> None:
    """Write all names without diacritics."""
    for column in ("given", "calling", "own_name", "partner_name"):
        rows[column][at] = [plain(name) for name in rows[column][at]]


def move(rng: np.random.Generator, rows: Columns, at: Numbers, postcodes: Postcodes) -> None:
    """Give another address: seven in ten within the region, where it has more than one postcode."""
    target = postcodes.draw(rng, len(at))
    near = rng.random(len(at)) < 0.7
    for ksv in np.unique(rows["ksv"][at]):
        here = near & (rows["ksv"][at] == ksv)
        share = np.where(postcodes.ksv == ksv, postcodes.share, 0.0)
        target[here] = rng.choice(len(share), size=int(here.sum()), p=share / share.sum())
    rows["pc4"][at], rows["ksv"][at] = postcodes.pc4[target], postcodes.ksv[target]
    for column, values in make_doors(rng, len(at)).items():
        rows[column][at] = values


def mistype_postcode(rng: np.random.Generator, rows: Columns, at: Numbers, _: Postcodes) -> None:
    """Get one character of the postcode wrong: a letter in six of ten, else one of the last three digits."""
    for row, draw in zip(at, rng.integers(0, BIG, len(at)).tolist(), strict=True):
        if draw % 10 < 6:
            letters = rows["letters"][row]
            wrong = "ABCDEGHJKLMNPRSTVWXZ"[draw // 10 % 20]
            rows["letters"][row] = letters[0] + wrong if draw % 2 else wrong + letters[1]
        else:
            place = (1, 10, 100)[draw // 10 % 3]
            digit = rows["pc4"][row] // place % 10
            rows["pc4"][row] += place * ((digit + 1 + draw // 30 % 9) % 10 - digit)


def mistype_house_number(rng: np.random.Generator, rows: Columns, at: Numbers, _: Postcodes) -> None:
    """Be one digit off in the house number."""
    house = rows["house"][at]
    rows["house"][at] = np.maximum(1, house + rng.choice((-10, -2, -1, 1, 2, 10), len(at)))


NAMES = ("own_name", "partner_name")
HAS_IJ = where(lambda name: "ij" in name.lower() or "y" in name.lower(), *NAMES)

SLIPS: dict[str, Slip] = {
    "surname_other": Slip(filled("partner_name"), use_other_surname),
    "surname_respelled": Slip(everyone, rewrite_by_ear("own_name", "partner_name")),
    "surname_typo": Slip(everyone, rewrite(slips.typo, *NAMES)),
    "prefix_elsewhere": Slip(
        where(bool, "own_prefix", "partner_prefix"),
        replace("prefix_style", lambda rng, _, at: rng.integers(0, len(PREFIX_STYLES), len(at))),
    ),
    "ij_as_y": Slip(HAS_IJ, lambda _, rows, at, __: swap_ij(rows, at)),
    "diacritics_lost": Slip(where(lambda name: plain(name) != name, "given", "calling", *NAMES), lose_diacritics),
    "calling_name": Slip(lambda rows: differs(rows["given"], rows["calling"]), swap_calling_name),
    "first_name_respelled": Slip(everyone, rewrite_by_ear("given", "calling")),
    "first_name_typo": Slip(everyone, rewrite(slips.typo, "given", "calling")),
    "initials_only": Slip(everyone, replace("initials_only", lambda _, __, at: np.ones(len(at), dtype=np.int64))),
    "birth_swapped": Slip(
        lambda rows: slips.date_parts(rows["birth"])[2] <= 12,
        replace("birth", lambda _, rows, at: slips.day_and_month_swapped(rows["birth"][at])),
    ),
    "birth_day_slip": Slip(
        everyone, replace("birth", lambda rng, rows, at: slips.day_slip(rows["birth"][at], steps(1, 10)(rng, at)))
    ),
    "birth_month_slip": Slip(
        everyone, replace("birth", lambda rng, rows, at: slips.month_slip(rows["birth"][at], steps(1)(rng, at)))
    ),
    "birth_year_slip": Slip(
        everyone, replace("birth", lambda rng, rows, at: slips.year_slip(rows["birth"][at], steps(1, 1, 10)(rng, at)))
    ),
    "moved": Slip(everyone, move),
    "postcode_typo": Slip(everyone, mistype_postcode),
    "house_number_typo": Slip(everyone, mistype_house_number),
    "phone_notation": Slip(
        filled("phone"), replace("phone_style", lambda rng, _, at: rng.integers(0, len(PHONE_NOTATIONS), len(at)))
    ),
    "phone_partner": Slip(filled("phone"), replace("phone", lambda _, rows, at: rows["partner_phone"][at])),
    "phone_other": Slip(filled("phone"), replace("phone", lambda _, rows, at: rows["other_phone"][at])),
    "phone_typo": Slip(filled("phone"), rewrite(slips.wrong_digit, "phone")),
    "email_partner": Slip(filled("email"), replace("email", lambda _, rows, at: rows["partner_email"][at])),
    "email_other": Slip(filled("email"), replace("email", lambda _, rows, at: rows["other_email"][at])),
    "email_typo": Slip(filled("email"), rewrite(slips.typo, "email")),
    "email_capitals": Slip(
        filled("email"), replace("email", lambda _, rows, at: texts(text.capitalize() for text in rows["email"][at]))
    ),
    "insurer_other": Slip(everyone, lambda rng, rows, at, _: change_insurer(rng, rows, at)),
    "insurance_typo": Slip(everyone, rewrite(slips.wrong_digit, "insured")),
    "edd_shifted": Slip(
        everyone, replace("due", lambda rng, rows, at: rows["due"][at] + slips.scan_shift(rng, len(at)))
    ),
    "edd_month_slip": Slip(
        everyone, replace("due", lambda rng, rows, at: slips.month_slip(rows["due"][at], steps(1)(rng, at)))
    ),
    "edd_year_slip": Slip(
        everyone, replace("due", lambda rng, rows, at: slips.year_slip(rows["due"][at], steps(1)(rng, at)))
    ),
    "phone_missing": Slip(everyone, empty("phone")),
    "email_missing": Slip(everyone, empty("email")),
    "insurance_missing": Slip(everyone, empty("uzovi", "insured")),
    "suffix_missing": Slip(where(bool, "house_letter", "house_suffix"), empty("house_letter", "house_suffix")),
}


def differs(given: Texts, calling: Texts) -> Flags:
    """Return the rows in which the roepnaam is not the first voornaam."""
    return np.array([one.split(" ")[0] != two for one, two in zip(given, calling, strict=True)], dtype=bool)


def swap_ij(rows: Columns, at: Numbers) -> None:
    """Write ij for y or y for ij in the surnames."""
    for column in NAMES:
        rows[column][at] = [slips.ij_as_y(name) for name in rows[column][at]]


def change_insurer(rng: np.random.Generator, rows: Columns, at: Numbers) -> None:
    """Give another insurer and another number."""
    rows["uzovi"][at] = weighted(rng, INSURERS, len(at))
    rows["insured"][at] = digits(rng, len(at), 9)
