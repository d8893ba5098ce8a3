"""Normalisation written a second time, from docs/spec/normalisation-v1.md alone, to hold the package's code against.

Nothing of `Spec` comes from the package: its lists and rewrites are read out of the page, its table out of the
published file, and it walks through texts where the code has regular expressions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs/spec"
PAGE = (DOCS / "normalisation-v1.md").read_text("utf-8")
VECTORS = json.loads((DOCS / "vectors/normalisation-v1.json").read_text("utf-8"))

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
A_TO_Z_LOWER = dict(zip(map(ord, LETTERS.upper()), LETTERS, strict=True))


def listed(name: str) -> str:
    """Return a fenced list of the page."""
    found = re.search(rf"^```{name}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


def read_table() -> dict[str, str]:
    published = json.loads((DOCS / "vectors/folding-v1.json").read_text("utf-8"))
    return {chr(int(code_point, 16)): to for code_point, to in published["folds"].items()}


class Spec:
    """The page, line by line."""

    folds = read_table()
    spaces = frozenset(chr(int(c, 16)) for c in listed("spaces").split())
    prefixes = frozenset(listed("prefixes").split())
    fillers = frozenset(listed("fillers").splitlines())
    windows_1252 = frozenset(chr(int(c, 16)) for c in listed("windows-1252").split())
    rewrites = tuple(
        (re.compile(pattern.replace("\\|", "|")), by)
        for pattern, by in re.findall(r"^\| [0-9]+ \| `(.+?)` \| (?:`(.+?)`)? ?\|", PAGE, re.MULTILINE)
    )

    # 1. Conventions

    def trim(self, text: str) -> str:
        start, end = 0, len(text)
        while start < end and text[start] in self.spaces:
            start += 1
        while end > start and text[end - 1] in self.spaces:
            end -= 1
        return text[start:end]

    def words(self, text: str) -> list[str]:
        return [word for word in text.split("\x20") if word]

    def lower(self, text: str) -> str:
        return text.translate(A_TO_Z_LOWER)

    # 2. Cells

    def day(self, cell: str) -> date | None:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
            return None
        year, month, day = map(int, cell.split("-"))
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        exists = year >= 1 and 1 <= month <= 12 and 1 <= day <= days[month - 1]
        return date(year, month, day) if exists else None

    def garbled(self, cell: str) -> bool:
        return "\ufffd" in cell or any(
            first in "\u00c2\u00c3\u00c4\u00c5" and ("\u0080" <= second <= "\u00bf" or second in self.windows_1252)
            for first, second in pairwise(cell)
        )

    def cell(self, column: str, today: date, cell: str) -> str:
        cell = self.trim(cell)
        if not cell or not self.kept(column, today, cell):
            return ""
        return cell

    def kept(self, column: str, today: date, cell: str) -> bool:
        if column in ("geboortedatum", "a_terme_datum"):
            day = self.day(cell)
            if day is None:
                return False
            if column == "a_terme_datum":
                return -60 <= (day - today).days <= 300
            age = today.year - day.year
            if (today.month, today.day) < (day.month, day.day):
                age -= 1
            return 12 <= age <= 60
        if len(cell) > 200:
            return False
        if column == "verdeling_id":
            return True
        if column in ("uzovi", "verzekerdennummer"):
            return bool(self.uzovi(cell) if column == "uzovi" else self.insured_number(cell))
        by_rule = {
            "postcode": self.postcode,
            "huisnummer": self.house_number,
            "telefoon": self.phone,
            "email": self.email,
        }
        if column in by_rule:
            return bool(by_rule[column](cell))
        folded = self.fold_name(cell)
        return not self.garbled(cell) and bool(folded) and folded not in self.fillers

    # 3. Folding

    def by_table(self, text: str) -> str:
        return "".join(self.folds.get(character, "\x20") for character in text)

    def fold_plain(self, text: str) -> str:
        return " ".join(self.words(self.by_table(text).replace("'", "")))

    def fold_name(self, text: str) -> str:
        text = self.by_table(text)

        def in_a_word(place: int) -> bool:
            return 0 <= place < len(text) and text[place] in LETTERS + DIGITS

        def is_at(place: int, characters: str) -> bool:
            return place < len(text) and text[place] in characters

        written = ""
        i = 0
        while i < len(text):
            if text[i] in "dlst" and is_at(i + 1, "'") and not in_a_word(i - 1):
                written += f" {text[i]} "
                i += 2
            elif text[i] == "'" and is_at(i + 1, "st") and not in_a_word(i + 2):
                written += f" {text[i + 1]} "
                i += 2
            else:
                written += text[i]
                i += 1
        written = written.replace("'", "").replace("ij", "y")
        return " ".join(self.words("".join(" " if c in DIGITS else c for c in written)))

    # 4. Rules

    def eight_digits(self, cell: str) -> str:
        match = re.fullmatch(r"([0-9]{4})([-/.]?)([0-9]{2})\2([0-9]{2})", self.trim(cell))
        return match[1] + match[3] + match[4] if match else ""

    def no_prefixes(self, words: Sequence[str]) -> list[str]:
        return [word for word in words if len(word) >= 2 and word not in self.prefixes]

    def surname(self, cell: str) -> list[str]:
        words = self.words(self.fold_name(cell))
        parts = self.no_prefixes(words)
        if words and not parts:
            before = self.words(self.fold_name(cell.split(",")[0]))
            parts = [before[-1] if before else words[-1]]
        return parts

    def long_words(self, cell: str) -> list[str]:
        return [word for word in self.words(self.fold_name(cell)) if len(word) >= 2]

    def initial(self, columns: Sequence[str]) -> list[str]:
        for cell in columns[:2]:
            for word in self.long_words(cell):
                return [word[0]]
        for cell in reversed(columns):
            for character in self.fold_name(cell):
                return [character]
        return []

    def postcode(self, cell: str) -> str:
        text = self.lower(self.trim(cell))
        digits, rest = text[:4], text[4:]
        if rest and rest[0] in self.spaces:
            rest = rest[1:]
        if len(digits) != 4 or not set(digits) <= set(DIGITS) or digits[0] == "0":
            return ""
        if len(rest) != 2 or not set(rest) <= set(LETTERS) or rest in ("sa", "sd", "ss"):
            return ""
        return digits + rest

    def house_number(self, cell: str) -> str:
        run = ""
        for character in cell:
            if character in DIGITS:
                run += character
            elif run:
                break
        run = run.lstrip("0")
        return run if 1 <= len(run) <= 5 else ""

    def filler(self, value: str) -> bool:
        return len(set(value[-7:])) == 1

    def phone(self, cell: str) -> str:
        dropped = set("().-/") | self.spaces | {chr(c) for c in range(0x2010, 0x2016)}
        text = "".join(c for c in "".join(cell.split("(0)")) if c not in dropped)
        value = ""
        dutch = re.fullmatch(r"((\+|00)?31)?0?([1-9][0-9]{8})", text)
        foreign = re.fullmatch(r"(\+|00)([1-9][0-9]{6,14})", text)
        if dutch:
            value = dutch[3]
        elif foreign and not foreign[2].startswith("31"):
            value = "+" + foreign[2]
        return "" if self.filler(value) else value

    def email(self, cell: str) -> str:
        found = re.search(r"``(\[a-z0-9\.!.+?)``", PAGE)
        assert found
        text = self.lower(self.trim(cell))
        return text if len(text) <= 254 and re.fullmatch(found[1], text) else ""

    def uzovi(self, cell: str) -> str:
        text = self.trim(cell)
        return text.rjust(4, "0") if len(text) in (3, 4) and set(text) <= set(DIGITS) else ""

    def insured_number(self, cell: str) -> str:
        text = "".join(c for c in self.lower(cell) if c in LETTERS + DIGITS).lstrip("0")
        return text if 4 <= len(text) <= 20 and not self.filler(text) else ""

    def code(self, value: str) -> str:
        for pattern, by in self.rewrites:
            value = pattern.sub(by, value)
        return value[:5]

    def values(self, rule: str, cells: Sequence[str]) -> list[str]:
        """Apply a rule to one record's cells (or to the values of the other attribute)."""
        values: list[str] = []
        if rule == "surnames":
            for position, cell in enumerate(cells):
                values += self.no_prefixes(self.words(self.fold_name(cell))) if position % 2 else self.surname(cell)
        elif rule == "first_names":
            values = [word for cell in cells for word in self.long_words(cell)[:2]]
        elif rule == "main_first_name":
            values = next((found[:1] for cell in cells if (found := self.long_words(cell))), [])
        elif rule == "initial":
            values = self.initial(cells)
        elif rule == "insurance":
            uzovi, number = self.uzovi(cells[0]), self.insured_number(cells[1])
            values = [uzovi + number] if uzovi and number else []
        elif rule == "words":
            values = [word for cell in cells for word in self.words(self.fold_plain(cell))]
        else:
            one = {
                "date": self.eight_digits,
                "postcode": self.postcode,
                "house_number": self.house_number,
                "phone": self.phone,
                "email": self.email,
                "text": self.fold_plain,
                "digits": lambda cell: "".join(c for c in cell if c in DIGITS),
                "phonetic": self.code,
                "pc4": lambda value: value[:4],
            }[rule]
            values = [value for cell in cells if (value := one(cell))]
        return sorted(set(values))


SPEC = Spec()
