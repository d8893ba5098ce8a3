"""The columns of an extract in their order, and the working table of the simulator: named columns of equal length."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = dict[str, NDArray[Any]]
Texts: TypeAlias = NDArray[np.object_]
Days: TypeAlias = NDArray[np.int64]  # days since 1970-01-01
Flags: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.int64]

EXTRACT_COLUMNS = (
    "schema_versie",
    "bronsysteem",
    "registratie_id",
    "aanbieder_agb",
    "zorgproduct",
    "rol",
    "relatie_agb",
    "status",
    "inschrijf_datum",
    "status_datum",
    "overdracht_datum",
    "eind_reden",
    "overdracht_agb",
    "voorkeur_1_agb",
    "voorkeur_2_agb",
    "verdeling_id",
    "gedeelde_zorg",
    "deelname",
    "geboortedatum",
    "achternaam",
    "voorvoegsels",
    "achternaam_partner",
    "voorvoegsels_partner",
    "naamgebruik",
    "voornamen",
    "roepnaam",
    "initialen",
    "postcode",
    "huisnummer",
    "huisletter",
    "huisnummertoevoeging",
    "telefoon",
    "email",
    "a_terme_datum",
    "a_terme_definitief",
    "uzovi",
    "verzekerdennummer",
    "indicatie_uren",
    "toegezegde_uren",
)


def texts(values: Any) -> Texts:
    """Return a one-dimensional array of Python strings."""
    values = list(values)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def empty_texts(rows: int) -> Texts:
    """Return a column of empty strings: a field that is missing everywhere."""
    return np.full(rows, "", dtype=object)


def iso_dates(days: Days) -> Texts:
    """Write days since 1970-01-01 as ISO dates."""
    return texts(np.datetime_as_string(days.astype("datetime64[D]")).tolist())


def rows_of(columns: Columns, index: Numbers) -> Columns:
    """Return the named rows of every column, in the order of `index` (rows may repeat)."""
    return {name: column[index] for name, column in columns.items()}
