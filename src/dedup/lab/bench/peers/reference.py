"""The reference: our own linker on clear text, with recordlinkage and rapidfuzz; what encoding costs is measured by it.

It blocks as the model's passes do and weighs as the engine does, but sees the values: similarities without noise, edits
that sketches cannot tell, and u of these very measures. Arguments: the model, the clear table, where the pairs go, and
where groups would go (none are made). Prints the seconds of every stage as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import recordlinkage
from numpy.typing import NDArray
from recordlinkage.base import BaseIndexAlgorithm

from dedup.lab.bench.clear import EDD_WEEK, ID
from dedup.lab.bench.peers.reference_measures import MISSING, ClearLevel, Measure, measures
from dedup.link.engine import LinkOptions
from dedup.link.levels import ENTRY_CLASSES, observed_levels
from dedup.link.patterns import PatternTable
from dedup.link.weights import fit, probability
from dedup.model.linkage import ComparisonKind, LinkageModel
from dedup.model.load import load_model

CHUNK_PAIRS = 250_000
SAMPLED_PAIRS = 500_000
SEED = 1
# Of records that agree in full on so many comparisons only one is kept for u: they are taken to be one person.
SAME_PERSON_AGREEMENTS = 3
LEAST_U = 1e-9
_FIRST_CELL = 2


class SharedValues(BaseIndexAlgorithm):  # type: ignore[misc]  # recordlinkage has no types
    """Pairs of rows that share a value of every column; a row with several values stands in several blocks."""

    def __init__(self, columns: Sequence[str], max_block: int) -> None:
        super().__init__()
        self._columns, self._max_block = list(columns), max_block

    def _dedup_index(self, df_a: pd.DataFrame) -> pd.MultiIndex:
        rows = df_a[self._columns].reset_index(drop=True)
        for column in self._columns:
            rows = rows.explode(column)
            rows = rows[rows[column].notna() & (rows[column] != "")]
        block = rows.groupby(self._columns, sort=False).ngroup().to_numpy()
        row = rows.index.to_numpy(dtype=np.int64)[np.argsort(block, kind="stable")]
        sizes = np.bincount(block)
        start = np.cumsum(sizes) - sizes
        pairs = []
        for size in np.unique(sizes[(sizes > 1) & (sizes <= self._max_block)]):
            members = row[start[sizes == size][:, None] + np.arange(size)]
            one, other = np.triu_indices(int(size), 1)
            pairs.append(np.stack([members[:, one].ravel(), members[:, other].ravel()]))
        a, b = np.concatenate([np.empty((2, 0), dtype=np.int64), *pairs], axis=1)
        key = np.unique((np.maximum(a, b) * len(df_a) + np.minimum(a, b))[a != b])
        return pd.MultiIndex.from_arrays([df_a.index[key // len(df_a)], df_a.index[key % len(df_a)]])


def read(path: Path) -> pd.DataFrame:
    """Return the clear table by id; "" or an empty tuple where a value is missing, -1 for a week."""
    table = pq.read_table(path)
    columns = {}
    for name in table.column_names:
        values = table[name].to_pylist()
        if pa.types.is_list(table.schema.field(name).type):
            columns[name] = pd.Series([tuple(value or ()) for value in values], dtype=object)
        elif name == EDD_WEEK:
            columns[name] = pd.Series([-1 if value is None else value for value in values], dtype=np.int64)
        else:
            columns[name] = pd.Series([value or "" for value in values], dtype=object)
    return pd.DataFrame(columns).set_index(ID)


def compare(pairs: pd.MultiIndex, people: pd.DataFrame, found: Sequence[Measure]) -> NDArray[np.int64]:
    """Return int64[p, c], the levels of pairs, -1 missing."""
    comparing = recordlinkage.Compare([ClearLevel(measure) for measure in found])
    parts = [
        comparing.compute(pairs[start : start + CHUNK_PAIRS], people).to_numpy(dtype=np.int64)
        for start in range(0, len(pairs), CHUNK_PAIRS)
    ]
    return np.concatenate([np.empty((0, len(found)), dtype=np.int64), *parts])


def u_tables(
    people: pd.DataFrame, pairs: pd.MultiIndex, levels: NDArray[np.int64], found: Sequence[Measure]
) -> list[tuple[float, ...]]:
    """Return the shares of levels among random pairs of different people, per measure.

    The rarest, full agreement, is counted over all pairs rather than sampled.
    """
    highest = np.array([observed_levels(measure.comparison) - 1 for measure in found])
    told = np.array([measure.comparison.kind is not ComparisonKind.WEEKS for measure in found])
    one_person = ((levels == highest) & told).sum(axis=1) >= SAME_PERSON_AGREEMENTS
    kept = people.drop(index=pairs[one_person].get_level_values(0).unique())
    rng = np.random.default_rng(SEED)
    one = rng.integers(0, len(kept), SAMPLED_PAIRS)
    other = (one + rng.integers(1, len(kept), SAMPLED_PAIRS)) % len(kept)
    tables = []
    for measure, top in zip(found, highest, strict=True):
        left, right = ([kept[c].to_numpy()[side].tolist() for c in measure.columns] for side in (one, other))
        sampled = measure.levels(left, right)
        shares = np.bincount(sampled[sampled != MISSING], minlength=top + 1).astype(np.float64) + 0.5
        below = shares[:top] / shares[:top].sum()
        equal = _equal_share(kept, measure) if measure.comparison.kind is not ComparisonKind.WEEKS else 0.0
        equal = max(equal, LEAST_U) if equal else shares[top] / shares.sum()
        tables.append((*(below * (1.0 - equal)).tolist(), equal))
    return tables


def _equal_share(people: pd.DataFrame, measure: Measure) -> float:
    """Return the probability that two rows agree in full; of several values, that they have the same ones."""
    columns = list(measure.columns)[: 2 if measure.comparison.kind is ComparisonKind.ADDRESS else 1]
    known = people[columns][people[columns].astype(bool).all(axis=1)]
    counts = known.groupby(columns, sort=False).size().to_numpy(dtype=np.float64)
    total = counts.sum()
    return float(((counts * (counts - 1)).sum() + 1.0) / (total * (total - 1) + 1.0))


def weigh(levels: NDArray[np.int64], model: LinkageModel, records: int) -> NDArray[np.float64]:
    """Return float64[p], the match probabilities that the engine's weights give levels that rest on clear values."""
    cells = np.where(levels == MISSING, 0, _FIRST_CELL + levels)
    distinct, pattern_of, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    table = PatternTable(cells=distinct, counts=counts.astype(np.float64))
    weights = fit(table, model, records, {})
    return probability(weights.log_odds(table))[pattern_of.reshape(-1)]


def main(model_path: str, table: str, pairs_path: str) -> None:
    """Run the whole linkage; every stage's seconds are printed."""
    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def done(stage: str) -> None:
        nonlocal clock
        seconds[stage] = round(time.perf_counter() - clock, 3)
        clock = time.perf_counter()

    model = load_model(Path(model_path))
    people = read(Path(table))
    found = measures(model)
    done("read")
    indexer = recordlinkage.Index([SharedValues(p.attributes, LinkOptions().max_block) for p in model.passes])
    pairs = indexer.index(people)
    done("index")
    levels = compare(pairs, people, found)
    done("compare")
    u = u_tables(people, pairs, levels, found)
    comparisons = tuple(
        replace(measure.comparison, u=(row,) * ENTRY_CLASSES) for measure, row in zip(found, u, strict=True)
    )
    done("u")
    chance = weigh(levels, replace(model, comparisons=comparisons), len(people))
    done("weigh")
    frame = pd.DataFrame({"left": pairs.get_level_values(0), "right": pairs.get_level_values(1), "probability": chance})
    frame.assign(edd_weeks_apart=np.full(len(frame), -1, dtype=np.int16)).to_parquet(pairs_path, index=False)
    done("write")
    sys.stdout.write(json.dumps({"stages": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
