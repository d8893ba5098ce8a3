"""Looks into a registry as it is: nothing is made, migrated or changed, whichever version made it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from dedup.errors import StoreError
from dedup.store.registry import BUSY_TIMEOUT_SECONDS, translated
from dedup.store.schema import refuse_newer, revision_of


@contextmanager
def look_into(url: URL | str) -> Iterator[Session]:
    """Give a session that sees one moment of a registry, of whichever version, and cannot change it.

    Raises `StoreError`: `store.unsupported`, and `store.unavailable`, also where there is none.
    """
    engine = _engine(make_url(url))
    try:
        with translated(), Session(engine) as session:
            yield session
    finally:
        engine.dispose()


def schema_revision(session: Session) -> str | None:
    """Return the revision of the registry's schema, None where it has none yet.

    Raises `StoreError` (`store.newer-schema`) for one that this version does not know.
    """
    revision = revision_of(session.connection())
    refuse_newer(revision)
    return revision


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url,
            hide_parameters=True,
            connect_args={"connect_timeout": BUSY_TIMEOUT_SECONDS},
            execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        )
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise StoreError("store.unsupported", "The registry must be an SQLite file or a PostgreSQL database.")
    file = f"{Path(url.database).resolve().as_uri()}?mode=rw"
    engine = create_engine("sqlite://", hide_parameters=True, poolclass=NullPool, creator=lambda: _connection(file))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _connection(file: str) -> sqlite3.Connection:
    """Open a file that is there; not with `mode=ro`, which leaves SQLite's journal files behind."""
    # Without an isolation level the driver leaves it to us when a transaction begins: all is read of one moment.
    connection = sqlite3.connect(file, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    return connection
