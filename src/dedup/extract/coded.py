"""Columns of text as distinct values and codes, so that every rule looks at a distinct value once.

pandas categoricals hold them: `codes` int per row, -1 where missing, `categories` the distinct non-empty strings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def coded_series(codes: NDArray[np.int32], values: Sequence[str]) -> pd.Series:
    """Return a categorical column from codes into `values`; equal values are merged and "" becomes missing."""
    index: dict[str, int] = {}
    merged = np.array([index.setdefault(value, len(index)) if value else -1 for value in values] + [-1], dtype=np.int32)
    row_codes = cast("Sequence[int]", merged[codes])
    return pd.Series(pd.Categorical.from_codes(row_codes, categories=pd.Index(list(index), dtype=object)))


def codes_and_values(column: pd.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Return the codes (-1 missing) and the distinct values of a column of strings, categorical or not."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        codes, distinct = pd.factorize(column.to_numpy(dtype=object))
        column = coded_series(codes.astype(np.int32), ["" if value is None else str(value) for value in distinct])
    return column.cat.codes.to_numpy().astype(np.int32), [str(value) for value in column.cat.categories]


def recode(column: pd.Series, rule: Callable[[str], str]) -> pd.Series:
    """Return the column with `rule` applied to each distinct value; where it gives "", the row is missing."""
    codes, values = codes_and_values(column)
    return coded_series(codes, [rule(value) for value in values]).set_axis(column.index)


def plain_strings(column: pd.Series) -> NDArray[np.object_]:
    """Return the column as an array of strings, "" where missing."""
    codes, values = codes_and_values(column)
    return np.array([*values, ""], dtype=object)[codes]


def missing_column(rows: int) -> pd.Series:
    """Return a column without any value."""
    return coded_series(np.full(rows, -1, dtype=np.int32), [])
