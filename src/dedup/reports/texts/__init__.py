"""The report's texts by language, and numbers, dates and weeks as that language writes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from dedup.weeks import MISSING_WEEK, monday_of

LANGUAGES = ("nl", "en")


@dataclass(frozen=True)
class Texts:
    """One language's catalogue; a key is `section.name`, and an unknown one is a bug (`KeyError`)."""

    language: str
    catalogue: Mapping[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key with its places filled in."""
        section, _, name = key.rpartition(".")
        text: str = (self.catalogue[section] if section else self.catalogue)[name]
        return text.format(**values) if values else text

    def has(self, section: str, name: str) -> bool:
        """Tell whether a section has this text, for texts that are only there for some codes."""
        return name in self.catalogue[section]

    def count(self, noun: str, number: int) -> str:
        """Return a number with its noun, `1 bevinding`, `2 bevindingen`."""
        one, more = self.catalogue["plural"][noun]
        return str(one if number == 1 else more).format(n=self.number(number))

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number with this language's separators."""
        written = f"{value:,.{decimals}f}"
        swapped = {",": self.catalogue["thousands"], ".": self.catalogue["decimal"]}
        return "".join(swapped.get(letter, letter) for letter in written)

    def percent(self, share: float) -> str:
        """Return a share as a percentage with one decimal."""
        return self.number(100 * share, 1) + "%"

    def day(self, day: date, *, weekday: bool = False) -> str:
        """Return a day in words, `22 november 2026`, with `weekday` in front on request."""
        written = f"{day.day} {self.catalogue['months'][day.month - 1]} {day.year}"
        return f"{self.catalogue['days'][day.weekday()]} {written}" if weekday else written

    def short_day(self, day: date) -> str:
        """Return a day as `22 nov 2026`."""
        return f"{day.day} {self.catalogue['short_months'][day.month - 1]} {day.year}"

    def week(self, week: int) -> str:
        """Return a week ordinal as `week 47, 2026`, or that it is unknown."""
        if week == MISSING_WEEK:
            return self("unknown")
        year, number, _ = monday_of(week).isocalendar()
        return self("week", week=number, year=year)

    def month(self, month: str) -> str:
        """Return `2026-12` as `december 2026`."""
        year, number = month.split("-")
        return f"{self.catalogue['months'][int(number) - 1]} {year}"

    def short_month(self, month: str) -> str:
        """Return `2026-12` as `dec ’26`."""
        year, number = month.split("-")
        return f"{self.catalogue['short_months'][int(number) - 1]} ’{year[2:]}"


@cache
def texts_in(language: str) -> Texts:
    """Return the catalogue of a language, `nl` or `en`; raises `KeyError` for another."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return Texts(language, tomllib.loads(files(__package__).joinpath(f"{language}.toml").read_text("utf-8")))
