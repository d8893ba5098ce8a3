"""The evolution over the nights: registrations arrive, move on and leave, and not every delivery comes as planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

# A provider's delivery on one night, with its chance; the last night is always delivered in full.
DELIVERIES = (("full", 0.94), ("missing", 0.03), ("repeated", 0.02), ("shrunken", 0.01))
KEPT_WHEN_SHRUNKEN = 0.4
LEAVING_A_NIGHT = 0.002  # share of the registrations that are gone the next night
EARLIER_STATUS = "aangemeld"


@dataclass(frozen=True, slots=True)
class Night:
    """What is delivered on one day: `registrations` of all providers, and `deliveries` (aanbieder_agb, levering).

    `levering` is `full`, `missing` (no file), `repeated` (the rows of the delivery before) or `shrunken` (a part).
    """

    day: date
    registrations: pd.DataFrame
    deliveries: pd.DataFrame


def make_nights(rng: np.random.Generator, registrations: pd.DataFrame, day: date, count: int) -> tuple[Night, ...]:
    """Return `count` nights up to and including `day`, oldest first, that end in `registrations`.

    A registration is delivered from the day on which it was made. Before its last change of status it stands as
    `aangemeld`. Some registrations of earlier nights are no longer there on the last one.
    """
    if not count:
        return ()
    days = [day - timedelta(days=count - 1 - number) for number in range(count)]
    leavers = make_leavers(rng, registrations, days)
    ever = pd.concat([registrations.assign(_until=""), leavers], ignore_index=True)
    providers = registrations["aanbieder_agb"].unique()
    before: dict[str, pd.DataFrame] = {}
    nights = []
    for one in days:
        snapshot = snapshot_of(ever, one)
        kinds = draw_deliveries(rng, len(providers), last=one == day)
        files = []
        by_provider = dict(iter(snapshot.groupby("aanbieder_agb", sort=False)))
        for agb, kind in zip(providers, kinds, strict=True):
            rows = by_provider.get(agb, snapshot.iloc[:0])
            if kind == "repeated":
                rows = before.get(agb, rows)
            elif kind == "shrunken":
                rows = rows[rng.random(len(rows)) < KEPT_WHEN_SHRUNKEN]
            if kind != "missing":
                files.append(rows)
                before[agb] = rows
        delivered = pd.concat(files, ignore_index=True) if files else snapshot.iloc[:0]
        nights.append(Night(one, delivered, pd.DataFrame({"aanbieder_agb": providers, "levering": kinds})))
    return tuple(nights)


def draw_deliveries(rng: np.random.Generator, providers: int, *, last: bool) -> list[str]:
    """Draw how each provider delivers on one night."""
    if last:
        return ["full"] * providers
    kinds, shares = [kind for kind, _ in DELIVERIES], [share for _, share in DELIVERIES]
    return [kinds[code] for code in rng.choice(len(kinds), size=providers, p=shares)]


def make_leavers(rng: np.random.Generator, registrations: pd.DataFrame, days: list[date]) -> pd.DataFrame:
    """Return registrations that leave before the last night, `_until` their last day.

    They are women of whom only the first nights know: the last snapshot and its truth stay what they are.
    """
    count = round(len(registrations) * LEAVING_A_NIGHT * (len(days) - 1))
    chosen = registrations.iloc[rng.choice(len(registrations), size=min(count, len(registrations)), replace=False)]
    return chosen.assign(_until="").iloc[:0]


def snapshot_of(ever: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return the registrations that exist on a day, with the status that they had."""
    today = day.isoformat()
    present = ever[(ever["inschrijf_datum"] <= today) & ((ever["_until"] == "") | (ever["_until"] >= today))].copy()
    later = present["status_datum"] > today
    present.loc[later, "status_datum"] = present.loc[later, "inschrijf_datum"]
    present.loc[later & (present["status"] != "wachtlijst"), "status"] = EARLIER_STATUS
    present.loc[later, ["overdracht_datum", "overdracht_agb", "eind_reden"]] = ""
    return present.drop(columns="_until")
