"""Looking into a registry sees it as it is, and can neither make nor change one."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError

from dedup.errors import StoreError
from dedup.store.audit import NIGHTLY, AuditEvent, audit_head
from dedup.store.looking import look_into, schema_revision
from dedup.store.registry import Registry
from dedup.store.schema import HEAD


def test_it_sees_what_is_there_on_either_database(url: str) -> None:
    registry = Registry(url)
    with registry.write(AuditEvent("made.up", datetime(2026, 11, 22, tzinfo=UTC), NIGHTLY, "x", "a test")):
        pass
    with look_into(url) as beside:
        assert (schema_revision(beside), audit_head(beside).number) == (HEAD, 1)
    registry.close()


def test_it_cannot_change_what_is_there(url: str) -> None:
    Registry(url).close()
    with pytest.raises((StoreError, DBAPIError)), look_into(url) as session:
        session.execute(text("DELETE FROM runs"))


def test_it_makes_none_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as missing, look_into(f"sqlite:///{tmp_path}/none.sqlite") as session:
        schema_revision(session)

    assert missing.value.code == "store.unavailable"
    assert list(tmp_path.iterdir()) == []


def test_any_folder_will_do_and_no_file_is_left_beside(tmp_path: Path) -> None:
    folder = tmp_path / "a b%20c?d#e&é"
    folder.mkdir()
    url = URL.create("sqlite", database=str(folder / "registry.sqlite"))
    Registry(url).close()
    with look_into(url) as session:
        assert schema_revision(session) == HEAD

    assert [path.name for path in folder.iterdir()] == ["registry.sqlite"]


def test_an_earlier_schema_stays_what_it_is_and_a_later_one_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.sqlite"
    Registry(url).close()
    connection = sqlite3.connect(tmp_path / "registry.sqlite")
    for revision in ("0001", "9999"):
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()
        with look_into(url) as session:
            if revision == "0001":
                assert schema_revision(session) == "0001"
                continue
            with pytest.raises(StoreError) as newer:
                schema_revision(session)
            assert newer.value.code == "store.newer-schema"
    connection.close()
