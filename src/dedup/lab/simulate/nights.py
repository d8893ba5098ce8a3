"""The evolution over the nights: registrations arrive, move on and leave, and not every delivery comes as planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from dedup.lab.simulate.columns import Texts, empty_texts, texts

# How a provider delivers on one night, with its chance; on the last night everybody delivers in full.
DELIVERIES = (("full", 0.93), ("late", 0.02), ("missing", 0.02), ("repeated", 0.02), ("shrunken", 0.01))
KEPT_WHEN_SHRUNKEN = 0.4
LEAVING_A_NIGHT = 0.003  # chance that a registration is gone the next night
SETTLED_A_NIGHT = 0.015  # the same for a double: somebody asked the client
EARLIER_STATUS = "aangemeld"
STAYS = ""


@dataclass(frozen=True, slots=True)
class Night:
    """What is delivered on one day: `registrations` of all providers, and `deliveries` (aanbieder_agb, levering).

    `levering` is `full`, `late` (the snapshot of the day before), `missing` (no file), `repeated` (the rows of the
    delivery before) or `shrunken` (a part of the rows).
    """

    day: date
    registrations: pd.DataFrame
    deliveries: pd.DataFrame


def draw_last_days(rng: np.random.Generator, ever: pd.DataFrame, kind: pd.Series, days: list[date]) -> Texts:
    """Draw for each registration the last day on which it is delivered, `STAYS` for those that are there at the end."""
    last = empty_texts(len(ever))
    if len(days) < 2:
        return last
    chance = np.where(kind == "dubbel", SETTLED_A_NIGHT, LEAVING_A_NIGHT)
    nights_there = np.floor(np.log1p(-rng.random(len(ever))) / np.log1p(-chance)).astype(np.int64)
    known = texts(day.isoformat() for day in days)
    leaving = np.flatnonzero(nights_there < len(days) - 1)
    last[leaving] = known[nights_there[leaving]]
    last[last < ever["inschrijf_datum"].to_numpy()] = STAYS
    return last


def nights_up_to(day: date, count: int) -> list[date]:
    """Return `count` days up to and including `day`, oldest first."""
    return [day - timedelta(days=count - 1 - number) for number in range(count)]


def make_nights(rng: np.random.Generator, ever: pd.DataFrame, last_days: Texts, days: list[date]) -> tuple[Night, ...]:
    """Return what is delivered on each of the days, the last of them in full.

    A registration is delivered from the day on which it was made up to its last day. Before its change of status it
    stands as `aangemeld`.
    """
    providers = ever["aanbieder_agb"].unique()
    before: dict[str, pd.DataFrame] = {}
    nights = []
    for day in days:
        kinds = draw_deliveries(rng, len(providers), last=day == days[-1])
        today, yesterday = (by_provider(snapshot_of(ever, last_days, one)) for one in (day, day - timedelta(days=1)))
        nothing = ever.iloc[:0]
        delivered = {}
        for agb, kind in zip(providers, kinds, strict=True):
            rows = today.get(agb, nothing)
            if kind == "late":
                rows = yesterday.get(agb, nothing)
            elif kind == "repeated":
                rows = before.get(agb, rows)
            elif kind == "shrunken":
                rows = rows[rng.random(len(rows)) < KEPT_WHEN_SHRUNKEN]
            if kind != "missing":
                delivered[agb] = before[agb] = rows
        nights.append(
            Night(
                day,
                pd.concat([nothing, *delivered.values()], ignore_index=True),
                pd.DataFrame({"aanbieder_agb": providers, "levering": kinds}),
            )
        )
    return tuple(nights)


def draw_deliveries(rng: np.random.Generator, providers: int, *, last: bool) -> list[str]:
    """Draw how each provider delivers on one night."""
    kinds, shares = [kind for kind, _ in DELIVERIES], [share for _, share in DELIVERIES]
    drawn = rng.choice(len(kinds), size=providers, p=shares)
    return ["full"] * providers if last else [kinds[code] for code in drawn]


def by_provider(snapshot: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each provider."""
    return {str(agb): rows for agb, rows in snapshot.groupby("aanbieder_agb", sort=False)}


def snapshot_of(ever: pd.DataFrame, last_days: Texts, day: date) -> pd.DataFrame:
    """Return the registrations that exist on a day, with the status that they had."""
    today = day.isoformat()
    made = (ever["inschrijf_datum"] <= today).to_numpy()
    present: pd.DataFrame = ever[made & ((last_days == STAYS) | (last_days >= today))].copy()
    later = present["status_datum"] > today
    present.loc[later, "status_datum"] = present.loc[later, "inschrijf_datum"]
    present.loc[later & (present["status"] != "wachtlijst"), "status"] = EARLIER_STATUS
    present.loc[later, ["overdracht_datum", "overdracht_agb", "eind_reden"]] = ""
    return present
