"""A provider's own doubles, found on the clear text at the source: two rows of one extract that are one woman.

These never reach the server as such: the provider settles them itself, with row numbers in hand. The rules are plain
because whoever reads the list has the clear rows beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dedup.extract.checks import CheckedExtract
from dedup.extract.clear import weeks as weeks_of
from dedup.extract.coded import CodedColumn, plain_strings
from dedup.extract.normalise import RULES
from dedup.extract.normalise.phonetic import phonetic_code
from dedup.extract.normalise.sets import derived
from dedup.extract.pairing import candidate_pairs, compare_pairs, edit_similarity, equality, name_similarity
from dedup.extract.values import ValueSets
from dedup.weeks import MISSING_WEEK

SAME_NAME = 0.9  # similarity from which two names are one name
NEAR_DATE = 0.75  # birth dates that differ in at most two of eight digits, as in a slip of the pen
OTHER_PREGNANCY_WEEKS = 12

_BLOCKS = (
    ("birth_date",),
    ("phone",),
    ("email",),
    ("insurance",),
    ("address",),
    ("surname_code", "first_name_code"),
)
_FEATURES = {
    "birth_date": edit_similarity,
    "first_names": name_similarity,
    "surnames": name_similarity,
    "address": equality,
    "phone": equality,
    "email": equality,
    "insurance": equality,
}
_BESIDE_FIRST_NAME = ("surnames", "address", "phone", "email", "insurance")


class Strength(StrEnum):
    """How sure it is that two rows are one woman."""

    CERTAIN = "certain"  # birth date, first name and two more agree
    LIKELY = "likely"  # birth date, first name and one more; or near birth dates, first name and two more


@dataclass(frozen=True, slots=True)
class OwnDouble:
    """Two accepted rows by number and id, the attributes that agree, and the weeks between EDDs (-1 unknown)."""

    rows: tuple[int, int]
    ids: tuple[str, str]
    strength: Strength
    agree: tuple[str, ...]
    edd_weeks_apart: int

    @property
    def other_pregnancy(self) -> bool:
        """Whether the EDDs lie so far apart that these are two pregnancies: an outdated row rather than a double."""
        return self.edd_weeks_apart >= OTHER_PREGNANCY_WEEKS


def find_own_doubles(checked: CheckedExtract) -> list[OwnDouble]:
    """Return the pairs of accepted rows that are one woman, by row number."""
    frame = _comparable(checked.columns)
    pairs = candidate_pairs(frame, _BLOCKS)
    scores = compare_pairs(pairs, frame, _FEATURES)
    agree = scores.ge(SAME_NAME).assign(birth_date=scores["birth_date"].ge(1.0))
    near_date = scores["birth_date"].ge(NEAR_DATE) | _either_missing(frame["birth_date"], pairs)
    more = agree[list(_BESIDE_FIRST_NAME)].sum(axis=1)
    listed = agree["first_names"] & ((agree["birth_date"] & more.ge(1)) | (near_date & more.ge(2)))
    certain = agree["birth_date"] & more.ge(2)

    ids = plain_strings(checked.columns["registratie_id"])
    weeks = weeks_of(checked.columns["a_terme_datum"])
    found = [
        OwnDouble(
            rows=(int(checked.row[left]), int(checked.row[right])),
            ids=(str(ids[left]), str(ids[right])),
            strength=Strength.CERTAIN if is_certain else Strength.LIKELY,
            agree=tuple(name for name, agrees in zip(agree.columns, flags, strict=True) if agrees),
            edd_weeks_apart=_weeks_apart(weeks, left, right),
        )
        for (left, right), is_certain, flags in zip(
            (sorted(pair) for pair in pairs[listed.to_numpy()]),
            certain[listed],
            agree[listed].itertuples(index=False),
            strict=True,
        )
    ]
    return sorted(found, key=lambda double: double.rows)


def _comparable(table: Mapping[str, CodedColumn]) -> pd.DataFrame:
    """Return the normalised values that are compared, as plain text; words of a set with a space between."""
    surnames = RULES["surnames"](
        [table[c] for c in ("achternaam", "voorvoegsels", "achternaam_partner", "voorvoegsels_partner")]
    )
    first_names = RULES["first_names"]([table["voornamen"], table["roepnaam"]])
    main_first_name = RULES["main_first_name"]([table["voornamen"], table["roepnaam"]])
    postcode = _joined(RULES["postcode"]([table["postcode"]]))
    number = _joined(RULES["house_number"]([table["huisnummer"]]))
    return pd.DataFrame(
        {
            "birth_date": _joined(RULES["date"]([table["geboortedatum"]])),
            "first_names": _joined(first_names),
            "surnames": _joined(surnames),
            "address": np.where((postcode != "") & (number != ""), postcode + " " + number, ""),
            "phone": _joined(RULES["phone"]([table["telefoon"]])),
            "email": _joined(RULES["email"]([table["email"]])),
            "insurance": _joined(RULES["insurance"]([table["uzovi"], table["verzekerdennummer"]])),
            "surname_code": _joined(derived(surnames, phonetic_code)),
            "first_name_code": _joined(derived(main_first_name, phonetic_code)),
        }
    )


def _joined(sets: ValueSets) -> NDArray[np.object_]:
    return np.array([" ".join(sets.of(record)) for record in range(len(sets))], dtype=object)


def _either_missing(column: pd.Series, pairs: pd.MultiIndex) -> NDArray[np.bool_]:
    missing = (column == "").to_numpy()
    left, right = (pairs.get_level_values(level).to_numpy(dtype=np.int64) for level in (0, 1))
    return np.asarray(missing[left] | missing[right], dtype=np.bool_)


def _weeks_apart(weeks: NDArray[np.int32], left: int, right: int) -> int:
    both_known = weeks[left] != MISSING_WEEK and weeks[right] != MISSING_WEEK
    return abs(int(weeks[left]) - int(weeks[right])) if both_known else -1
