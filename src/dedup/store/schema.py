"""Bring a registry's schema to the version that this program knows, with Alembic migrations from inside the package."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from dedup.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0004"  # the newest revision; a test holds it against the migrations folder


def migrate(connection: Connection) -> None:
    """Make or upgrade the schema in the caller's transaction.

    Raises `StoreError` (`store.newer-schema`) when the schema has a revision that this version does not know.
    """
    current = revision_of(connection)
    if current == HEAD:
        return
    from alembic import command  # takes a third of a second, and is needed on a new version only
    from alembic.config import Config

    refuse_newer(current)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def refuse_newer(revision: str | None) -> None:
    """Raise `StoreError` (`store.newer-schema`) for a revision that this version does not know."""
    known = {path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}
    if revision is not None and revision not in known:
        message = "The registry was made by a newer version of dedup; install that version or restore a backup."
        raise StoreError("store.newer-schema", message)


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the schema that is there, None where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
