"""Singling out: how many registrations are alone, or nearly so, in what a bundle and the attribute store say in clear.

Nothing is attacked here. Whoever knows the same attributes of a woman from elsewhere (her KSV, when she is due, where
she registered) finds her row by them, if no other row has the same. Every further attribute makes more rows unique.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.fields import ATTRIBUTES
from dedup.lab.attack import AttackError
from dedup.lab.attack.counted import Count, require_control, result
from dedup.lab.attack.population import Population

BASE = ("ksv", "edd_week", "aanbieder_agb")
# A random number that only its provider can read, and what is the same for a provider's every row.
NOT_KNOWN = ("registratie_id", "schema_versie", "bronsysteem")
FEW = 3
# What an attribute could be coarsened to, by whole division: four weeks, sixteen hours.
COARSER = {
    "inschrijf_week by 4 weeks": ("inschrijf_week", 4),
    "indicatie_uren by 16 hours": ("indicatie_uren", 16),
    "toegezegde_uren by 16 hours": ("toegezegde_uren", 16),
}
# What a clear extract would give away, and must be found to: the whole birth date with the postcode.
CONTROL = ("birth_date", "pc6")
CONTROL_SHARE = 0.95


def quasi_attack(population: Population) -> list[dict[str, Any]]:
    """Return one line per set of attributes: the base, the base and each other one, all, all but each, coarser.

    `ours.reidentified` counts unique registrations, `few` those in groups of three or fewer. Raises `AttackError`
    (`attack.control-failed`; `attack.no-attributes` for a population without clear attributes).
    """
    clear = population.table.clear
    if clear is None:
        raise AttackError("attack.no-attributes", "This population has no clear attributes to single anybody out by.")
    n = len(population)
    control = require_control(_control(population), CONTROL_SHARE, "birth date and postcode in clear")
    others = [name for name in ATTRIBUTES if name not in BASE and name not in NOT_KNOWN]
    every = (*BASE, *others)
    sets = {" + ".join(BASE[:2]): BASE[:2], " + ".join(BASE): BASE}
    sets |= {f"and {name}": (*BASE, name) for name in others} | {"all": every}
    sets |= {f"all but {left}": tuple(name for name in every if name != left) for left in every}
    sets |= {f"and {name}": (*BASE, name) for name in COARSER} | {"all, coarser": _coarser_set(every)}
    codes = pd.DataFrame({name: pd.factorize(clear[name])[0] for name in every})
    for name, (source, width) in COARSER.items():
        codes[name] = clear[source] // width
    lines = []
    for called, names in sets.items():
        sizes = _group_sizes(codes[list(names)])
        few = Count(int((sizes <= FEW).sum()), n)
        lines.append(
            result(
                form="bundle|store",
                people=n,
                overlap=1.0,
                chance=0.0,
                control=control,
                ours=Count(int((sizes == 1).sum()), n),
                name=called,
                attributes=list(names),
                few={"registrations": few.right, "share": round(few.share, 6)},
            )
        )
    return lines


def _coarser_set(names: tuple[str, ...]) -> tuple[str, ...]:
    replacement = {source: name for name, (source, _) in COARSER.items()}
    return tuple(replacement.get(name, name) for name in names)


def _control(population: Population) -> Count:
    """Return how many registrations are unique by birth date and postcode, of those of women registered once."""
    sizes = _group_sizes(pd.DataFrame({name: _first_values(population, name) for name in CONTROL}))
    once = _group_sizes(pd.DataFrame({"woman": population.woman})) == 1
    return Count(int((sizes[once] == 1).sum()), int(once.sum()))


def _group_sizes(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return int64[n]: how many rows have the same values as each row."""
    columns = list(frame.columns)
    return frame.groupby(columns, sort=False, dropna=False)[columns[0]].transform("size").to_numpy(np.int64)


def _first_values(population: Population, attribute: str) -> NDArray[np.int32]:
    """Return int32[n]: the number of each record's first value of an attribute, -1 where it has none."""
    values = population.table.attributes[attribute]
    has = np.diff(values.offsets) > 0
    first = np.full(len(population), -1, np.int32)
    first[has] = values.codes[values.offsets[:-1][has]]
    return first
