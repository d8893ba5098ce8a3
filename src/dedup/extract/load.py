"""From a file to a normalised table: the two ways in, for registrations and for any person table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.errors import ExtractError
from dedup.extract.checks import DEFAULT_MAX_REFUSED_SHARE, CheckedExtract, check_extract, require_one_provider
from dedup.extract.clear import clear_attributes, weeks
from dedup.extract.coded import CodedColumn, plain_strings
from dedup.extract.frequency import NameFrequencies, shipped_frequencies
from dedup.extract.header import require_columns
from dedup.extract.normalise import normalise
from dedup.extract.read import DEFAULT_MAX_BYTES, read_table
from dedup.extract.report import CheckReport
from dedup.extract.values import NormalisedTable
from dedup.model.linkage import LinkageModel
from dedup.regions import Regions
from dedup.weeks import MISSING_WEEK


def load_registrations(
    path: Path,
    model: LinkageModel,
    *,
    today: date,
    regions: Regions | None,
    max_refused_share: float = DEFAULT_MAX_REFUSED_SHARE,
    max_bytes: int = DEFAULT_MAX_BYTES,
    frequencies: NameFrequencies | None = None,
) -> tuple[NormalisedTable, CheckReport]:
    """Read, check and normalise an extract; refused and withheld rows are left out.

    `frequencies` defaults to the table that is shipped. Raises what `check_extract`,
    `require_one_provider` and `normalise` raise.
    """
    checked = check_extract(
        path, today=today, regions=regions, max_refused_share=max_refused_share, max_bytes=max_bytes
    )
    require_one_provider(checked, path.name)
    return normalise_registrations(checked, model, regions=regions, frequencies=frequencies), checked.report


def normalise_registrations(
    checked: CheckedExtract,
    model: LinkageModel,
    *,
    regions: Regions | None,
    frequencies: NameFrequencies | None = None,
) -> NormalisedTable:
    """Normalise the accepted rows of a checked extract, in ascending order of registratie_id."""
    ids, columns = _in_order(plain_strings(checked.columns["registratie_id"]), checked.columns)
    return NormalisedTable(
        ids=ids,
        attributes=normalise(columns, model),
        edd_week=weeks(columns["a_terme_datum"]),
        clear=clear_attributes(columns, regions, frequencies or shipped_frequencies()),
    )


def load_person_table(path: Path, model: LinkageModel, *, max_bytes: int = DEFAULT_MAX_BYTES) -> NormalisedTable:
    """Read and normalise any person table that the model describes; a value that fits no rule is missing.

    Raises `ExtractError`: what `read_table` raises, `extract.missing-columns`, `extract.row-fields` for a row with too
    many or too few fields, `extract.missing-ids` and `extract.duplicate-ids`; and `extract.no-table-format` where the
    model describes extracts instead.
    """
    if model.table is None:
        raise ExtractError("extract.no-table-format", f"The model {model.name} has no [table] section for {path.name}.")
    id_column = model.table.id_column
    needed = list(dict.fromkeys([id_column, *(name for attribute in model.attributes for name in attribute.columns)]))
    table = read_table(
        path,
        separator=model.table.separator,
        max_bytes=max_bytes,
        check_header=lambda names: require_columns(path.name, names, needed),
    )
    if table.malformed.any():
        raise ExtractError(
            "extract.row-fields",
            f"Line {table.line[table.malformed][0]} of {path.name} has more or fewer fields than the header.",
        )
    named = table.columns[id_column]
    repeated = np.ones(len(named), dtype=np.bool_)
    repeated[np.unique(named.codes, return_index=True)[1]] = False
    for code, where, what in (
        ("extract.missing-ids", ~named.filled(), "has no id"),
        ("extract.duplicate-ids", repeated, "repeats the id of an earlier line"),
    ):
        if where.any():
            raise ExtractError(code, f"Line {table.line[where][0]} of {path.name} {what} in column {id_column}.")
    ids, columns = _in_order(plain_strings(named), table.columns)
    return NormalisedTable(
        ids=ids,
        attributes=normalise(columns, model),
        edd_week=np.full(len(ids), MISSING_WEEK, dtype=np.int32),
        clear=None,
    )


def _in_order(
    ids: NDArray[np.object_], columns: Mapping[str, CodedColumn]
) -> tuple[tuple[str, ...], Mapping[str, CodedColumn]]:
    order = np.argsort(ids, kind="stable")
    if (order[1:] > order[:-1]).all():
        return tuple(ids.tolist()), columns
    return tuple(ids[order].tolist()), {name: column.at(order) for name, column in columns.items()}
