"""The four-digit postcodes that women live in, and the KSV that each belongs to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.lab.simulate.columns import Numbers
from dedup.lab.simulate.postcodes import postcode_weights
from dedup.regions import COLUMNS, Regions, read_regions
from dedup.settings import find_config_dir, load_settings


@dataclass(frozen=True, slots=True)
class Postcodes:
    """The inhabited four-digit postcodes of some KSVs: `pc4`, the index of its KSV, and its share of the women."""

    pc4: Numbers
    ksv: Numbers
    share: NDArray[np.float64]

    def draw(self, rng: np.random.Generator, rows: int) -> Numbers:
        """Return the position of a postcode for each of `rows` women."""
        return rng.choice(len(self.pc4), size=rows, p=self.share)


@cache
def national_regions() -> Regions:
    """Return the region table of the installation's own config folder."""
    return read_regions(load_settings(find_config_dir(None, os.environ, Path.cwd())).regions_path)


def ksv_codes(regions: Regions) -> tuple[str, ...]:
    """Return the codes of all KSVs, each once, in the order of their first postcode; the simulator's KSV indices."""
    return tuple(dict.fromkeys(regions.ksv))


def choose_postcodes(rng: np.random.Generator, regions: Regions, ksvs: int) -> Postcodes:
    """Return the inhabited postcodes of `ksvs` KSVs that follow one another, of all where there are as many.

    Neighbours, so that a provider can work in two of them and a woman can move from one to the other.
    """
    codes = ksv_codes(regions)
    start = int(rng.integers(len(codes) - ksvs + 1))
    chosen = {code: index for index, code in enumerate(codes) if start <= index < start + ksvs}
    ranges = [
        (np.arange(first, last + 1), chosen[ksv])
        for first, last, ksv in zip(regions.first, regions.last, regions.ksv, strict=True)
        if ksv in chosen
    ]
    pc4 = np.concatenate([numbers for numbers, _ in ranges])
    owner = np.concatenate([np.full(len(numbers), ksv) for numbers, ksv in ranges])
    weight = postcode_weights(pc4)
    for ksv in chosen.values():
        if not weight[owner == ksv].any():
            weight[owner == ksv] = 1.0  # a small region without any village on the map: a thousand people a postcode
    lived_in = weight > 0
    return Postcodes(pc4=pc4[lived_in], ksv=owner[lived_in], share=weight[lived_in] / weight.sum())


def regions_table(regions: Regions) -> pd.DataFrame:
    """Return the region table as a frame of strings, as its file holds it."""
    lines = [
        (f"{first:04d}", f"{last:04d}", ksv, regions.names[ksv])
        for first, last, ksv in zip(regions.first, regions.last, regions.ksv, strict=True)
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))
