"""Writes a registration the way its provider's package does: the clean facts in, the columns of an extract out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dedup.lab.simulate.columns import EXTRACT_COLUMNS, Columns, Flags, Numbers, Texts, empty_texts, iso_dates, texts
from dedup.lab.simulate.vendors import VENDORS, GivenHabit, SurnameHabit, Vendor
from dedup.lab.simulate.women import plain

PERSON_COLUMNS = EXTRACT_COLUMNS[EXTRACT_COLUMNS.index("geboortedatum") : EXTRACT_COLUMNS.index("indicatie_uren")]
# What can become of voorvoegsels; the habit of the package decides unless the clerk did otherwise (-1: as the habit).
PREFIX_STYLES = ("column", "before", "comma", "short", "glued")
COLUMN, BEFORE, COMMA, SHORT, GLUED = range(len(PREFIX_STYLES))
HABITUAL_STYLE = {
    SurnameHabit.APART: COLUMN,
    SurnameHabit.USED: COLUMN,
    SurnameHabit.USED_WHOLE: BEFORE,
    SurnameHabit.USED_COMMA: COMMA,
}
SHORT_FORMS = {"van der": "v.d.", "van den": "v.d.", "van de": "v/d", "van 't": "v.'t", "van": "v.", "de": "d."}
PHONE_NOTATIONS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("0612345678", lambda number: f"0{number}"),
    ("06-12345678", lambda number: f"0{number[0]}-{number[1:]}"),
    ("06 12 34 56 78", lambda number: f"0{number[0]} {number[1:3]} {number[3:5]} {number[5:7]} {number[7:]}"),
    ("+31 6 12345678", lambda number: f"+31 {number[0]} {number[1:]}"),
    ("+31612345678", lambda number: f"+31{number}"),
    ("0031612345678", lambda number: f"0031{number}"),
    ("+31 (0)6 12345678", lambda number: f"+31 (0){number[0]} {number[1:]}"),
)


def write_person(rng: np.random.Generator, rows: Columns, vendor: Numbers) -> Columns:
    """Return the columns of the extract that say who the woman is, each row in its own package's way."""
    count = len(vendor)
    written = {column: empty_texts(count) for column in PERSON_COLUMNS}
    for code, package in enumerate(VENDORS):
        here = np.flatnonzero(vendor == code)
        own = {name: values[here] for name, values in rows.items()}
        for column, values in write_as(rng, package, own).items():
            written[column][here] = values
    return written


def write_as(rng: np.random.Generator, vendor: Vendor, rows: Columns) -> Columns:
    """Write rows in the way of one package."""
    count = len(rows["given"])

    def kept(field: str, values: Texts) -> Texts:
        """Leave an optional field empty as often as the package's users do."""
        return np.where(rng.random(count) < vendor.fills[field], values, "")

    insured = rng.random(count) < vendor.fills["insurance"]
    names = write_surnames(vendor, rows, rng.random(count) < vendor.fills["partner"])
    names |= write_first_names(vendor, rows)
    if vendor.ascii_only:
        names = {column: texts(plain(text) for text in values) for column, values in names.items()}
    if vendor.capitals != "as_is":
        recase = str.upper if vendor.capitals == "upper" else capitalised
        names = {column: texts(recase(text) for text in values) for column, values in names.items()}
    letter, suffix = rows["house_letter"], rows["house_suffix"]
    if vendor.suffix_in_one:
        letter, suffix = empty_texts(count), np.where(letter != "", letter, suffix)
    return names | {
        "geboortedatum": iso_dates(rows["birth"]),
        "postcode": write_postcodes(vendor, rows),
        "huisnummer": texts(str(number) for number in rows["house"].tolist()),
        "huisletter": letter,
        "huisnummertoevoeging": suffix,
        "telefoon": kept("phone", write_phones(vendor, rows)),
        "email": kept("email", rows["email"]),
        "a_terme_datum": iso_dates(rows["due"]),
        "a_terme_definitief": kept("final", np.where(rows["final"], "ja", "nee").astype(object)),
        "uzovi": np.where(insured, rows["uzovi"], ""),
        "verzekerdennummer": np.where(insured, rows["insured"], ""),
    }


