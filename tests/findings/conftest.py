"""Made-up registrations and pairs, and the rules that ship."""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dedup.fields import ATTRIBUTES, AttributeType
from dedup.findings.config import Rules, load_rules, parse_rules
from dedup.weeks import week_of

TODAY = date(2026, 11, 22)
COMPARISONS = ("first_name", "surname", "birth_date", "address", "phone", "email", "insurance", "edd")
SAME_WOMAN = {"first_name": 4, "surname": 4, "birth_date": 2, "address": 5, "phone": 1, "email": -1, "insurance": -1}


@pytest.fixture(scope="session")
def rules() -> Rules:
    return load_rules(Path(__file__).parents[2] / "config" / "rules.toml")


@pytest.fixture(scope="session")
def registration_frame() -> Callable[..., pd.DataFrame]:
    """Returns a frame with one row per dict; `id` is any short name, which becomes a made-up UUID."""

    def make(*rows: dict[str, Any], today: date = TODAY) -> pd.DataFrame:
        missing = {AttributeType.TEXT: "", AttributeType.WEEK: -1, AttributeType.NUMBER: -1, AttributeType.YES_NO: -1}
        empty = {name: missing[kind] for name, kind in ATTRIBUTES.items()}
        usual = {
            "schema_versie": "1.0",
            "bronsysteem": "nestor",
            "zorgproduct": "kraamzorg",
            "rol": "zelfstandig",
            "status": "ingeschreven",
            "ksv": "KSV01",
            "edd_week": week_of(today) + 12,
            "inschrijf_week": week_of(today) - 10,
            "first_seen": date(2026, 9, 1),
            "group": 0,
        }
        frame = pd.DataFrame(
            [{**empty, **usual, **row} for row in rows], columns=None if rows else [*{**empty, **usual}, "id"]
        )
        frame["registratie_id"] = [made_up_id(name) for name in frame.pop("id")]
        return frame

    return make


@pytest.fixture(scope="session")
def pair_frame() -> Callable[..., pd.DataFrame]:
    """Returns a frame with one row per (left, right, changes); levels are those of one woman unless changed."""

    def make(*rows: tuple[int, int, dict[str, Any]]) -> pd.DataFrame:
        usual = {"probability": 0.999, "edd": 5, "edd_weeks_apart": 0, **SAME_WOMAN}
        frame = pd.DataFrame(
            [{"left": left, "right": right, **usual, **changes} for left, right, changes in rows],
            columns=["left", "right", "probability", "edd_weeks_apart", *COMPARISONS],
        )
        return frame.astype(dict.fromkeys(COMPARISONS, "int8") | {"left": "int32", "right": "int32"})

    return make


def made_up_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@pytest.fixture(scope="session")
def id_of() -> Callable[[str], str]:
    return made_up_id


@pytest.fixture
def today() -> date:
    return TODAY


@pytest.fixture(scope="session")
def rules_with() -> Callable[[dict[str, dict[str, Any]]], Rules]:
    """Returns the rules that ship with some terms changed, or some lists of tables added."""
    document = tomllib.loads((Path(__file__).parents[2] / "config" / "rules.toml").read_text("utf-8"))

    def make(changes: dict[str, dict[str, Any]]) -> Rules:
        added = {name: given for name, given in changes.items() if name not in document}
        return parse_rules({name: section | changes.get(name, {}) for name, section in document.items()} | added)

    return make
