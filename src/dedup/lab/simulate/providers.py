"""The made-up providers: vendor, regions and size, and the contracts that the preferred insurers hold with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.lab.simulate.columns import Flags, Numbers, Texts, texts
from dedup.lab.simulate.names.pools import listed
from dedup.lab.simulate.regions import Postcodes, ksv_codes
from dedup.lab.simulate.vendors import VENDORS
from dedup.lab.simulate.women import INSURERS
from dedup.regions import Regions

SECOND_KSV = 0.45  # share of the providers that work in a neighbouring region too
STOPPING = 0.02  # share of the providers that are about to stop, one at least
SPREAD_OF_SIZE = 0.8  # of the logarithm: the largest tenth has some 30 % of the women
NOT_DELIVERING = 0.06  # contracted providers without any extract, as a share of those that deliver
AGB_RANGE = 41_990_000  # codes 4199xxxx
FIRST_WORDS = listed("De Linde,Het Nest,De Wieg,Ooievaar,Madelief,De Kleine Beer,Zonnekind,De Bron,Het Anker,Vlinder")
SECOND_WORDS = listed("Oost,West,Noord,Zuid,Midden,Plus,Samen,Thuis,en Co,Regionaal,Lokaal,Dichtbij")


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers that deliver an extract, by position.

    `home` and `second` are indices of KSVs in the region table (`second` is `home` for one that works in one only);
    `size` is the weight with which women come to it; `stopping` marks those on the stop list.
    """

    agb: Texts
    name: Texts
    vendor: Numbers
    home: Numbers
    second: Numbers
    size: NDArray[np.float64]
    stopping: Flags

    def serving(self, ksv: int) -> Flags:
        """Return which providers work in a KSV."""
        served: Flags = (self.home == ksv) | (self.second == ksv)
        return served

    def draw(self, rng: np.random.Generator, ksv: Numbers, *, stopping: bool = True) -> Numbers:
        """Draw a provider for each woman, from those that work in her KSV; without the stopping ones if asked."""
        chosen = np.zeros(len(ksv), dtype=np.int64)
        allowed = np.ones(len(self.agb), dtype=bool) if stopping else ~self.stopping
        for one in np.unique(ksv):
            weight = np.where(self.serving(int(one)) & allowed, self.size, 0.0)
            if not weight.any():
                weight = np.where(allowed, self.size, 0.0)
            here = ksv == one
            chosen[here] = rng.choice(len(weight), size=int(here.sum()), p=weight / weight.sum())
        return chosen

    def draw_anywhere(self, rng: np.random.Generator, rows: int) -> Numbers:
        """Draw providers from the whole simulation, without the stopping ones."""
        weight = np.where(self.stopping, 0.0, 1.0)
        return rng.choice(len(weight), size=rows, p=weight / weight.sum())

    def draw_other(self, rng: np.random.Generator, ksv: Numbers, taken: list[Numbers], elsewhere: float) -> Numbers:
        """Draw for each woman a provider that is none of `taken`, mostly in her KSV (a share `elsewhere` is not)."""
        chosen = self.draw(rng, ksv, stopping=False)
        far = rng.random(len(ksv)) < elsewhere
        chosen[far] = self.draw_anywhere(rng, int(far.sum()))
        for attempt in range(1_000):
            again = np.flatnonzero(np.any([chosen == other for other in taken], axis=0))
            if not len(again):
                break
            # A region with few providers runs out of them; then any other provider will do.
            near = attempt < 8
            chosen[again] = self.draw(rng, ksv[again], stopping=False) if near else self.draw_anywhere(rng, len(again))
        return chosen


