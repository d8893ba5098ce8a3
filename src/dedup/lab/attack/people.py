"""Made-up people for attacks, and what an attacker knows of them: a clear table that shares some of the people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from dedup.extract.coded import columns_of
from dedup.extract.normalise import normalise
from dedup.extract.values import NormalisedTable
from dedup.lab.attack import AttackError
from dedup.lab.simulate import SimulationSettings, generate
from dedup.lab.simulate.columns import Numbers
from dedup.lab.simulate.kinds import BASE
from dedup.model.linkage import LinkageModel
from dedup.regions import read_regions
from dedup.weeks import MISSING_WEEK

# A simulation holds look-alikes and legitimate doubles beside its first registrations; this many more are asked for.
_SPARE = 1.2


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """Who was encoded and whom the attacker knows.

    `encoded` and `known` are frames of clear registrations, one row a person, in two unrelated random orders. `truth`
    is int64[known]: the row in `encoded` of each known person, -1 for who was not encoded.
    """

    encoded: pd.DataFrame
    known: pd.DataFrame
    truth: Numbers

    @property
    def shared(self) -> int:
        """The number of people who are in both."""
        return int((self.truth >= 0).sum())


def draw_people(count: int, *, seed: int, day: date, config: Path) -> pd.DataFrame:
    """Return clear registrations of `count` made-up women, one each, as their providers' packages write them.

    The same seed and day give the same people. Raises `AttackError` (`attack.too-few-people`) below ten.
    """
    if count < 10:
        raise AttackError("attack.too-few-people", "An attack needs at least ten people.")
    simulation = generate(
        SimulationSettings(
            registrations=max(100, round(count * _SPARE)),
            doubles=0.0,
            seed=seed,
            day=day,
            regions=read_regions(config / "regions.csv"),
        )
    )
    first = simulation.registrations[(simulation.truth["soort"] == BASE).to_numpy()]
    chosen = np.random.default_rng(seed).permutation(len(first))[:count]
    return first.iloc[chosen].reset_index(drop=True)


def acquaint(people: pd.DataFrame, overlap: float, rng: np.random.Generator) -> Acquaintance:
    """Return an attacker who knows exactly what was typed of a share `overlap` of the people who were encoded.

    Both sides have as many rows, the largest number for which `people` suffice; the attacker's other rows are people
    who were never encoded.
    """
    size = int(len(people) / (2 - overlap))
    shared = round(size * overlap)
    order = rng.permutation(len(people))
    encoded, known = order[:size], order[size - shared : 2 * size - shared]
    encoded, known = rng.permutation(encoded), rng.permutation(known)
    place = np.full(len(people), -1)
    place[encoded] = np.arange(size)
    return Acquaintance(
        encoded=people.iloc[encoded].reset_index(drop=True),
        known=people.iloc[known].reset_index(drop=True),
        truth=place[known],
    )


def normalised(people: pd.DataFrame, model: LinkageModel) -> NormalisedTable:
    """Return the rows as the encoder takes them, in their order, without EDD weeks or clear attributes."""
    return NormalisedTable(
        ids=tuple(f"{row:09d}" for row in range(len(people))),
        attributes=normalise(columns_of(people), model),
        edd_week=np.full(len(people), MISSING_WEEK, np.int32),
        clear=None,
    )
