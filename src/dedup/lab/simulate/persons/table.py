"""A made-up person table with its truth, and what its makers share: chances, changed texts, rows in random order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd

from dedup.lab.simulate.names.pools import NamePool

Row = dict[str, str]
T = TypeVar("T")


class Person(Protocol):
    """Somebody of whom rows are written."""

    @property
    def kind(self) -> str:
        """Return what is special about this person, `basis` where nothing is."""


P = TypeVar("P", bound=Person)


@dataclass(frozen=True, slots=True)
class PersonTable:
    """`rows` has an `id` and one text column per field ("" missing); `truth` registratie_id, vrouw and soort.

    `soort` says what is special about the person of a row, `basis` where nothing is.
    """

    rows: pd.DataFrame
    truth: pd.DataFrame


def written_down(
    rng: np.random.Generator,
    persons: int,
    *,
    household: Callable[[], Sequence[P]],
    copies: Callable[[], int],
    row: Callable[[P], Row],
) -> PersonTable:
    """Make households until there are `persons` people, and write of each as many rows as `copies` says."""
    people: list[P] = []
    while len(people) < persons:
        people += household()
    rows: list[Row] = []
    of: list[int] = []
    kinds: list[str] = []
    for number, person in enumerate(people[:persons]):
        times = copies()
        rows += [row(person) for _ in range(times)]
        of += [number] * times
        kinds += [person.kind] * times
    return _in_random_order(rng, rows, of, kinds)


def _in_random_order(
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


def ways_to_change(text: str, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what of the text can be replaced by what: the pairs that apply to it, either way round."""
    return [(old, new) for one, two in pairs for old, new in ((one, two), (two, one)) if old in text]


def day_and_month_exchanged(day: str) -> str:
    """Return YYYY-MM-DD as YYYY-DD-MM, which is a date up to the twelfth of a month."""
    return f"{day[:4]}-{day[8:]}-{day[5:7]}"


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

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of the choices, each as likely."""
        return choices[self.number(0, len(choices))]

    def name(self, names: NamePool) -> str:
        """Return a name, common ones often."""
        return str(names.names[int(names.draw(self._rng, 1)[0])])

    def factor(self, shape: float) -> float:
        """Return a gamma factor with mean 1: how careless somebody is."""
        return float(self._rng.gamma(shape) / shape)

    def day(self, first_year: int, last_year: int) -> str:
        """Return a day as YYYY-MM-DD, from the first year up to and including the last."""
        days = np.datetime64(f"{self.number(first_year, last_year + 1)}-01-01") + self.number(0, 365)
        return str(days)
