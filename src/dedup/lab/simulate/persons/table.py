"""A made-up person table with its truth, and what its makers share: chances, dates as text, shuffled rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class PersonTable:
    """`rows` has an `id` and one text column per field ("" missing); `truth` registratie_id, vrouw and soort.

    `soort` says what is special about the person of a row, `basis` where nothing is.
    """

    rows: pd.DataFrame
    truth: pd.DataFrame


def in_random_order(
    rng: np.random.Generator, rows: Sequence[Row], persons: Sequence[int], kinds: Sequence[str]
) -> PersonTable:
    """Shuffle the rows and give them ids that say nothing; `persons` and `kinds` go with the rows."""
    order = rng.permutation(len(rows))
    # Person numbers are shuffled too: families lie beside one another in them.
    other_number = rng.permutation(max(persons) + 1)
    table = pd.DataFrame(rows).iloc[order].reset_index(drop=True)
    ids = [f"R{number:07d}" for number in range(len(rows))]
    table.insert(0, "id", ids)
    truth = pd.DataFrame(
        {
            "registratie_id": ids,
            "vrouw": [f"P{other_number[persons[place]]:06d}" for place in order],
            "soort": [kinds[place] for place in order],
        }
    )
    return PersonTable(table, truth)


class Dice:
    """One stream of randomness with the throws that the makers need, row by row."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def happens(self, chance: float) -> bool:
        """Return whether something of this chance happens."""
        return bool(self._rng.random() < chance)

    def number(self, low: int, high: int) -> int:
        """Return a whole number from `low` up to but not including `high`."""
        return int(self._rng.integers(low, high))

    def one_of(self, choices: Sequence[str]) -> str:
        """Return one of the choices, each as likely."""
        return choices[self.number(0, len(choices))]

    def factor(self, shape: float) -> float:
        """Return a gamma factor with mean 1: how careless somebody is."""
        return float(self._rng.gamma(shape) / shape)

    def day(self, first_year: int, last_year: int) -> str:
        """Return a day as YYYY-MM-DD, from the first year up to and including the last."""
        days = np.datetime64(f"{self.number(first_year, last_year + 1)}-01-01") + self.number(0, 365)
        return str(days)
