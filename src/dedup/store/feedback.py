"""What providers answered and what was learnt from it: one encrypted object beside the attribute stores.

The registry holds nothing of it but, in the audit log, the name of the object that counts: the event that says so is
the commit. An object that no event names is what a crash left, and goes with the next one that is kept.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from dedup.errors import StoreError
from dedup.store.audit import Actor, AuditEvent
from dedup.store.objects import ObjectDigest, ObjectStore
from dedup.store.registry import Registry
from dedup.store.tables import AuditRow
from dedup.store.wrapping import KeyWrapper

FOLDER = "feedback"
KEPT = "feedback.kept"


class FeedbackStore:
    """The answers as they stand: read as a whole, and replaced as a whole."""

    def __init__(self, folder: Path, wrapper: KeyWrapper, registry: Registry) -> None:
        self._objects = ObjectStore(folder / FOLDER, wrapper)
        self._registry = registry

    def current(self) -> bytes | None:
        """Return what is kept, None before the first answer; raises `StoreError` (`store.object-missing`)."""
        with self._registry.read() as session:
            newest = select(AuditRow.object).where(AuditRow.event == KEPT).order_by(AuditRow.number.desc()).limit(1)
            name = session.scalar(newest)
        return bytes(self._objects.get(ObjectDigest(name))) if name else None

    def replace(self, content: bytes, *, event: AuditEvent, actor: Actor) -> None:
        """Keep `content` in place of what there was; `event` says what happened, and is committed with it.

        Only the holder of the run lock may call this.
        """
        name = self._objects.put(content)
        kept = AuditEvent(KEPT, event.at, actor, name, event.ground)
        with self._registry.write(event, kept):
            pass  # the events are the change
        try:
            self._objects.recover([name])
        except StoreError:
            return  # it was removed under our hands; the next reader says so
