"""A made-up night of three KSVs, through the real rules; registratie_ids are made up too."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dedup.fields import ATTRIBUTES, AttributeType
from dedup.findings.classify import find
from dedup.findings.config import Rules, load_rules
from dedup.findings.frames import Findings
from dedup.reports.data import KsvReport
from dedup.reports.insurer import InsurerReport, build_insurer
from dedup.reports.ksv import build
from dedup.reports.night import Night, prepare
from dedup.weeks import week_of

TODAY = date(2026, 11, 22)
THIS_WEEK = week_of(TODAY)
KSVS = {"KSV01": "KSV Amstelkring", "KSV02": "KSV De Vecht", "KSV03": "KSV Zaanoever"}
PROVIDER_NAMES = (
    "Kraamzorg De Ooievaar", "Thuis & Wieg", "Kraambureau Lente", "Eerste Week", "Kraamzorg Zaanoever",
    "Zorg van Nu <Kraam>", "Kraamcentrum Waterland", "Het Nest", "Kraamhulp Vecht", "Zelfstandig Zwaan",
)  # fmt: skip
AGB = tuple(f"{41_000_001 + number}" for number in range(len(PROVIDER_NAMES)))
VENDORS = ("nestor", "puck", "ooibase", "wiegweb")
COMPARISONS = ("first_name", "surname", "birth_date", "address", "phone", "email", "insurance", "edd")
LEVELS = {
    "first_name": 4,
    "surname": 4,
    "birth_date": 2,
    "address": 5,
    "phone": 1,
    "email": -1,
    "insurance": -1,
    "edd": 5,
}


@pytest.fixture(scope="session")
def rules() -> Rules:
    return load_rules(Path(__file__).parents[2] / "config" / "rules.toml")


def made_up_id(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"made-up-{number}"))


@pytest.fixture(scope="session")
def registration_frame() -> Callable[..., pd.DataFrame]:
    """Returns a frame with one row per dict of what is not as usual."""

    def make(*rows: dict[str, Any]) -> pd.DataFrame:
        empty = {name: "" if kind is AttributeType.TEXT else -1 for name, kind in ATTRIBUTES.items()}
        usual = {
            "aanbieder_agb": AGB[0], "bronsysteem": "nestor", "zorgproduct": "kraamzorg", "rol": "zelfstandig",
            "status": "ingeschreven", "ksv": "KSV01", "edd_week": THIS_WEEK + 10, "inschrijf_week": THIS_WEEK - 12,
            "indicatie_uren": 44, "first_seen": date(2026, 9, 1), "group": 0,
        }  # fmt: skip
        return pd.DataFrame(
            [{**empty, **usual, "registratie_id": made_up_id(at), **row} for at, row in enumerate(rows)]
        )

    return make


@pytest.fixture(scope="session")
def pair_frame() -> Callable[..., pd.DataFrame]:
    """Returns a frame with one row per (left, right, what is not as usual)."""

    def make(*rows: tuple[int, int, dict[str, Any]]) -> pd.DataFrame:
        frame = pd.DataFrame(
            [
                {"left": left, "right": right, "probability": 0.999, **LEVELS, **changes}
                for left, right, changes in rows
            ],
            columns=["left", "right", "probability", *COMPARISONS],
        )
        return frame.astype(dict.fromkeys(COMPARISONS, "int8") | {"left": "int32", "right": "int32"})

    return make


def provider_frame() -> pd.DataFrame:
    days_old: list[int | None] = [0, 1, 0, 1, 2, 0, 5, 0, 1, None]
    return pd.DataFrame(
        {
            "aanbieder_agb": AGB,
            "naam": PROVIDER_NAMES,
            "vendor": [VENDORS[at % len(VENDORS)] for at in range(len(AGB))],
            "snapshot_date": [None if days is None else TODAY - timedelta(days=days) for days in days_old],
            "rows": [0 if days is None else 150 + 10 * at for at, days in enumerate(days_old)],
            "refused": [0 if days is None else at % 4 for at, days in enumerate(days_old)],
            "warnings": [
                {} if days is None else {"postcode.malformed": 3 + at, "phone.malformed": 9, "edd.range": at}
                for at, days in enumerate(days_old)
            ],
        }
    )


def season(registration_frame: Callable[..., pd.DataFrame], pair_frame: Callable[..., pd.DataFrame]):
    """Registrations and pairs of a region in a normal season: 720 women, of whom one in eleven stands twice."""
    generator = np.random.default_rng(22)
    rows: list[dict[str, Any]] = []
    pairs: list[tuple[int, int, dict[str, Any]]] = []

    def add(**changes: Any) -> int:
        at = generator.integers(len(AGB) - 1)
        week = THIS_WEEK + int(generator.integers(-3, 34))
        rows.append(
            {
                "aanbieder_agb": AGB[at], "bronsysteem": VENDORS[at % 4], "ksv": list(KSVS)[at % 3], "edd_week": week,
                "inschrijf_week": min(week - int(generator.integers(8, 30)), THIS_WEEK),
                "indicatie_uren": int(generator.choice([24, 32, 40, 44, 48, -1], p=[.1, .15, .2, .3, .2, .05])),
                "status": str(generator.choice(["aangemeld", "ingeschreven", "intake"], p=[.2, .6, .2])),
                "group": len(rows), **changes,
            }
        )  # fmt: skip
        return len(rows) - 1

    def beside(first: int, levels: dict[str, Any] | None = None, **changes: Any) -> int:
        before = rows[first]
        others = [agb for agb in AGB[:-1] if agb != before["aanbieder_agb"]]
        kept = {name: before[name] for name in ("ksv", "edd_week", "group", "indicatie_uren")}
        second = add(**({**kept, "aanbieder_agb": str(generator.choice(others))} | changes))
        pairs.append((first, second, levels or {}))
        return second

    for _ in range(720):
        add()
    for first in range(24):
        beside(first, {"email": int(generator.integers(-1, 2)), "insurance": int(generator.integers(-1, 2))})
    beside(beside(30), {"probability": 0.95})
    for first in range(40, 48):
        beside(first, {"probability": 0.96, "phone": 0})
    for first in range(60, 66):
        beside(first, {"first_name": 0, "phone": 0, "probability": 0.8})
    for first in range(70, 74):
        beside(first, {"edd": 1}, edd_week=rows[first]["edd_week"] + 8)
    for first in range(80, 86):
        beside(first, ksv="KSV02" if rows[first]["ksv"] != "KSV02" else "KSV03")
    for first in range(90, 98):
        beside(first, status="wachtlijst", inschrijf_week=THIS_WEEK - (1 if first % 2 else 9))
    for first in range(100, 106):
        rows[first] |= {"status": "overgedragen", "overdracht_week": THIS_WEEK - (1 if first % 3 else 7)}
        rows[first]["overdracht_agb"] = rows[beside(first)]["aanbieder_agb"]
    for first in range(110, 118):
        beside(first, zorgproduct="partus")
    for first in range(120, 124):
        rows[first]["edd_week"] = THIS_WEEK - 3
        beside(first, {"edd": 0}, edd_week=THIS_WEEK + 24)
    for first in range(130, 133):
        beside(first, aanbieder_agb=rows[first]["aanbieder_agb"])
    for first in range(140, 143):
        beside(first, first_seen=TODAY - timedelta(days=4))
    return registration_frame(*rows), pair_frame(*pairs)


@pytest.fixture(scope="session")
def findings_of_season(registration_frame, pair_frame, rules) -> tuple[Findings, pd.DataFrame]:
    """Six weeks of nights, in which some doubles appear later and some are settled."""
    registrations, pairs = season(registration_frame, pair_frame)
    previous = None
    for days, share, gone in ((40, 0.3, set()), (20, 0.5, {3, 4}), (10, 0.7, {3, 4, 5}), (1, 0.9, {3, 4, 5, 6, 7}), (0, 1.0, {3, 4, 5, 6, 7, 8})):  # fmt: skip  # noqa: E501
        seen = pairs[(pairs.index % 10 < share * 10) & ~pairs["left"].isin(gone)]
        previous = find(registrations, seen, rules, today=TODAY - timedelta(days=days), previous=previous)
    assert previous is not None
    return previous, registrations


@pytest.fixture(scope="session")
def night(findings_of_season) -> Night:
    findings, registrations = findings_of_season
    contracts = pd.DataFrame({"ksv": ["KSV01"] * 2 + ["KSV02"], "aanbieder_agb": [AGB[0], AGB[9], AGB[1]]})
    history = pd.DataFrame(
        [
            {"ksv": ksv, "day": TODAY - timedelta(days=days), "open": 30 - days % 7 + days // 4}
            for ksv in KSVS
            for days in range(20, 0, -1)
        ]
    )
    return prepare(
        findings, registrations, provider_frame(), today=TODAY, contracts=contracts.assign(naam=""), history=history
    )


@pytest.fixture(scope="session")
def report(night) -> KsvReport:
    return build(night, "KSV01", KSVS["KSV01"])


@pytest.fixture(scope="session")
def insurer_report(night, findings_of_season) -> InsurerReport:
    return build_insurer(night, findings_of_season[0], insurer="3311", month="2026-11", ksv_names=KSVS)


@pytest.fixture(scope="session")
def providers() -> pd.DataFrame:
    return provider_frame()


@pytest.fixture
def today() -> date:
    return TODAY
