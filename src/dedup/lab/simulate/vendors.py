"""The made-up software packages and their habits of writing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class SurnameHabit(Enum):
    """Where a package puts the surnames."""

    APART = "own and partner's surname, each with its voorvoegsels, in their own columns"
    USED = "the surname in use in achternaam, its first voorvoegsels in their column"
    USED_WHOLE = "the surname in use in achternaam, voorvoegsels in front of it"
    USED_COMMA = "the surname in use in achternaam, voorvoegsels behind a comma"


class GivenHabit(Enum):
    """Which of the first names a package asks for."""

    ALL = "all given names, roepnaam and initials"
    FIRST = "first given name and initials, roepnaam when it differs"
    CALLING = "roepnaam and initials only"
    GIVEN = "all given names only"


@dataclass(frozen=True, slots=True)
class Vendor:
    """One package: `code` is its bronsysteem, `share` that of the providers that choose freely.

    `capitals` is `as_is`, `upper` or `title`; `phone` shows the notation of 0612345678; the shares say how often an
    optional field is filled at all.
    """

    code: str
    share: float
    surnames: SurnameHabit
    given: GivenHabit
    capitals: str
    ascii_only: bool
    phone: str
    postcode_space: bool
    suffix_in_one: bool
    fills: dict[str, float]


VENDORS: tuple[Vendor, ...] = (
    Vendor(
        "wiegwijs", 0.40, SurnameHabit.APART, GivenHabit.ALL, "as_is", False, "06-12345678", True, False,
        {"partner": 0.85, "phone": 0.97, "email": 0.90, "insurance": 0.92, "shared": 1.0, "final": 0.9, "hours": 0.9},
    ),
    Vendor(
        "kraamkompas", 0.28, SurnameHabit.USED, GivenHabit.FIRST, "as_is", False, "0612345678", False, False,
        {"partner": 1.0, "phone": 0.95, "email": 0.86, "insurance": 0.80, "shared": 0.4, "final": 0.7, "hours": 0.8},
    ),
    Vendor(
        "nestplanner", 0.20, SurnameHabit.USED_WHOLE, GivenHabit.CALLING, "title", False, "+31 6 12345678", True, True,
        {"partner": 1.0, "phone": 0.98, "email": 0.95, "insurance": 0.60, "shared": 0.0, "final": 0.0, "hours": 0.7},
    ),
    Vendor(
        "geboorteplein", 0.12, SurnameHabit.USED_COMMA, GivenHabit.GIVEN, "upper", True, "06 12 34 56 78", False, True,
        {"partner": 1.0, "phone": 0.90, "email": 0.70, "insurance": 0.88, "shared": 0.8, "final": 0.5, "hours": 1.0},
    ),
)  # fmt: skip
