"""The registry: a database that knows what was received and done, and by whom; SQLite or PostgreSQL.

Every change goes through `Registry.write`, which asks for the audit event that describes it and commits both together.
What is read goes through `Registry.read`, where the database itself refuses to write.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from dedup.errors import StoreError
from dedup.settings import Settings
from dedup.store.audit import AuditEvent, AuditHead, append_events, audit_head, verify_chain
from dedup.store.durable import PRIVATE_FILE, make_private_folder
from dedup.store.schema import migrate

BUSY_TIMEOUT_SECONDS = 30
# PostgreSQL's advisory locks are numbers; these two are ours: one writer at a time, and the locks of store.lock.
WRITER_LOCK = 0x6465647570  # "dedup"
_ACCESS = "dedup_access"


def registry_url(settings: Settings) -> URL:
    """Return the registry's address: `[store] url`, by default SQLite in the server's store folder.

    Raises `StoreError` (`store.unsupported`) for an address that is neither SQLite nor PostgreSQL.
    """
    configured = settings.text("store", "url", "")
    if not configured:
        return URL.create("sqlite", database=str(settings.server_home / "store" / "registry.sqlite"))
    try:
        url = make_url(configured)
    except ArgumentError as error:
        raise StoreError("store.unsupported", "The setting [store] url is not a database address.") from error
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


class Registry:
    """An open registry whose schema is the one this version knows."""

    def __init__(self, url: URL | str) -> None:
        """Open the registry, make or migrate its schema.

        Raises `StoreError`: `store.unsupported`, `store.unavailable`, or `store.newer-schema` when a newer version of
        this program made it.
        """
        self._url = make_url(url)
        self._engine = _make_engine(self._url)
        self._reading = self._engine.execution_options(
            **{_ACCESS: "read"},
            **({} if self._is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}),
        )
        self._writing = self._engine.execution_options(**{_ACCESS: "write"})
        with translated(), self._writing.begin() as connection:
            self._become_writer(connection)
            migrate(connection)

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one moment of the registry and cannot change it."""
        with translated(), Session(self._reading) as session, session.begin():
            yield session

    @contextmanager
    def write(self, first: AuditEvent, *more: AuditEvent) -> Iterator[Session]:
        """Give a session whose changes are committed together with the audit events that describe them.

        One writer at a time; when the block raises, neither the changes nor the events are kept.
        """
        with translated(), Session(self._writing) as session, session.begin():
            self._become_writer(session.connection())
            yield session
            session.flush()
            append_events(session, (first, *more))

    def audit_head(self) -> AuditHead:
        """Return the number and hash of the last audit event."""
        with self.read() as session:
            return audit_head(session)

    def verify_audit(self, noted: AuditHead | None = None) -> AuditHead:
        """Check the whole audit chain, and that a head noted earlier is still in it; return its head.

        Raises `StoreError`: `store.audit-broken` or `store.audit-cut`.
        """
        with self.read() as session:
            return verify_chain(session, noted)

    @contextmanager
    def advisory_lock(self, name: str) -> Iterator[None]:
        """Hold a lock in the database itself; on SQLite, where the lock file says it all, this does nothing.

        Raises `StoreError` (`store.locked`) when another connection holds it.
        """
        if self._is_sqlite:
            yield
            return
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
        with translated(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": number}):
                raise StoreError("store.locked", "The store is in use by another run; wait for it to end.")
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _become_writer(self, connection: Connection) -> None:
        """Wait for our turn; on SQLite BEGIN IMMEDIATE has done so already."""
        if not self._is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": WRITER_LOCK})


def _make_engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(url, hide_parameters=True, connect_args={"connect_timeout": BUSY_TIMEOUT_SECONDS})
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise StoreError("store.unsupported", "The registry must be an SQLite file or a PostgreSQL database.")
    path = Path(url.database)
    make_private_folder(path.parent)
    # SQLite gives its journal files the permissions of the database, so the file must be private before it opens it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own idea of when a transaction begins is switched off
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_ACCESS) == "write"
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """Turn a database that cannot be reached, is busy or full into one clear sentence without its address."""
    try:
        yield
    except OperationalError as error:
        raise StoreError(
            "store.unavailable", "The registry cannot be reached, is busy, or has no room left."
        ) from error
    except DBAPIError as error:
        if error.connection_invalidated or type(error.orig).__name__ == "DatabaseError":
            raise StoreError("store.unavailable", "The registry is damaged or its connection broke.") from error
        raise
