"""From a file to a normalised table: the two ways in, for registrations and for any person table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np

from dedup.errors import ExtractError
from dedup.extract.checks import (
    DEFAULT_MAX_REFUSED_SHARE,
    CheckedExtract,
    CheckedExtracts,
    check_tables,
    read_extracts,
    require_few_refused,
    require_one_provider,
)
from dedup.extract.clear import clear_attributes, weeks
from dedup.extract.coded import coded, plain_strings
from dedup.extract.header import require_columns
from dedup.extract.normalise import normalise
from dedup.extract.read import DEFAULT_MAX_BYTES, TextTable, read_table
from dedup.extract.report import CheckReport, RefusedExtractError
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
) -> tuple[NormalisedTable, CheckReport]:
    """Read, check and normalise an extract; refused and withheld rows are left out.

    Raises `ExtractError`: what `read_extracts`, `require_few_refused` and `require_one_provider` raise; and what
    `normalise` raises.
    """
    [outcome] = load_extracts(
        [path],
        model,
        today=today,
        regions=regions,
        max_refused_share=max_refused_share,
        max_bytes=max_bytes,
    )
    if isinstance(outcome, ExtractError):
        raise outcome
    return outcome


def load_extracts(
    paths: Sequence[Path],
    model: LinkageModel,
    *,
    today: date,
    regions: Regions | None,
    max_refused_share: float = DEFAULT_MAX_REFUSED_SHARE,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> list[tuple[NormalisedTable, CheckReport] | ExtractError]:
    """Return for each extract what `load_registrations` returns or raises, working on each different value once.

    Raises what `normalise` raises.
    """
    outcomes: dict[Path, tuple[NormalisedTable, CheckReport] | ExtractError] = {}
    tables: dict[Path, TextTable] = {}
    for path, read in zip(paths, read_extracts(paths, max_bytes), strict=True):
        if isinstance(read, ExtractError):
            outcomes[path] = read
        else:
            tables[path] = read
    if tables:
        checked = check_tables(list(tables.values()), [path.name for path in tables], today, regions)
        sound = []
        for number, (path, report) in enumerate(zip(tables, checked.reports, strict=True)):
            try:
                require_few_refused(report, path.name, max_refused_share)
                require_one_provider(report, path.name)
                sound.append((path, number))
            except RefusedExtractError as error:
                outcomes[path] = error
        normalised = _normalise_together(checked, [number for _, number in sound], model, regions)
        for (path, number), table in zip(sound, normalised, strict=True):
            outcomes[path] = table, checked.reports[number]
    return [outcomes[path] for path in paths]


def normalise_registrations(
    checked: CheckedExtract,
    model: LinkageModel,
    *,
    regions: Regions | None,
) -> NormalisedTable:
    """Normalise the accepted rows of a checked extract, in ascending order of registratie_id."""
    rows = np.arange(len(checked.row), dtype=np.int64)
    whole = CheckedExtracts(checked.columns, (rows,), (checked.report,))
    [table] = _normalise_together(whole, [0], model, regions)
    return table


def _normalise_together(
    checked: CheckedExtracts,
    chosen: Sequence[int],
    model: LinkageModel,
    regions: Regions | None,
) -> list[NormalisedTable]:
    """Normalise the accepted rows of the chosen extracts as one table, and cut it into theirs."""
    ids = plain_strings(checked.columns["registratie_id"])
    in_order = [rows[np.argsort(ids[rows], kind="stable")] for rows in (checked.accepted[i] for i in chosen)]
    rows = np.concatenate([np.empty(0, dtype=np.int64), *in_order])
    columns = {name: column.at(rows) for name, column in checked.columns.items()}
    table = NormalisedTable(
        ids=tuple(ids[rows].tolist()),
        attributes=normalise(columns, model),
        edd_week=weeks(columns["a_terme_datum"]),
        clear=clear_attributes(columns, regions),
    )
    ends = np.cumsum([0, *map(len, in_order)]).tolist()
    return [table.part(first, last) for first, last in pairwise(ends)]


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
        check_header=lambda path, names: require_columns(path.name, names, needed),
    )
    if table.malformed.any():
        raise ExtractError(
            "extract.row-fields",
            f"Line {table.line[table.malformed][0]} of {path.name} has more or fewer fields than the header.",
        )
    read = {name: coded([table.columns[name]]) for name in needed}
    named = read[id_column]
    repeated = np.ones(len(named), dtype=np.bool_)
    repeated[np.unique(named.codes, return_index=True)[1]] = False
    for code, where, what in (
        ("extract.missing-ids", ~named.filled(), "has no id"),
        ("extract.duplicate-ids", repeated, "repeats the id of an earlier line"),
    ):
        if where.any():
            raise ExtractError(code, f"Line {table.line[where][0]} of {path.name} {what} in column {id_column}.")
    ids = plain_strings(named)
    order = np.argsort(ids, kind="stable")
    columns = {name: column.at(order) for name, column in read.items()}
    return NormalisedTable(
        ids=tuple(ids[order].tolist()),
        attributes=normalise(columns, model),
        edd_week=np.full(len(ids), MISSING_WEEK, dtype=np.int32),
        clear=None,
    )
