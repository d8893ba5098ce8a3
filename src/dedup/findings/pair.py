"""A candidate pair as the rules see it: two registrations, what agrees between them, and how sure the linkage is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dedup.weeks import MISSING_WEEK


@dataclass(frozen=True, slots=True)
class Registration:
    """The attributes of one registration that rules may use; weeks are ordinals, -1 missing, hours -1 missing."""

    id: str
    provider: str
    product: str = "kraamzorg"
    role: str = "zelfstandig"
    related_provider: str = ""
    status: str = "ingeschreven"
    registered_week: int = MISSING_WEEK
    status_week: int = MISSING_WEEK
    transfer_week: int = MISSING_WEEK
    transferred_to: str = ""
    sharing: str = ""
    shared_care: bool = False
    edd_week: int = MISSING_WEEK
    indicated_hours: int = -1
    promised_hours: int = -1
    ksv: str = ""
    first_seen: date = date.min
    tokens_changed: date | None = None
    held: bool = False
    closed: bool = False

    @property
    def age_key(self) -> tuple[int, date, str]:
        """Sorts registrations from oldest to youngest; the id only breaks ties, so that nights agree."""
        return (self.registered_week, self.first_seen, self.id)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two registrations of one group; `agreed` and `contradicted` hold names of comparisons, never values."""

    one: Registration
    other: Registration
    probability: float = 1.0
    agreed: frozenset[str] = frozenset()
    contradicted: frozenset[str] = frozenset()

    @property
    def both(self) -> tuple[Registration, Registration]:
        """The two registrations in the order of the pair."""
        return (self.one, self.other)

    @property
    def directions(self) -> tuple[tuple[Registration, Registration], tuple[Registration, Registration]]:
        """The pair read both ways, for rules in which one side does something to the other."""
        return ((self.one, self.other), (self.other, self.one))

    @property
    def edd_weeks_apart(self) -> int | None:
        """Weeks between the two EDDs, None when either is missing."""
        if MISSING_WEEK in (self.one.edd_week, self.other.edd_week):
            return None
        return abs(self.one.edd_week - self.other.edd_week)

    @property
    def youngest(self) -> Registration:
        """The registration that was made last."""
        return max(self.both, key=lambda registration: registration.age_key)
