"""Kill switches: what the operator turns off at once, kept in the registry so that the next request sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dedup.errors import StoreError
from dedup.store.audit import Actor, AuditEvent
from dedup.store.registry import Registry
from dedup.store.tables import SwitchRow

MAX_REASON = 128
_SET, _CLEARED = "switch.set", "switch.cleared"


class Switch(StrEnum):
    """What can be turned off."""

    READ_ONLY = "read-only"  # nothing is taken or changed; receipts and reports can be read
    NO_NEW_UPLOADS = "no-new-uploads"  # what has begun can be finished
    BLOCK_VENDOR = "block-vendor"  # one vendor can do nothing at all


@dataclass(frozen=True, slots=True)
class SetSwitch:
    """One switch that is set: for which vendor (empty: for all), why, by whom, since when."""

    switch: Switch
    vendor: str
    reason: str
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches that are set at one moment."""

    all: tuple[SetSwitch, ...]

    @property
    def read_only(self) -> bool:
        """Tell whether nothing may be changed."""
        return any(one.switch is Switch.READ_ONLY for one in self.all)

    @property
    def no_new_uploads(self) -> bool:
        """Tell whether no upload may begin."""
        return any(one.switch is Switch.NO_NEW_UPLOADS for one in self.all)

    def blocks(self, vendor: str) -> bool:
        """Tell whether this vendor is blocked."""
        return any(one.switch is Switch.BLOCK_VENDOR and one.vendor == vendor for one in self.all)


def switches_set(session: Session) -> Switches:
    """Return the switches that are set, by name and vendor."""
    rows = session.scalars(select(SwitchRow).order_by(SwitchRow.name, SwitchRow.vendor))
    return Switches(tuple(SetSwitch(Switch(row.name), row.vendor, row.reason, row.set_by, row.set_at) for row in rows))


def set_switch(registry: Registry, wanted: SetSwitch) -> None:
    """Set a switch, or give one that is set a new reason.

    Raises `StoreError`: `store.switch-reason` (none, or too long), `store.switch-vendor` (none, or one for a switch
    that concerns all).
    """
    _check(wanted.switch, wanted.vendor, wanted.reason)
    with registry.write(_event(_SET, wanted.switch, wanted.vendor, wanted.reason, wanted.set_by, wanted.set_at)) as s:
        s.merge(
            SwitchRow(
                name=wanted.switch.value,
                vendor=wanted.vendor,
                reason=wanted.reason,
                set_by=wanted.set_by,
                set_at=wanted.set_at,
            )
        )


def clear_switch(registry: Registry, switch: Switch, vendor: str, *, reason: str, by: str, at: datetime) -> None:
    """Clear a switch; raises `StoreError`: `store.switch-not-set`, and what `set_switch` raises."""
    _check(switch, vendor, reason)
    with registry.write(_event(_CLEARED, switch, vendor, reason, by, at)) as session:
        row = session.get(SwitchRow, (switch.value, vendor))
        if row is None:
            raise StoreError("store.switch-not-set", "This switch is not set.")
        session.delete(row)


def _check(switch: Switch, vendor: str, reason: str) -> None:
    if not 0 < len(reason) <= MAX_REASON:
        raise StoreError("store.switch-reason", f"Say why, in 1 to {MAX_REASON} characters.")
    if (switch is Switch.BLOCK_VENDOR) != bool(vendor):
        raise StoreError("store.switch-vendor", "Name the vendor for block-vendor, and for no other switch.")


def _event(code: str, switch: Switch, vendor: str, reason: str, by: str, at: datetime) -> AuditEvent:
    target = f"{switch.value}:{vendor}" if vendor else switch.value
    return AuditEvent(code, at, Actor(by, "operator"), target, reason)
