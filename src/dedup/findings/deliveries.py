"""Suspected delivery faults: providers that fell silent, or whose snapshot is suddenly much smaller than the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dedup.findings.config import DeliveryTerms


class Fault(StrEnum):
    """What is suspected of a delivery."""

    MISSING = "missing"  # no snapshot for some days, or none that counts tonight
    SHRUNKEN = "shrunken"  # far fewer registrations than in the snapshot before


@dataclass(frozen=True, slots=True)
class Delivery:
    """One provider's snapshot of one day, and how many registrations it holds."""

    provider: str
    day: date
    registrations: int


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A provider whose delivery is not believed.

    `since` is the day of the first delivery that is suspected (or the day after the last one that came), `expected`
    the number of registrations in the last delivery that is believed, which was made on `last_believed`.
    """

    provider: str
    fault: Fault
    since: date
    registrations: int
    expected: int
    last_believed: date


@dataclass(frozen=True, slots=True)
class _Believed:
    """What is believed of one provider while its deliveries are read from old to new."""

    day: date
    registrations: int
    doubted: tuple[Delivery, ...] = ()


def suspected_deliveries(deliveries: Iterable[Delivery], terms: DeliveryTerms, *, today: date) -> dict[str, Suspicion]:
    """Return the providers whose latest delivery is suspected, by AGB code.

    `deliveries` are all that are known; of two of one day the last counts. A shrunken snapshot is believed once so
    many in a row are alike that it is no accident. Depends on nothing but the deliveries, so a night that is run again
    gives the same.
    """
    by_day: dict[str, dict[date, Delivery]] = {}
    for delivery in deliveries:
        if delivery.day <= today:
            by_day.setdefault(delivery.provider, {})[delivery.day] = delivery
    found = {}
    for provider, days in sorted(by_day.items()):
        suspicion = _suspicion(provider, days, terms, today)
        if suspicion is not None:
            found[provider] = suspicion
    return found


def _suspicion(provider: str, days: Mapping[date, Delivery], terms: DeliveryTerms, today: date) -> Suspicion | None:
    believed: _Believed | None = None
    for day in sorted(days):
        believed = _read(days[day], believed, terms)
    if believed is None:
        return None
    last = days[max(days)]
    if believed.doubted:
        since = believed.doubted[0].day
        return Suspicion(provider, Fault.SHRUNKEN, since, last.registrations, believed.registrations, believed.day)
    if (today - last.day).days > terms.missing_after_days:
        since = date.fromordinal(last.day.toordinal() + 1)
        return Suspicion(provider, Fault.MISSING, since, 0, believed.registrations, believed.day)
    return None


def _read(delivery: Delivery, before: _Believed | None, terms: DeliveryTerms) -> _Believed:
    count = delivery.registrations
    if before is None or not _is_shrunken(count, before.registrations, terms):
        return _Believed(delivery.day, count)
    alike = not before.doubted or (
        abs(count - before.doubted[-1].registrations) <= terms.similar_share * before.doubted[-1].registrations
    )
    first = before.doubted[:1]
    # What comes after an unlike delivery starts the count anew, but the fault is as old as its first delivery.
    doubted = (*before.doubted, delivery) if alike else (*first, delivery)
    if len(doubted) >= terms.believed_after and _alike_at_the_end(doubted, terms):
        return _Believed(delivery.day, count)
    return _Believed(before.day, before.registrations, doubted)


def _alike_at_the_end(doubted: tuple[Delivery, ...], terms: DeliveryTerms) -> bool:
    last = [each.registrations for each in doubted[-terms.believed_after :]]
    return max(last) - min(last) <= terms.similar_share * max(last)


def _is_shrunken(count: int, expected: int, terms: DeliveryTerms) -> bool:
    return count < terms.shrunken_share * expected and expected - count >= terms.shrunken_fewest