def make_providers(rng: np.random.Generator, postcodes: Postcodes, count: int) -> Providers:
    """Make `count` providers; every KSV has one at home there as far as there are enough."""
    ksvs = np.unique(postcodes.ksv)
    people = np.array([postcodes.share[postcodes.ksv == ksv].sum() for ksv in ksvs])
    rest = rng.choice(len(ksvs), size=max(count - 2 * len(ksvs), 0), p=people)
    home = np.concatenate([np.arange(len(ksvs)), np.arange(len(ksvs)), rest])[:count]
    step = np.where(rng.random(count) < 0.5, 1, -1)
    neighbour = np.clip(home + step, 0, len(ksvs) - 1)
    second = np.where(rng.random(count) < SECOND_KSV, neighbour, home)
    stopping = np.zeros(count, dtype=bool)
    stopping[rng.permutation(count)[: max(1, round(STOPPING * count))]] = True
    # Every vendor has a provider at least; the others choose.
    chosen = rng.choice(len(VENDORS), size=count - len(VENDORS), p=[vendor.share for vendor in VENDORS])
    vendor = rng.permutation(np.concatenate([np.arange(len(VENDORS)), chosen]))
    pick = rng.permutation(count)
    return Providers(
        agb=texts(f"{AGB_RANGE + number:08d}" for number in rng.choice(10_000, size=count, replace=False).tolist()),
        name=texts(provider_name(number) for number in pick.tolist()),
        vendor=vendor,
        home=ksvs[home],
        second=ksvs[second],
        size=rng.lognormal(0.0, SPREAD_OF_SIZE, count),
        stopping=stopping,
    )


def provider_name(number: int) -> str:
    """Return a made-up name, another one for every number."""
    first, second = FIRST_WORDS[number % len(FIRST_WORDS)], SECOND_WORDS[number // len(FIRST_WORDS) % len(SECOND_WORDS)]
    round_ = number // (len(FIRST_WORDS) * len(SECOND_WORDS))
    return f"Kraamzorg {first} {second}" + (f" {round_ + 1}" if round_ else "")


def providers_table(providers: Providers, regions: Regions, day: date) -> pd.DataFrame:
    """Return aanbieder_agb, vendor, naam, ksv (its home), stopt_per (ISO date, empty for most)."""
    codes = ksv_codes(regions)
    stops = date(day.year + day.month // 12, day.month % 12 + 1, 1).isoformat()
    return pd.DataFrame(
        {
            "aanbieder_agb": providers.agb,
            "vendor": [VENDORS[code].code for code in providers.vendor],
            "naam": providers.name,
            "ksv": [codes[code] for code in providers.home],
            "stopt_per": np.where(providers.stopping, stops, ""),
        }
    ).sort_values("aanbieder_agb", ignore_index=True)


def contracts_table(rng: np.random.Generator, providers: Providers, regions: Regions, day: date) -> pd.DataFrame:
    """Return ksv, aanbieder_agb, naam, verzekeraar (uzovi), van, tot: who is contracted in which KSV.

    A few contracted providers deliver no extract: the coverage that a report has to show as missing.
    """
    codes = ksv_codes(regions)
    preferred = rng.choice([code for code, _ in INSURERS[:6]], size=len(codes))
    lines = [
        (int(ksv), agb, name)
        for agb, name, home, second in zip(providers.agb, providers.name, providers.home, providers.second, strict=True)
        for ksv in dict.fromkeys((home, second))
    ]
    missing = max(1, round(NOT_DELIVERING * len(providers.agb)))
    lines += [
        (int(ksv), f"{AGB_RANGE - 1 - number:08d}", f"Kraamzorg zelfstandig {number + 1}")
        for number, ksv in enumerate(rng.choice(providers.home, size=missing))
    ]
    table = pd.DataFrame(
        {
            "ksv": [codes[ksv] for ksv, _, _ in lines],
            "aanbieder_agb": [agb for _, agb, _ in lines],
            "naam": [name for _, _, name in lines],
            "verzekeraar": [preferred[ksv] for ksv, _, _ in lines],
            "van": f"{day.year}-01-01",
            "tot": f"{day.year}-12-31",
        }
    )
    return table.sort_values(["ksv", "aanbieder_agb"], ignore_index=True)
