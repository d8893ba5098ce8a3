"""The attributes that leave the source in clear ("layer B"), made as coarse as the server needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.extract.cleaners import YES
from dedup.extract.coded import CodedColumn, plain_strings
from dedup.extract.normalise.address import postcode
from dedup.fields import ATTRIBUTES, AttributeType, needs_status_week
from dedup.regions import Regions
from dedup.weeks import week_of

HOURS_BAND = 4
MISSING_NUMBER = -1  # of weeks too, see `dedup.weeks.MISSING_WEEK`
# Attributes that are made of a column of another name; `sharing` is still the clear verdeling_id here.
_SOURCES = {
    "inschrijf_week": "inschrijf_datum",
    "overdracht_week": "overdracht_datum",
    "edd_week": "a_terme_datum",
    "sharing": "verdeling_id",
}


def clear_attributes(table: Mapping[str, CodedColumn], regions: Regions | None) -> dict[str, NDArray[Any]]:
    """Return the columns of `dedup.fields.ATTRIBUTES`, in their order, for n checked rows.

    Text is object ("" missing); weeks, yes/no and numbers are int32 (-1 missing). Without regions every `ksv` is "".
    """
    columns: dict[str, NDArray[Any]] = {
        name: _CONVERSIONS[kind](table[_SOURCES.get(name, name)])
        for name, kind in ATTRIBUTES.items()
        if name not in ("status_week", "ksv")
    }
    columns["status_week"] = _status_weeks(table)
    columns["ksv"] = _ksv(table["postcode"], regions)
    return {name: columns[name] for name in ATTRIBUTES}


def weeks(column: CodedColumn) -> NDArray[np.int32]:
    """Return int32[n], the week ordinals of a column of ISO dates, -1 where missing."""
    return _numbers(column, _week)


def _week(day: str) -> int:
    return week_of(date.fromisoformat(day))


def _hours_band(hours: str) -> int:
    return int(hours) // HOURS_BAND * HOURS_BAND


def _is_yes(value: str) -> int:
    return int(value == YES)


def _numbers(column: CodedColumn, rule: Callable[[str], int]) -> NDArray[np.int32]:
    return column.spread(column.under(rule), MISSING_NUMBER, np.int32)


_CONVERSIONS: Mapping[AttributeType, Callable[[CodedColumn], NDArray[Any]]] = {
    AttributeType.TEXT: plain_strings,
    AttributeType.WEEK: weeks,
    AttributeType.NUMBER: partial(_numbers, rule=_hours_band),
    AttributeType.YES_NO: partial(_numbers, rule=_is_yes),
}


def _status_weeks(table: Mapping[str, CodedColumn]) -> NDArray[np.int32]:
    """Return int32[n], the week of the status where it stands in for a missing date of transfer, else -1."""
    undated = [needs_status_week(status, transfer_known=False) for status in table["status"].values]
    needed = table["status"].spread(undated, False, np.bool_) & ~table["overdracht_datum"].filled()
    return np.where(needed, weeks(table["status_datum"]), np.int32(MISSING_NUMBER))


def _ksv(postcodes: CodedColumn, regions: Regions | None) -> NDArray[np.object_]:
    if regions is None:
        return postcodes.spread([""] * len(postcodes.values), "", object)
    pc4 = [made[:4] for made in postcodes.under(postcode)]
    ksv = {area: regions.ksv_of(area) for area in {*pc4}}
    return postcodes.spread([ksv[area] for area in pc4], "", object)
