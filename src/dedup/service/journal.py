"""Audit events of what was only read: one commit for all that wait at the same moment, and no answer before it.

A read costs a commit of its own when the server is idle, and a share of one when it is busy. Nothing is put off until
later: whoever got an answer is in the log, whatever dies after that.
"""

from __future__ import annotations

import asyncio

from starlette.concurrency import run_in_threadpool

from dedup.store.audit import AuditEvent
from dedup.store.registry import Registry

_AT_ONCE = 500  # events in one transaction: other writers have to wait for it


class Journal:
    """Writes audit events to the registry's chain, for the event loop of one server."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: list[tuple[AuditEvent, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def note(self, event: AuditEvent) -> None:
        """Return when the event is in the log for good; raises `StoreError` (`store.unavailable`)."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((event, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await asyncio.shield(written)  # a client that goes away takes its event with it no more

    async def _write(self) -> None:
        """Write until nobody waits; what comes in while a transaction is on its way goes with the next."""
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            try:
                await run_in_threadpool(self._commit, [event for event, _ in batch])
            except Exception as error:
                for _, written in batch:
                    written.set_exception(error)
                    written.exception()  # somebody who went away does not look at it
            else:
                for _, written in batch:
                    written.set_result(None)
        self._writer = None

    def _commit(self, events: list[AuditEvent]) -> None:
        with self._registry.write(events[0], *events[1:]):
            pass  # the events are the change
