"""The clear table that peers link: the same rows and the same normalised values that our encoder hashes, as Parquet.

Peers so get names folded, telephone numbers in one form and sounds coded as ours do; what is compared is the linking.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dedup.extract.load import load_person_table, load_registrations
from dedup.extract.values import NormalisedTable, ValueSets
from dedup.lab.bench.material import Material
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.regions import read_regions

ID = "registratie_id"
EDD_WEEK = "edd_week"
# Rules that can give a record several values: their attributes become lists, whatever this data happens to hold.
SEVERAL = frozenset({"surnames", "first_names", "words"})


def write_clear(material: Material, path: Path) -> None:
    """Write one row per accepted registration: its id, one column per attribute of the model, and the week of the EDD.

    Missing values are null; attributes with several values are sorted lists.
    """
    model = load_model(material.model)
    regions = read_regions(material.regions) if material.regions else None
    tables = []
    for extract in material.extracts:
        if model.table is not None:
            table = load_person_table(extract, model)
        else:
            table, _ = load_registrations(extract, model, today=material.day, regions=regions, max_refused_share=1.0)
        tables.append(_columns(table, model))
    pq.write_table(pa.concat_tables(tables), path)


def write_plain(material: Material, path: Path, columns: Sequence[str], *, clear: Path | None = None) -> None:
    """Write a CSV (commas) of rows as they were delivered, id first, then the columns named.

    With `clear`, only the registrations that this clear table holds.
    """
    table = load_model(material.model).table
    separator = ";" if table is None else table.separator
    id_column = ID if table is None else table.id_column
    frames = [pd.read_csv(extract, sep=separator, dtype=str, keep_default_na=False) for extract in material.extracts]
    rows = pd.concat(frames).rename(columns=str.strip).rename(columns={id_column: "id"})[["id", *columns]]
    if clear is not None:
        rows = rows[rows["id"].isin(pq.read_table(clear, columns=[ID])[ID].to_pylist())]
    rows.to_csv(path, index=False, lineterminator="\n")


def _columns(table: NormalisedTable, model: LinkageModel) -> pa.Table:
    columns = {ID: pa.array(table.ids, type=pa.string())}
    rules = {attribute.name: attribute.rule for attribute in model.attributes}
    for attribute in model.attributes:
        sets = table.attributes[attribute.name]
        several = rules.get(attribute.of, attribute.rule) in SEVERAL
        columns[attribute.name] = _lists(sets) if several else _first(sets)
    weeks = table.edd_week
    columns[EDD_WEEK] = pa.array(weeks, type=pa.int32(), mask=weeks < 0)
    return pa.table(columns)


def _lists(sets: ValueSets) -> pa.Array:
    values = pa.array(sets.values, type=pa.string()).take(pa.array(sets.codes))
    lengths = np.diff(sets.offsets)
    offsets = pa.array(sets.offsets.astype(np.int32), mask=np.append(lengths == 0, False))
    return pa.ListArray.from_arrays(offsets, values)


def _first(sets: ValueSets) -> pa.Array:
    """Return each record's only value."""
    empty = np.diff(sets.offsets) == 0
    codes = np.zeros(len(sets), dtype=np.int32)
    codes[~empty] = sets.codes[sets.offsets[:-1][~empty]]
    if not sets.values:
        return pa.nulls(len(sets), pa.string())
    return pa.array(sets.values, type=pa.string()).take(pa.array(codes, mask=empty))
