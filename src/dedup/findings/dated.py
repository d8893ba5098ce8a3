"""Terms that differ by KSV and by day: dated configuration, and codes orange and red, which shorten terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from dedup.errors import ConfigError

MOST = 36_525  # of any term: as days a century, and as weeks still within the calendar


class Code(StrEnum):
    """How scarce care is in a KSV on a day."""

    GREEN = "green"
    ORANGE = "orange"
    RED = "red"


class Step(StrEnum):
    """Who a finding that stays open is escalated to, in this order."""

    KSV = "ksv"
    INSURER = "insurer"
    COMMITTEE = "committee"


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms in days: how long a registration is held (L9), and how long a finding is open before each step."""

    hold_days: int
    ksv_days: int
    insurer_days: int
    committee_days: int

    @property
    def steps(self) -> tuple[tuple[Step, int], ...]:
        """Each step with the days after which it is taken."""
        return ((Step.KSV, self.ksv_days), (Step.INSURER, self.insurer_days), (Step.COMMITTEE, self.committee_days))


@dataclass(frozen=True, slots=True)
class Period:
    """What holds for one KSV from a day up to and including another; both may be open-ended."""

    ksv: str
    first: date
    last: date
    code: Code | None = None
    terms: Terms | None = None

    def holds(self, ksv: str, day: date) -> bool:
        """Tell whether this period is of that KSV and that day."""
        return self.ksv == ksv and self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class DatedTerms:
    """The usual terms, those under each code, and the periods of single KSVs."""

    usual: Terms
    under: tuple[tuple[Code, Terms], ...]
    periods: tuple[Period, ...]

    def code_of(self, ksv: str, day: date) -> Code:
        """Return the code of a KSV on a day; of two that overlap the severer."""
        codes = [period.code for period in self.periods if period.code is not None and period.holds(ksv, day)]
        return max(codes, key=list(Code).index, default=Code.GREEN)

    def of(self, ksv: str, day: date) -> Terms:
        """Return the terms of a KSV on a day: of its code, else its own, else the usual ones."""
        code = self.code_of(ksv, day)
        if code is not Code.GREEN:
            return dict(self.under)[code]
        own = [period.terms for period in self.periods if period.terms is not None and period.holds(ksv, day)]
        return own[-1] if own else self.usual

    def strictest(self, ksvs: Iterable[str], day: date) -> Terms:
        """Return for a finding in several KSVs the shortest of each term."""
        all_terms = [self.of(ksv, day) for ksv in ksvs] or [self.usual]
        return Terms(
            hold_days=min(terms.hold_days for terms in all_terms),
            ksv_days=min(terms.ksv_days for terms in all_terms),
            insurer_days=min(terms.insurer_days for terms in all_terms),
            committee_days=min(terms.committee_days for terms in all_terms),
        )


@dataclass(frozen=True, slots=True)
class Escalation:
    """How far a finding is escalated: the step taken last and its day, and the day of the next one ("" for none)."""

    step: str = ""
    since: str = ""
    next_on: str = ""


def escalation(actionable_since: date, terms: Terms, today: date, *, waits_for_ksv: bool) -> Escalation:
    """Return the escalation of a finding that waits for somebody since that day.

    What waits for the KSV itself is not passed on to it: its first step is the one after.
    """
    steps = [(step, after) for step, after in terms.steps if not (waits_for_ksv and step is Step.KSV)]
    days = [(step, actionable_since + timedelta(days=after)) for step, after in steps]
    taken = [(step, day) for step, day in days if day <= today]
    coming = [day for _, day in days if day > today]
    step, since = (str(taken[-1][0]), taken[-1][1].isoformat()) if taken else ("", "")
    return Escalation(step, since, coming[0].isoformat() if coming else "")


def parse_dated_terms(document: Mapping[str, Any], hold_days: int) -> DatedTerms:
    """Read `[escalation]`, `[codes.orange]`, `[codes.red]`, `[[ksv_code]]` and `[[ksv_terms]]` of the rules.

    Raises `ConfigError` (`findings.rules-dated`).
    """
    usual = _terms("escalation", document.get("escalation"), {"hold_days": hold_days})
    codes = document.get("codes", {})
    if not isinstance(codes, Mapping) or set(codes) - {Code.ORANGE, Code.RED}:
        raise _error("[codes] may hold orange and red only")
    under = tuple((code, _terms(f"codes.{code}", codes.get(str(code), {}), _values(usual))) for code in Code)
    periods = [_period(where, one, usual) for where in ("ksv_code", "ksv_terms") for one in _entries(document, where)]
    return DatedTerms(usual, under, tuple(periods))


def _entries(document: Mapping[str, Any], where: str) -> list[Any]:
    entries = document.get(where, [])
    if not isinstance(entries, list):
        raise _error(f"{where} is not written as [[{where}]]")
    return entries


def _values(terms: Terms) -> dict[str, int]:
    return {name: getattr(terms, name) for name in Terms.__slots__}


def _terms(where: str, section: Any, missing: Mapping[str, int]) -> Terms:
    if not isinstance(section, Mapping):
        raise _error(f"[{where}] is missing")
    values = {**missing, **section}
    wrong = [
        name
        for name, days in values.items()
        if name not in Terms.__slots__ or type(days) is not int or not 0 <= days <= MOST
    ]
    if wrong or set(values) != set(Terms.__slots__):
        raise _error(f"[{where}] must give days, at most {MOST}, for {', '.join(Terms.__slots__)} and nothing else")
    terms = Terms(**values)
    if not terms.ksv_days <= terms.insurer_days <= terms.committee_days:
        raise _error(f"the days of [{where}] do not go up from the KSV to the committee")
    return terms


def _period(where: str, entry: Any, usual: Terms) -> Period:
    entry = dict(entry) if isinstance(entry, Mapping) else {}
    ksv, first, last = entry.pop("ksv", None), entry.pop("from", None), entry.pop("until", date.max)
    if not isinstance(ksv, str) or type(first) is not date or type(last) is not date or first > last:
        raise _error(f"[[{where}]] needs a ksv, a date `from`, and no `until` before it")
    if where == "ksv_terms":
        return Period(ksv, first, last, terms=_terms(where, entry, _values(usual)))
    code = entry.pop("code", None)
    if entry or code not in (Code.ORANGE, Code.RED):
        raise _error("[[ksv_code]] needs a code, orange or red, and nothing else but ksv, from and until")
    return Period(ksv, first, last, code=Code(code))


def _error(what: str) -> ConfigError:
    return ConfigError("findings.rules-dated", f"In the rules, {what}.")
