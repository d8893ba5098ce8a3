"""Every stable code of the product, in Dutch and in English: what it means, and what its reader can do about it.

`nl.toml` and `en.toml` hold a title and a remedy for each code, `status.toml` the HTTP status of those that the web
server answers with. `docs/errors.md` is written from these tables; a test walks the source for codes they lack.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("nl", "en")
UNPLANNED = 500


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code means: a title of a few words, and a sentence on what to do."""

    title: str
    remedy: str


@cache
def meanings(language: str) -> Mapping[str, Meaning]:
    """Return every code's meaning in a language, `nl` or `en`; raises `KeyError` for another language."""
    if language not in LANGUAGES:
        raise KeyError(language)
    return {
        f"{room}.{what}": Meaning(text["title"], text["do"])
        for room, texts in _table(f"{language}.toml").items()
        for what, text in texts.items()
    }


@cache
def statuses() -> Mapping[str, int]:
    """Return the HTTP status of every code that the web server answers with."""
    return {f"{room}.{what}": status for room, codes in _table("status.toml").items() for what, status in codes.items()}


def status_of(code: str) -> int:
    """Return the HTTP status of a code; 500 for one that a vendor can do nothing about."""
    return statuses().get(code, UNPLANNED)


def title_of(code: str, language: str) -> str:
    """Return a code's title; for a code that is not in the table, the code itself."""
    meaning = meanings(language).get(code)
    return meaning.title if meaning else code


def preferred_language(accept_language: str) -> str:
    """Return the language, `nl` or `en`, that an Accept-Language header asks for first; Dutch when it asks for neither.

    Weights are those of RFC 9110, section 12.5.4; a part that is not of that form is passed over.
    """
    weights = dict.fromkeys(LANGUAGES, 0.0)
    for part in accept_language.split(",")[:20]:
        name, _, parameter = part.strip().partition(";")
        primary = name.strip().lower().split("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if primary in weights and 0 <= weight <= 1:
            weights[primary] = max(weights[primary], weight)
    return max(LANGUAGES, key=lambda language: weights[language])


def _table(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))
