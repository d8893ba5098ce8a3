"""How common a record's names are, in four bands, from a shipped table of name frequencies.

An agreement on a rare name says more than one on a common name. The band is coarse and is the only thing about a
name that leaves the source readable.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ConfigError
from dedup.extract.coded import CodedColumn
from dedup.extract.normalise.names import first_name_words, surname_parts
from dedup.settings import CHECKOUT_CONFIG, PACKAGED_CONFIG

TABLE_FILE = Path("linkage/name_frequencies.csv")
COLUMNS = ["kind", "name", "per_100k"]
NO_NAME = 0
# A name borne by at least so many of 100,000 women is in band 2, 3 and 4; rarer and unknown names are in band 1.
# Surnames are spread over far more forms than first names, so their edges lie lower.
FIRST_NAME_EDGES = (40.0, 150.0, 500.0)
SURNAME_EDGES = (15.0, 60.0, 200.0)


@dataclass(frozen=True, slots=True)
class NameFrequencies:
    """Bearers per 100,000 of normalised first names and surname parts."""

    first_names: Mapping[str, float]
    surnames: Mapping[str, float]


def read_frequencies(path: Path) -> NameFrequencies:
    """Read `kind;name;per_100k` (kind is first_name or surname); raises `ConfigError` (`frequencies.malformed`)."""
    tables: dict[str, dict[str, float]] = {"first_name": {}, "surname": {}}
    parts_of: dict[str, Callable[[str], tuple[str, ...]]] = {"first_name": first_name_words, "surname": surname_parts}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, delimiter=";")
            if next(reader, None) != COLUMNS:
                raise ValueError
            for kind, name, per_100k in reader:
                for part in parts_of[kind](name):
                    tables[kind][part] = tables[kind].get(part, 0.0) + float(per_100k)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            "frequencies.malformed", f"The table of name frequencies {path} must hold {';'.join(COLUMNS)}."
        ) from error
    return NameFrequencies(first_names=tables["first_name"], surnames=tables["surname"])


@lru_cache(maxsize=1)
def shipped_frequencies() -> NameFrequencies:
    """Return the table that comes with the package."""
    return read_frequencies(
        next(c / TABLE_FILE for c in (PACKAGED_CONFIG, CHECKOUT_CONFIG) if (c / TABLE_FILE).exists())
    )


def name_bands(
    columns: Sequence[CodedColumn],
    rules: Sequence[Callable[[str], Sequence[str]]],
    per_100k: Mapping[str, float],
    edges: tuple[float, ...],
) -> NDArray[np.int32]:
    """Return int32[n], the band of each record's rarest name: 1 (rare or unknown) to 4 (very common), 0 without any.

    Each column gives names under its own rule.
    """
    rarest = np.full(len(columns[0]), np.inf)
    for column, rule in zip(columns, rules, strict=True):
        of_value = [min([per_100k.get(name, 0.0) for name in names], default=np.inf) for names in column.under(rule)]
        np.minimum(rarest, column.spread(of_value, np.inf, np.float64), out=rarest)
    bands = np.searchsorted(np.array(edges), rarest, side="right").astype(np.int32) + np.int32(1)
    return np.where(np.isinf(rarest), np.int32(NO_NAME), bands)
