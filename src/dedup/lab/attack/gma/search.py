"""Searches for the rotation that lays one cloud onto another: many beginnings, and the best crossed with each other.

Turns of pairing and rotating end where a cloud lies well in some directions and is mirrored in others. Ends differ in
what they have right and in what they have wrong, and the cost of an end falls with every direction that is right; so
the mean of two good ends, settled again, is often better than both. That is an evolutionary search with a population
in which no two are alike. It needs no truth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dedup.lab.attack.gma.components import guessed_rotation
from dedup.lab.attack.gma.embedding import Matrix
from dedup.lab.attack.gma.transport import Clouds, rotation, settle, transport

DIMENSIONS = 32
BEGINNINGS = 24
AFRESH = 4  # of so many later tries one begins afresh, the others cross what was found
BATCH = 24  # after so many tries the best is shown, to see whether it already tells who is who
POPULATION = 10
ALIKE = 0.8  # two rotations that agree so far are one and the same
FIRST_BLUR = np.geomspace(0.15, 0.05, 10)
MIRRORED_BLUR = np.geomspace(0.3, 0.05, 10)
MIDDLE_BLUR = np.geomspace(0.1, 0.05, 6)
LAST_BLUR = np.geomspace(0.1, 0.03, 12)
FEW_DIMENSIONS = (8, 12, 16)  # in which components are looked for
MIRRORED_DIMENSIONS = 6  # in which mirror images are tried out
SHARP = 0.03

End = tuple[float, Matrix]  # the cost where a try ended, and its rotation


def searched_rotations(clouds: Clouds, rng: np.random.Generator) -> Iterator[Matrix]:
    """Yield float32[DIMENSIONS, DIMENSIONS], the best rotation after the first beginning, then after every batch."""
    full = clouds.cut(DIMENSIONS)
    ends: list[End] = []
    number = 0
    while True:
        for _ in range(BATCH if number else 1):
            begins = number < BEGINNINGS or number % AFRESH == 0 or len(ends) < 2
            ends = _with(ends, _begun(clouds, full, number, rng) if begins else _crossed(full, ends, rng))
            number += 1
        yield ends[0][1]


def _begun(clouds: Clouds, full: Clouds, number: int, rng: np.random.Generator) -> End:
    """Begin with what the profiles say, then with components or with mirror images of the clouds."""
    if number == 0:
        plan, _ = transport(clouds.by_profile, SHARP)
    elif rng.random() < 0.5:
        few = clouds.cut(int(rng.choice(FEW_DIMENSIONS)))
        guess = guessed_rotation(few.encoded, few.known, rng)
        plan = settle(few, transport(few.costs(guess), FIRST_BLUR[0])[0], FIRST_BLUR).plan
    else:
        few = clouds.cut(MIRRORED_DIMENSIONS)
        mirror = np.diag(rng.choice([-1, 1], few.known.shape[1])).astype(np.float32)
        plan = settle(few, transport(few.costs(mirror), MIRRORED_BLUR[0])[0], MIRRORED_BLUR).plan
        plan = settle(clouds.cut(2 * MIRRORED_DIMENSIONS), plan, MIDDLE_BLUR).plan
    end = settle(full, plan, LAST_BLUR)
    return end.cost, end.turned


def _crossed(full: Clouds, ends: list[End], rng: np.random.Generator) -> End:
    """Settle the mean of two or three ends."""
    parents = rng.choice(len(ends), min(len(ends), int(rng.integers(2, 4))), replace=False)
    mean = rotation(np.sum([ends[parent][1] for parent in parents], axis=0))
    end = settle(full, transport(full.costs(mean), LAST_BLUR[0])[0], LAST_BLUR)
    return end.cost, end.turned


def _with(ends: list[End], new: End) -> list[End]:
    """Return the population with a new end, cheapest first: of ends that are alike only the cheapest stays."""
    alike = [end for end in ends if np.vdot(end[1], new[1]) / len(new[1]) > ALIKE]
    if any(end[0] <= new[0] for end in alike):
        return ends
    others = [end for end in ends if all(end is not one for one in alike)]
    return sorted([*others, new], key=lambda end: end[0])[:POPULATION]
