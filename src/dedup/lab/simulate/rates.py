"""The one table of errors: how often a second registration differs from what the first one says, and in what."""

from __future__ import annotations

from dataclasses import dataclass

# Carelessness differs from row to row: a gamma factor with mean 1 and this shape (0.6: one row in thirteen makes three
# times the errors or more, half of the rows make about half of them or less).
CARELESSNESS_SHAPE = 0.6
HARSH_FACTOR = 3.0
HIGHEST_CHANCE = 0.95


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """One error: `rate` among the second registrations it can befall (`among`); `careless` ones cluster in rows.

    What is not careless is life itself (she moved, she uses another surname, the scan gave another date), and befalls
    the careful and the careless alike.
    """

    code: str
    field: str
    rate: float
    careless: bool
    among: str
    meaning: str


ALL = "all"

RATES: tuple[ErrorRate, ...] = (
    ErrorRate("surname_other", "surname", 0.22, False, "with a partner", "stands under another of her surnames"),
    ErrorRate("surname_respelled", "surname", 0.030, True, ALL, "spelt by ear: Meijer, Meyer; Khattabi, Kattabi"),
    ErrorRate("surname_typo", "surname", 0.030, True, ALL, "one letter wrong, left out, doubled or swapped"),
    ErrorRate("prefix_elsewhere", "surname", 0.080, True, "with voorvoegsels", "before, behind a comma, short, glued"),
    ErrorRate("ij_as_y", "surname", 0.120, True, "with ij or y", "ij written as y or the other way"),
    ErrorRate("diacritics_lost", "names", 0.250, True, "with diacritics", "Şahin as Sahin, Zoë as Zoe"),
    ErrorRate("calling_name", "first name", 0.150, False, "whose roepnaam differs", "roepnaam for voornaam or reverse"),
    ErrorRate("first_name_respelled", "first name", 0.020, True, ALL, "spelt by ear: Carin, Karin; Bouchra, Bushra"),
    ErrorRate("first_name_typo", "first name", 0.020, True, ALL, "one letter wrong, left out, doubled or swapped"),
    ErrorRate("initials_only", "first name", 0.010, True, ALL, "initials instead of any first name"),
    ErrorRate("birth_swapped", "birth date", 0.006, True, "born on day 1-12", "day and month swapped"),
    ErrorRate("birth_day_slip", "birth date", 0.008, True, ALL, "the day 1 or 10 too high or too low"),
    ErrorRate("birth_month_slip", "birth date", 0.004, True, ALL, "the month before or after"),
    ErrorRate("birth_year_slip", "birth date", 0.004, True, ALL, "the year 1 or 10 too high or too low"),
    ErrorRate("moved", "address", 0.060, False, ALL, "another address, seven in ten within the region"),
    ErrorRate("postcode_typo", "address", 0.010, True, ALL, "one character of the postcode wrong"),
    ErrorRate("house_number_typo", "address", 0.010, True, ALL, "one digit wrong, or the suffix lost"),
    ErrorRate(
        "phone_notation", "phone", 0.150, False, "with a phone", "written in another notation than the package's"
    ),
    ErrorRate("phone_partner", "phone", 0.060, False, "with a phone", "the partner's number"),
    ErrorRate("phone_other", "phone", 0.030, False, "with a phone", "a new number"),
    ErrorRate("phone_typo", "phone", 0.010, True, "with a phone", "one digit wrong"),
    ErrorRate("email_partner", "e-mail", 0.050, False, "with an e-mail", "the partner's address"),
    ErrorRate("email_other", "e-mail", 0.080, False, "with an e-mail", "another address of her own"),
    ErrorRate("email_typo", "e-mail", 0.012, True, "with an e-mail", "one letter wrong"),
    ErrorRate("email_capitals", "e-mail", 0.080, False, "with an e-mail", "written with capitals"),
    ErrorRate("insurer_other", "insurance", 0.020, False, ALL, "changed insurer in January"),
    ErrorRate("insurance_typo", "insurance", 0.010, True, ALL, "one digit of the number wrong"),
    ErrorRate("edd_shifted", "EDD", 0.350, False, ALL, "after the dating scan: mostly days, a heavy tail to 45"),
    ErrorRate("edd_month_slip", "EDD", 0.006, True, ALL, "the month before or after"),
    ErrorRate("edd_year_slip", "EDD", 0.003, True, ALL, "the year before or after"),
    ErrorRate("phone_missing", "phone", 0.040, True, ALL, "left empty"),
    ErrorRate("email_missing", "e-mail", 0.060, True, ALL, "left empty"),
    ErrorRate("insurance_missing", "insurance", 0.060, True, ALL, "left empty"),
    ErrorRate("suffix_missing", "address", 0.150, True, "with a letter or suffix", "letter and suffix left empty"),
)

# What every extract holds: errors in these decide whether a pair is found, and the truth tells of them in these words.
TOLD = {"surname": "achternaam", "first name": "voornaam", "birth date": "geboortedatum", "address": "adres"}


def chance_of(error: ErrorRate, *, harsh: bool) -> float:
    """Return the mean chance of an error, three times the table's when the simulation is harsh."""
    return min(error.rate * (HARSH_FACTOR if harsh else 1.0), HIGHEST_CHANCE)


def markdown_table() -> str:
    """Return the table as it stands in the documentation."""
    lines = [
        "| error | field | rate | harsh | among | clusters | what happens |",
        "|---|---|---:|---:|---|---|---|",
    ]
    lines += [
        f"| `{error.code}` | {error.field} | {error.rate:.1%} | {chance_of(error, harsh=True):.1%} | {error.among} "
        f"| {'in careless rows' if error.careless else 'no'} | {error.meaning} |"
        for error in RATES
    ]
    return "\n".join(lines)