def capitalised(text: str) -> str:
    """Return the text with a capital at the start of every word, the way `Van Der Berg` comes about."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def write_postcodes(vendor: Vendor, rows: Columns) -> Texts:
    """Write postcodes with or without a space."""
    gap = " " if vendor.postcode_space else ""
    return texts(f"{pc4:04d}{gap}{two}" for pc4, two in zip(rows["pc4"].tolist(), rows["letters"], strict=True))


def write_phones(vendor: Vendor, rows: Columns) -> Texts:
    """Write phone numbers, stored as digits with their country, in the package's notation or the row's own."""
    notations = [write for _, write in PHONE_NOTATIONS]
    habit = [notation for notation, _ in PHONE_NOTATIONS].index(vendor.phone)
    written = []
    for number, style in zip(rows["phone"], rows["phone_style"].tolist(), strict=True):
        if not number:
            written.append("")
        elif number.startswith("31"):
            written.append(notations[habit if style < 0 else style](number[2:]))
        else:
            written.append(f"+{number}" if style < 0 or style % 2 else f"00{number}")
    return texts(written)


def write_surnames(vendor: Vendor, rows: Columns, partner_recorded: Flags) -> Columns:
    """Write surnames and voorvoegsels: in their own columns, or as the one surname that she uses."""
    write = written_apart if vendor.surnames is SurnameHabit.APART else written_as_used
    habit = HABITUAL_STYLE[vendor.surnames]
    style = np.where(rows["prefix_style"] < 0, habit, rows["prefix_style"])
    lines = [
        write(*line)
        for line in zip(
            rows["own_prefix"], rows["own_name"], rows["partner_prefix"], rows["partner_name"], rows["usage"],
            rows["surname_kept"], style.tolist(), partner_recorded.tolist(), strict=True,
        )
    ]  # fmt: skip
    columns = ("achternaam", "voorvoegsels", "achternaam_partner", "voorvoegsels_partner", "naamgebruik")
    return {column: texts(line[place] for line in lines) for place, column in enumerate(columns)}


SurnameFields = tuple[str, str, str, str, str]


def written_apart(
    own_prefix: str, own: str, partner_prefix: str, partner: str, usage: str, kept: str, style: int, recorded: bool
) -> SurnameFields:
    """Write both surnames in their columns, or only the one that was kept."""
    if partner and kept == "partner":
        return (*placed(partner_prefix, partner, style), "", "", "")
    if not partner or kept == "own" or not recorded:
        return (*placed(own_prefix, own, style), "", "", "NL1")
    return (*placed(own_prefix, own, style), *placed(partner_prefix, partner, style), usage)


def written_as_used(
    own_prefix: str, own: str, partner_prefix: str, partner: str, usage: str, _: str, style: int, __: bool
) -> SurnameFields:
    """Write the surname that she uses: her own, the partner's, or both with a hyphen."""
    prefix, surname = (partner_prefix, partner) if partner and usage == "NL2" else (own_prefix, own)
    if partner and usage == "NL3":
        prefix, surname = partner_prefix, f"{partner}-{own_prefix} {own}" if own_prefix else f"{partner}-{own}"
    elif partner and usage == "NL4":
        surname = f"{own}-{partner_prefix} {partner}" if partner_prefix else f"{own}-{partner}"
    return (*placed(prefix, surname, style), "", "", "")


def placed(prefix: str, surname: str, style: int) -> tuple[str, str]:
    """Return achternaam and voorvoegsels, the voorvoegsels where the style puts them."""
    if not prefix or style == COLUMN:
        return surname, prefix
    if style == COMMA:
        return f"{surname}, {prefix}", ""
    if style == SHORT:
        return f"{SHORT_FORMS.get(prefix, prefix)} {surname}", ""
    if style == GLUED:
        return prefix.replace(" ", "") + surname.lower(), ""
    return f"{prefix} {surname}", ""


def write_first_names(vendor: Vendor, rows: Columns) -> Columns:
    """Write voornamen, roepnaam and initialen, those that the package asks for."""
    given, calling = rows["given"], rows["calling"]
    first = texts(name.split(" ")[0] for name in given)
    initials = texts("".join(f"{word[0]}." for word in name.split(" ")) for name in given)
    nothing = empty_texts(len(given))
    wanted: dict[GivenHabit, tuple[Texts, Texts, Texts]] = {
        GivenHabit.ALL: (given, calling, initials),
        GivenHabit.FIRST: (first, np.where(first != calling, calling, ""), initials),
        GivenHabit.CALLING: (nothing, calling, initials),
        GivenHabit.GIVEN: (given, nothing, nothing),
    }
    voornamen, roepnaam, initialen = wanted[vendor.given]
    only = rows["initials_only"] == 1
    return {
        "voornamen": np.where(only, "", voornamen),
        "roepnaam": np.where(only, "", roepnaam),
        "initialen": np.where(only, initials, initialen),
    }
