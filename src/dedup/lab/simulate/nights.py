"""The evolution over the nights: registrations arrive, move on and leave, and not every delivery comes as planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from dedup.lab.simulate.columns import Days, Numbers

# How a provider delivers on one night, with its chance; on the last night everybody delivers in full.
DELIVERIES = (("full", 0.93), ("late", 0.02), ("missing", 0.02), ("repeated", 0.02), ("shrunken", 0.01))
KEPT_WHEN_SHRUNKEN = 0.4
LEAVING_A_NIGHT = 0.003  # chance that a registration is gone the next night
SETTLED_A_NIGHT = 0.015  # the same for a double: somebody asked the client
EARLIER_STATUS = "aangemeld"
STAYS = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Night:
    """What is delivered on one day: `registrations` of all providers, and `deliveries` (aanbieder_agb, levering).

    `levering` is `full`, `late` (the snapshot of the day before), `missing` (no file), `repeated` (the rows of the
    delivery before) or `shrunken` (a part of the rows).
    """

    day: date
    registrations: pd.DataFrame
    deliveries: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one provider delivers: the rows of all registrations that ever were, as they stood on a day."""

    as_of: int
    rows: Numbers


def nights_up_to(day: date, count: int) -> list[date]:
    """Return `count` days up to and including `day`, oldest first."""
    return [day - timedelta(days=count - 1 - number) for number in range(count)]


def draw_last_days(rng: np.random.Generator, ever: pd.DataFrame, kind: pd.Series, days: list[date]) -> Days:
    """Draw for each registration the last day on which it is delivered, `STAYS` for those that are there at the end."""
    last = np.full(len(ever), STAYS, dtype=np.int64)
    if len(days) < 2:
        return last
    chance = np.where(kind == "dubbel", SETTLED_A_NIGHT, LEAVING_A_NIGHT)
    nights_there = np.floor(np.log1p(-rng.random(len(ever))) / np.log1p(-chance)).astype(np.int64)
    until = day_number(days[0]) + nights_there
    leaves = (until < day_number(days[-1])) & (until >= day_numbers(ever["inschrijf_datum"]))
    last[leaves] = until[leaves]
    return last


def make_nights(rng: np.random.Generator, ever: pd.DataFrame, last_days: Days, days: list[date]) -> tuple[Night, ...]:
    """Return what is delivered on each of the days, the last of them in full.

    A registration is delivered from the day on which it was made up to its last day. Before its change of status it
    stands as `aangemeld`.
    """
    made = day_numbers(ever["inschrijf_datum"])
    own_rows = {str(agb): np.sort(rows) for agb, rows in ever.groupby("aanbieder_agb", sort=True).indices.items()}
    before: dict[str, Delivery] = {}
    nights = []
    for day in days:
        kinds = draw_deliveries(rng, len(own_rows), last=day == days[-1])
        delivered = []
        for (agb, rows), kind in zip(own_rows.items(), kinds, strict=True):
            as_of = day_number(day) - (kind == "late")
            delivery = Delivery(as_of, rows[(made[rows] <= as_of) & (last_days[rows] >= as_of)])
            if kind == "repeated":
                delivery = before.get(agb, delivery)
            elif kind == "shrunken":
                kept = rng.random(len(delivery.rows)) < KEPT_WHEN_SHRUNKEN
                delivery = Delivery(as_of, delivery.rows[kept])
            if kind != "missing":
                before[agb] = delivery
                delivered.append(delivery)
        table = pd.DataFrame({"aanbieder_agb": list(own_rows), "levering": kinds})
        nights.append(Night(day, as_delivered(ever, delivered), table))
    return tuple(nights)


def draw_deliveries(rng: np.random.Generator, providers: int, *, last: bool) -> list[str]:
    """Draw how each provider delivers on one night."""
    kinds, shares = [kind for kind, _ in DELIVERIES], [share for _, share in DELIVERIES]
    drawn = rng.choice(len(kinds), size=providers, p=shares)
    return ["full"] * providers if last else [kinds[code] for code in drawn]


def as_delivered(ever: pd.DataFrame, deliveries: list[Delivery]) -> pd.DataFrame:
    """Return the delivered registrations with the status that they had on the day of their snapshot."""
    rows = np.concatenate([np.empty(0, dtype=np.int64), *(delivery.rows for delivery in deliveries)])
    each = [np.full(len(delivery.rows), delivery.as_of) for delivery in deliveries]
    as_of = np.concatenate([np.empty(0, dtype=np.int64), *each])
    table: pd.DataFrame = ever.iloc[rows].reset_index(drop=True)
    later = day_numbers(table["status_datum"]) > as_of
    table.loc[later, "status_datum"] = table.loc[later, "inschrijf_datum"]
    table.loc[later & (table["status"] != "wachtlijst"), "status"] = EARLIER_STATUS
    table.loc[later, ["overdracht_datum", "overdracht_agb", "eind_reden"]] = ""
    return table


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def day_numbers(iso: pd.Series) -> Days:
    """Return ISO dates as days since 1970-01-01."""
    return iso.to_numpy().astype("datetime64[D]").astype(np.int64)
