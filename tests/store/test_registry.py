"""The registry, on both databases: one schema, one writer, no change without an audit event."""

import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from dedup.errors import StoreError
from dedup.settings import Settings
from dedup.store.audit import AuditEvent, AuditHead
from dedup.store.registry import Registry, registry_url
from dedup.store.schema import HEAD, MIGRATIONS
from dedup.store.tables import Base, RunRow, RunState


def run_row(number: int) -> RunRow:
    night = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
    return RunRow(id=f"run-{number}", night=night.date(), started_at=night, state=RunState.RUNNING)


@pytest.mark.usefixtures("registry")
def test_the_migrations_make_exactly_the_tables_that_the_code_uses(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_opening_again_changes_nothing(registry: Registry, url: str, event: AuditEvent) -> None:
    with registry.write(event) as session:
        session.add(run_row(1))
    again = Registry(url)
    with again.read() as session:
        assert [row.id for row in session.query(RunRow)] == ["run-1"]
    again.close()


@pytest.mark.usefixtures("registry")
def test_a_schema_of_a_newer_version_is_refused(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError) as refused:
        Registry(url)
    assert refused.value.code == "store.newer-schema"


def test_a_change_and_its_audit_event_are_kept_together(registry: Registry, event: AuditEvent) -> None:
    with registry.write(event) as session:
        session.add(run_row(1))
    assert registry.verify_audit().number == 1


def test_neither_change_nor_event_is_kept_when_the_block_raises(registry: Registry, event: AuditEvent) -> None:
    with pytest.raises(DBAPIError), registry.write(event) as session:
        session.add_all([run_row(1), run_row(1)])  # the same key twice
    with registry.read() as session:
        assert session.query(RunRow).count() == 0
    assert registry.verify_audit().number == 0


def test_there_is_no_writing_without_an_event(registry: Registry) -> None:
    with pytest.raises(TypeError), registry.write():  # type: ignore[call-arg]  # the point of the test
        pass


def test_what_is_read_cannot_be_changed(registry: Registry, event: AuditEvent) -> None:
    with registry.write(event) as session:
        session.add(run_row(1))
    with pytest.raises((StoreError, DBAPIError)), registry.read() as session:
        session.execute(text("DELETE FROM runs"))
    with registry.write(event) as session:  # the same pool can write again
        assert session.query(RunRow).count() == 1


def test_writers_take_turns_and_the_chain_stays_whole(registry: Registry, event: AuditEvent) -> None:
    def write(first: int) -> None:
        for number in range(first, first + 10):
            with registry.write(event) as session:
                session.add(run_row(number))

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.verify_audit().number == 30


def test_moments_come_back_as_they_were(registry: Registry, event: AuditEvent) -> None:
    with registry.write(event) as session:
        session.add(run_row(1))
    with registry.read() as session:
        assert datetime(2026, 11, 22, 1, 15, tzinfo=UTC) == session.get_one(RunRow, "run-1").started_at


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'another'", "DELETE FROM audit"])
def test_the_database_refuses_to_change_the_audit_log(registry: Registry, event: AuditEvent, statement: str) -> None:
    with registry.write(event):
        pass
    with pytest.raises(DBAPIError, match="append-only"), registry.write(event) as session:
        session.execute(text(statement))
    assert registry.verify_audit().number == 1


def without_protection(registry: Registry, statement: str) -> None:
    """Change the log as someone would who owns the database."""
    engine = create_engine(registry._url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for change in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_refuses_{change}"))
        else:
            connection.execute(text("DROP TRIGGER audit_refuses_change ON audit"))
        connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'another' WHERE number = 2",
        "UPDATE audit SET at = '2020-01-01 00:00:00' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit WHERE number = 1",
    ],
)
def test_a_changed_log_is_noticed(registry: Registry, event: AuditEvent, statement: str) -> None:
    for _ in range(3):
        with registry.write(event):
            pass
    without_protection(registry, statement)
    with pytest.raises(StoreError) as broken:
        registry.verify_audit()
    assert broken.value.code == "store.audit-broken"


def test_a_log_that_was_cut_off_is_noticed_by_a_head_noted_elsewhere(registry: Registry, event: AuditEvent) -> None:
    for _ in range(3):
        with registry.write(event):
            pass
    noted = registry.audit_head()
    assert noted == registry.verify_audit(noted)
    without_protection(registry, "DELETE FROM audit WHERE number = 3")
    assert registry.verify_audit().number == 2
    with pytest.raises(StoreError) as cut:
        registry.verify_audit(noted)
    assert cut.value.code == "store.audit-cut"


def test_an_empty_log_is_whole(registry: Registry) -> None:
    assert AuditHead(0, "0" * 64) == registry.verify_audit()


def test_the_sqlite_file_and_its_journal_are_private_and_durable(tmp_path: Path, event: AuditEvent) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/store/registry.sqlite")
    with registry.write(event) as session:
        pragmas = {
            name: session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store").iterdir()}
    assert {0o600} == set(modes.values())
    registry.close()


def test_an_unreachable_database_is_one_sentence_without_its_password() -> None:
    with pytest.raises(StoreError) as unreachable:
        Registry("postgresql+psycopg://user:hunter2@127.0.0.1:1/none")
    assert unreachable.value.code == "store.unavailable"
    assert "hunter2" not in unreachable.value.message


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(StoreError) as damaged:
        Registry(f"sqlite:///{tmp_path}/registry.sqlite")
    assert damaged.value.code == "store.unavailable"


@pytest.mark.parametrize("address", ["mysql://localhost/x", "sqlite://", "not an address"])
def test_other_databases_are_refused(tmp_path: Path, address: str) -> None:
    settings = Settings(tmp_path / "config", tmp_path, {"store": {"url": address}})
    with pytest.raises(StoreError) as refused:
        Registry(registry_url(settings))
    assert refused.value.code == "store.unsupported"


def test_the_registry_lies_in_the_server_folder_unless_set_otherwise(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "config", tmp_path, {})
    assert str(tmp_path / "server" / "store" / "registry.sqlite") == registry_url(settings).database
    settings = Settings(tmp_path / "config", tmp_path, {"store": {"url": "postgresql://db/dedup"}})
    assert registry_url(settings).drivername == "postgresql+psycopg"
