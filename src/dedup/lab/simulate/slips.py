"""What each error does to a field: single names, numbers and dates in, slightly wrong ones out."""

from __future__ import annotations

import numpy as np

from dedup.lab.simulate.columns import Days, Numbers
from dedup.lab.simulate.names.moroccan import SPELLINGS as MOROCCAN_SPELLINGS

NEIGHBOURS = {
    "a": "qsz", "b": "vghn", "c": "xdfv", "d": "serfcx", "e": "wsdr", "f": "drtgvc", "g": "ftyhbv", "h": "gyujnb",
    "i": "ujko", "j": "huikmn", "k": "jiolm", "l": "kop", "m": "njk", "n": "bhjm", "o": "iklp", "p": "ol", "q": "wa",
    "r": "edft", "s": "awedxz", "t": "rfgy", "u": "yhji", "v": "cfgb", "w": "qase", "x": "zsdc", "y": "tghu",
    "z": "asx", "1": "2", "2": "13", "3": "24", "4": "35", "5": "46", "6": "57", "7": "68", "8": "79", "9": "80",
    "0": "9",
}  # fmt: skip
DUTCH_SPELLINGS = (
    ("eij", "ey"), ("eij", "ij"), ("ein", "ijn"), ("ij", "y"), ("ck", "k"), ("ss", "s"), ("ph", "f"), ("th", "t"),
    ("dt", "d"), ("ll", "l"), ("nn", "n"), ("tt", "t"), ("ff", "f"), ("ae", "aa"), ("uy", "ui"), ("ou", "au"),
    ("c", "k"), ("z", "s"), ("ie", "i"), ("ks", "x"), ("g", "ch"), ("f", "v"), ("oo", "o"),
)  # fmt: skip
FOREIGN_SPELLINGS = (
    ("sz", "s"), ("cz", "c"), ("rz", "z"), ("w", "v"), ("ew", "ev"), ("ğ", "gh"), ("ş", "sh"), ("ç", "c"), ("ı", "i"),
    ("j", "y"), ("ou", "u"), ("kh", "k"), ("sh", "s"), ("dh", "d"), ("ie", "e"), ("ia", "ja"), ("ll", "l"), ("th", "t"),
    ("ee", "i"), ("oe", "u"), ("c", "k"), ("h", ""),
)  # fmt: skip


def typo(text: str, draw: int) -> str:
    """Return the text with one slip of the fingers: a neighbouring key, a letter lost, doubled or swapped."""
    letters = [place for place, sign in enumerate(text) if sign.isalnum()]
    if len(letters) < 2:
        return text
    place, how = letters[draw % len(letters)], draw // len(letters) % 4
    sign = text[place]
    if how == 1 and len(letters) > 3:
        return text[:place] + text[place + 1 :]
    if how == 2:
        return text[:place] + sign + text[place:]
    if how == 3 and place + 1 < len(text) and text[place + 1].isalnum() and text[place + 1].lower() != sign.lower():
        return text[:place] + text[place + 1].lower() + sign.lower() + text[place + 2 :] if place else swapped(text)
    near = NEIGHBOURS.get(sign.lower(), "e")
    wrong = near[draw // 7 % len(near)]
    return text[:place] + (wrong.upper() if sign.isupper() else wrong) + text[place + 1 :]


def swapped(text: str) -> str:
    """Return the text with its first two letters swapped, the capital staying in front."""
    return text[1].upper() + text[0].lower() + text[2:]


def wrong_digit(text: str, draw: int) -> str:
    """Return the text with another digit in one of its places, the last eight that is."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()][-8:]
    if not places:
        return text
    place = places[draw % len(places)]
    digit = (int(text[place]) + 1 + draw // 8 % 9) % 10
    return f"{text[:place]}{digit}{text[place + 1 :]}"


def respelled(text: str, group: str, draw: int) -> str:
    """Return a name as somebody writes it who only heard it; unchanged where no rule of its origin applies."""
    pairs = {"nederlands": DUTCH_SPELLINGS, "marokkaans": MOROCCAN_SPELLINGS}.get(group, FOREIGN_SPELLINGS)
    lower = text.lower()
    ways = [(old, new) for one, two in pairs for old, new in ((one, two), (two, one)) if old and old in lower]
    if not ways:
        return text
    old, new = ways[draw % len(ways)]
    place = lower.index(old)
    heard = text[:place] + new + text[place + len(old) :]
    return heard[0].upper() + heard[1:] if text[0].isupper() else heard


def ij_as_y(text: str) -> str:
    """Return the name with ij for y, or y for ij."""
    for old, new in (("ij", "y"), ("IJ", "Y"), ("Ij", "Y"), ("y", "ij"), ("Y", "IJ")):
        if old in text:
            return text.replace(old, new, 1)
    return text


def date_parts(days: Days) -> tuple[Numbers, Numbers, Numbers]:
    """Return year, month (1-12) and day of the month of days since 1970-01-01."""
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    of_year = month.astype("datetime64[Y]")
    return (
        of_year.astype(np.int64) + 1970,
        (month - of_year.astype("datetime64[M]")).astype(np.int64) + 1,
        (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
    )


def date_from(year: Numbers, month: Numbers, day: Numbers) -> Days:
    """Return days since 1970-01-01; a day past the month's end becomes its last day."""
    start = ((year - 1970) * 12 + (month - 1)).astype("datetime64[M]")
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    days: Days = start.astype("datetime64[D]").astype(np.int64) + np.minimum(day, length) - 1
    return days


def day_and_month_swapped(days: Days) -> Days:
    """Swap day and month; the day must be 1 to 12."""
    year, month, day = date_parts(days)
    return date_from(year, day, month)


def day_slip(days: Days, step: Numbers) -> Days:
    """Move the day of the month by `step`, to the other side where that would leave the month."""
    year, month, day = date_parts(days)
    last = date_parts(date_from(year, month, np.full_like(day, 31)))[2]
    moved = np.where((day + step >= 1) & (day + step <= last), day + step, day - step)
    return date_from(year, month, moved)


def month_slip(days: Days, step: Numbers) -> Days:
    """Move the date by `step` months within its year, to the other side where that would leave the year."""
    year, month, day = date_parts(days)
    moved = np.where((month + step >= 1) & (month + step <= 12), month + step, month - step)
    return date_from(year, moved, day)


def year_slip(days: Days, step: Numbers) -> Days:
    """Move the date by `step` years."""
    year, month, day = date_parts(days)
    return date_from(year + step, month, day)


def scan_shift(rng: np.random.Generator, rows: int) -> Numbers:
    """Draw by how many days a dating scan moves the EDD: Student's t with two degrees of freedom, never zero."""
    shift = np.clip(np.rint(4.0 * rng.standard_t(2.0, rows)), -45, 45).astype(np.int64)
    return np.where(shift == 0, np.where(rng.random(rows) < 0.5, -1, 1), shift)
