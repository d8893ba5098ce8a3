"""Changes of an installation's keys in the audit log: each is noted before it is made, or it is not made.

A crash between the two leaves an event of a change that did not happen, never a change without its event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL

from dedup.bundle.keys import KeyId
from dedup.bundle.receiptrotation import ReceiptRotation
from dedup.bundle.serverkeys import EpochChange
from dedup.bundle.vendors import VendorChange
from dedup.settings import Settings
from dedup.store.audit import Actor, AuditEvent
from dedup.store.failpoints import reach
from dedup.store.registry import Registry, registry_url

TRUSTED, WITHDRAWN, ROTATED, ANNOUNCED = "key.trusted", "key.withdrawn", "key.rotated", "key.announced"
GRANTED, REVOKED = "provider.granted", "provider.revoked"
ACCEPTED, DROPPED = "epoch.accepted", "epoch.dropped"


def registry_of(keys: Path, settings: Settings) -> Registry | None:
    """Open the registry that a server's key folder belongs to: the settings' own, else the one in `store` beside it.

    None where there is none yet: an SQLite file is not made here, since whoever makes it owns it, and that has to be
    the service's user. Raises `StoreError` as `Registry`.
    """
    if keys.resolve() == (settings.server_home / "keys").resolve():
        url = registry_url(settings)
    else:
        url = URL.create("sqlite", database=str(keys.resolve().parent / "store" / "registry.sqlite"))
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    return Registry(url)


@dataclass(frozen=True, slots=True)
class KeyLog:
    """Notes what one person does to keys at one moment; each of its calls raises `StoreError` when it cannot.

    Without a registry it is not kept, and notes nothing.
    """

    registry: Registry | None
    actor: Actor
    at: datetime

    @property
    def is_kept(self) -> bool:
        """Tell whether there is a log to note anything in."""
        return self.registry is not None

    def vendor_changes(self, change: VendorChange) -> None:
        """Note which keys and providers of a vendor come and go."""
        vendor = change.vendor
        events = [self._event(WITHDRAWN, key_id, f"vendor {vendor}") for key_id in sorted(change.withdrawn)]
        if change.key is not None:
            good = f"good until {change.until}" if change.until else "good until it is withdrawn"
            events.append(self._event(TRUSTED, change.key, f"vendor {vendor}, {good}"))
        for event, providers in ((GRANTED, change.granted), (REVOKED, change.revoked)):
            events += [self._event(event, f"{vendor}:{agb}", f"vendor {vendor}") for agb in sorted(providers)]
        self._note(events)

    def sealing_key_changes(self, key_id: KeyId) -> None:
        """Note the new sealing key."""
        self._note([self._event(ROTATED, key_id, "sealing key")])

    def receipt_key_changes(self, rotation: ReceiptRotation) -> None:
        """Note that the next receipt key is published, or that it is put to use."""
        if rotation.next is not None:
            self._note([self._event(ANNOUNCED, rotation.next.key_id, "receipt key")])
        else:
            self._note([self._event(ROTATED, rotation.current.key_id, "receipt key")])

    def epochs_change(self, change: EpochChange) -> None:
        """Note every epoch that is accepted from now on, and those that no longer are."""
        accepted = [self._event(ACCEPTED, epoch, "the list of epochs") for epoch in sorted(change.accepted)]
        dropped = [self._event(DROPPED, epoch, "the list of epochs") for epoch in sorted(change.dropped)]
        self._note(accepted + dropped)

    def _event(self, code: str, target: str, ground: str) -> AuditEvent:
        return AuditEvent(code, self.at, self.actor, target, ground)

    def _note(self, events: list[AuditEvent]) -> None:
        if self.registry is None:
            return
        with self.registry.write(*events):
            pass  # the events are all that the registry holds of it
        reach("keys.noted")
