"""Lists of names to draw from, the common ones often and the rare ones seldom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.lab.simulate.columns import Numbers, Texts, texts


def words(text: str) -> list[str]:
    """Return the words of a text: a list that reads as one."""
    return text.split()


def listed(text: str) -> list[str]:
    """Return what commas part, without the line breaks."""
    return text.strip().replace("\n", "").split(",")


# What can stand before a surname and is kept apart from it.
PREFIX_WORDS = frozenset(
    words(
        "van von de den der het ten ter te tot 't 's d' in op aan bij uit voor la le du el al ben bin ait aït bou abou "
        "abu da dos do oulad"
    )
)


@dataclass(frozen=True, slots=True)
class NamePool:
    """Distinct names, each with its prefix ("" where it has none), and the cumulative share of their bearers."""

    prefixes: Texts
    names: Texts
    cumulative: NDArray[np.float64]

    def draw(self, rng: np.random.Generator, rows: int) -> Numbers:
        """Return the positions of `rows` names, each drawn with its own share."""
        found: Numbers = np.searchsorted(self.cumulative, rng.random(rows) * self.cumulative[-1], side="right")
        return found


def split_prefix(surname: str) -> tuple[str, str]:
    """Split what stands before a surname from it: `van den Berg` is (`van den`, `Berg`)."""
    parts = surname.split(" ")
    kept = 0
    while kept < len(parts) - 1 and parts[kept].lower() in PREFIX_WORDS:
        kept += 1
    return " ".join(parts[:kept]), " ".join(parts[kept:])


def pool(*parts: tuple[float, Sequence[str], float]) -> NamePool:
    """Mix lists into one pool; each part is (share of all bearers, names from common to rare, exponent of Zipf).

    The bearers of the r-th name of a part are in proportion to 1 / (r + 3) ** exponent; a name in several parts, or
    twice in one, adds up.
    """
    weight: dict[str, float] = {}
    for share, names, exponent in parts:
        by_rank = (np.arange(len(names)) + 4.0) ** -exponent
        for name, one in zip(names, share * by_rank / by_rank.sum(), strict=True):
            weight[name] = weight.get(name, 0.0) + float(one)
    pairs = [split_prefix(name) for name in weight]
    return NamePool(
        prefixes=texts(prefix for prefix, _ in pairs),
        names=texts(name for _, name in pairs),
        cumulative=np.cumsum(list(weight.values())),
    )


def compounds(firsts: str, seconds: str, *, before: Sequence[str] = ("",)) -> list[str]:
    """Return every first part joined to every second part in a mixed but fixed order, prefixes dealt out in turn.

    Surnames have a long tail that no list holds; compounds of the words they are built from stand in for it.
    """
    joined = [first + second for first in firsts.split() for second in seconds.split() if first[-1] != second[0]]
    order = np.random.Generator(np.random.PCG64(len(joined))).permutation(len(joined))
    mixed = [joined[position] for position in order]
    return [f"{before[rank % len(before)]} {name}".strip() for rank, name in enumerate(mixed)]


def single_words(names: Iterable[str]) -> list[str]:
    """Return the names that are one word after their prefix, each once, in a mixed but fixed order.

    Lists in alphabetical order would make the A common and the Z rare; lists with medieval bynames need a sieve.
    """
    kept = sorted({name for name in names if " " not in split_prefix(name)[1]})
    order = np.random.Generator(np.random.PCG64(len(kept))).permutation(len(kept))
    return [kept[position] for position in order]
