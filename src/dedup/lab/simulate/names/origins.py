"""The origins of the mothers: how many there are of each, and what their names and birth dates are like."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from dedup.lab.simulate.names import dutch, moroccan, other, polish, turkish
from dedup.lab.simulate.names.pools import NamePool


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin group, `groep` in the truth.

    `share` of the mothers; `given`, `surnames` and `husbands`: the names; `partnered`: share that is married or
    registered with a partner; `own_group`: share of the partners of the same origin (the others are Dutch);
    `second_name` and `double_name`: share with a second given name, and with a hyphenated one; `unknown_birthday`:
    share whose birth date was entered as 1 January or 1 July; `usage`: shares of naamgebruik NL1 to NL4 among the
    partnered.
    """

    name: str
    share: float
    given: NamePool
    surnames: NamePool
    husbands: NamePool
    partnered: float
    own_group: float
    second_name: float
    double_name: float
    unknown_birthday: float
    usage: tuple[float, float, float, float]


@cache
def origins() -> tuple[Origin, ...]:
    """Return every origin; the shares add up to one. Partnered: 58 % of all mothers are married or registered."""
    dutch_surnames, turkish_surnames, moroccan_surnames = dutch.surnames(), turkish.surnames(), moroccan.surnames()
    other_surnames = other.surnames()
    return (
        Origin("nederlands", 0.70, dutch.given_names(), dutch_surnames, dutch_surnames,
               0.56, 0.93, 0.52, 0.03, 0.000, (0.38, 0.14, 0.42, 0.06)),
        Origin("turks", 0.06, turkish.given_names(), turkish_surnames, turkish_surnames,
               0.76, 0.90, 0.08, 0.02, 0.020, (0.20, 0.52, 0.24, 0.04)),
        Origin("marokkaans", 0.07, moroccan.given_names(), moroccan_surnames, moroccan_surnames,
               0.74, 0.92, 0.04, 0.03, 0.030, (0.80, 0.06, 0.12, 0.02)),
        Origin("pools", 0.04, polish.given_names(), polish.surnames(), polish.husbands_surnames(),
               0.50, 0.72, 0.20, 0.00, 0.000, (0.30, 0.56, 0.10, 0.04)),
        Origin("overig", 0.13, other.given_names(), other_surnames, other_surnames,
               0.56, 0.70, 0.30, 0.03, 0.070, (0.62, 0.16, 0.18, 0.04)),
    )  # fmt: skip
