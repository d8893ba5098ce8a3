"""The public table of KSV regions, and the four-digit postcodes that women live in."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ConfigError
from dedup.lab.simulate.columns import Numbers
from dedup.lab.simulate.postcodes import postcode_weights
from dedup.settings import find_config_dir, load_settings

REGION_COLUMNS = ("pc4_from", "pc4_to", "ksv", "ksv_naam")


@dataclass(frozen=True, slots=True)
class Region:
    """One line of the table: the postcodes from `first` up to and including `last` belong to the KSV."""

    first: int
    last: int
    ksv: str
    name: str


@dataclass(frozen=True, slots=True)
class Regions:
    """The whole table, in the order of its postcodes."""

    lines: tuple[Region, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of all KSVs, each once, in the order of their first postcode."""
        return tuple(dict.fromkeys(line.ksv for line in self.lines))

    def ksv_of(self, pc4: Numbers) -> NDArray[np.int64]:
        """Return for each postcode the index of its KSV in `codes`; every postcode must be in the table."""
        position = {code: index for index, code in enumerate(self.codes)}
        starts = np.array([line.first for line in self.lines])
        owners = np.array([position[line.ksv] for line in self.lines])
        return owners[np.searchsorted(starts, pc4, side="right") - 1]


@dataclass(frozen=True, slots=True)
class Postcodes:
    """The inhabited four-digit postcodes of some KSVs: `pc4`, the index of its KSV, and its share of the women."""

    pc4: Numbers
    ksv: Numbers
    share: NDArray[np.float64]

    def draw(self, rng: np.random.Generator, rows: int) -> Numbers:
        """Return the position of a postcode for each of `rows` women."""
        return rng.choice(len(self.pc4), size=rows, p=self.share)


def load_regions(path: Path) -> Regions:
    """Read a region table; raises `ConfigError` (`regions.malformed`) for one that does not read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        lines = [Region(int(row["pc4_from"]), int(row["pc4_to"]), row["ksv"], row["ksv_naam"]) for row in rows]
    except (OSError, KeyError, ValueError, TypeError) as error:
        columns = ";".join(REGION_COLUMNS)
        raise ConfigError("regions.malformed", f"{path} is not a region table with the columns {columns}.") from error
    return Regions(tuple(sorted(lines, key=lambda line: line.first)))


@cache
def national_regions() -> Regions:
    """Return the region table of the installation's own config folder."""
    return load_regions(load_settings(find_config_dir(None, os.environ, Path.cwd())).regions_path)


def choose_postcodes(rng: np.random.Generator, regions: Regions, ksvs: int) -> Postcodes:
    """Return the inhabited postcodes of `ksvs` neighbouring KSVs, of all where there are as many.

    Neighbours, so that a provider can work in two of them and a woman can move from one to the other.
    """
    first = int(rng.integers(len(regions.codes) - ksvs + 1))
    pc4 = np.arange(regions.lines[0].first, regions.lines[-1].last + 1)
    weight = postcode_weights(pc4)
    ksv = regions.ksv_of(pc4)
    kept = (weight > 0) & (ksv >= first) & (ksv < first + ksvs)
    return Postcodes(pc4=pc4[kept], ksv=ksv[kept], share=weight[kept] / weight[kept].sum())
