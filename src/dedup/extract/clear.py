"""The attributes that leave the source in clear ("layer B"), made as coarse as the server needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.extract.cleaners import YES
from dedup.extract.coded import codes_and_values, plain_strings
from dedup.extract.frequency import FIRST_NAME_EDGES, SURNAME_EDGES, NameFrequencies, name_bands
from dedup.extract.normalise.address import postcode
from dedup.extract.normalise.names import counted_first_names, prefix_column_parts, surname_parts
from dedup.extract.normalise.sets import union
from dedup.fields import ATTRIBUTES, AttributeType
from dedup.regions import Regions
from dedup.weeks import week_of

HOURS_BAND = 4
MISSING_NUMBER = -1  # of weeks too, see `dedup.weeks.MISSING_WEEK`
# Attributes that are made of a column of another name; `sharing` is still the clear verdeling_id here.
_SOURCES = {
    "inschrijf_week": "inschrijf_datum",
    "status_week": "status_datum",
    "overdracht_week": "overdracht_datum",
    "edd_week": "a_terme_datum",
    "sharing": "verdeling_id",
}


def clear_attributes(frame: pd.DataFrame, regions: Regions | None, frequencies: NameFrequencies) -> pd.DataFrame:
    """Return a frame with the columns of `dedup.fields.ATTRIBUTES` for the n rows of a checked frame.

    Text is object ("" missing); weeks, yes/no and numbers are int32 (-1 missing, a band 0). Without regions every
    `ksv` is "".
    """
    columns: dict[str, object] = {
        name: _CONVERSIONS[kind](frame[_SOURCES.get(name, name)])
        for name, kind in ATTRIBUTES.items()
        if name not in ("ksv", "first_name_band", "surname_band")
    }
    columns["ksv"] = _ksv(frame["postcode"], regions)
    columns["first_name_band"] = _first_name_bands(frame, frequencies.first_names)
    columns["surname_band"] = _surname_bands(frame, frequencies.surnames)
    return pd.DataFrame({name: columns[name] for name in ATTRIBUTES})


def edd_weeks(frame: pd.DataFrame) -> NDArray[np.int32]:
    """Return int32[n], the week ordinals of `a_terme_datum`, -1 where missing."""
    return _weeks(frame["a_terme_datum"])


def _numbers(column: pd.Series, rule: Callable[[str], int]) -> NDArray[np.int32]:
    codes, values = codes_and_values(column)
    return np.array([*map(rule, values), MISSING_NUMBER], dtype=np.int32)[codes]


def _weeks(column: pd.Series) -> NDArray[np.int32]:
    return _numbers(column, lambda value: week_of(date.fromisoformat(value)))


_CONVERSIONS: Mapping[AttributeType, Callable[[pd.Series], object]] = {
    AttributeType.TEXT: plain_strings,
    AttributeType.WEEK: _weeks,
    AttributeType.NUMBER: lambda column: _numbers(column, lambda value: int(value) // HOURS_BAND * HOURS_BAND),
    AttributeType.YES_NO: lambda column: _numbers(column, lambda value: int(value == YES)),
}


def _ksv(postcodes: pd.Series, regions: Regions | None) -> NDArray[np.object_]:
    codes, values = codes_and_values(postcodes)
    found = ["" if regions is None else regions.ksv_of(postcode(value)[:4]) for value in values]
    return np.array([*found, ""], dtype=object)[codes]


def _first_name_bands(frame: pd.DataFrame, per_100k: Mapping[str, float]) -> NDArray[np.int32]:
    names = union([frame["voornamen"], frame["roepnaam"]], [counted_first_names] * 2)
    return name_bands(names, per_100k, FIRST_NAME_EDGES)


def _surname_bands(frame: pd.DataFrame, per_100k: Mapping[str, float]) -> NDArray[np.int32]:
    names = union(
        [frame["achternaam"], frame["voorvoegsels"], frame["achternaam_partner"], frame["voorvoegsels_partner"]],
        [surname_parts, prefix_column_parts] * 2,
    )
    return name_bands(names, per_100k, SURNAME_EDGES)
