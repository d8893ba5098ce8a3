"""A registry on SQLite and one on a throw-away PostgreSQL cluster, made from the Debian packages."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from dedup.store.audit import NIGHTLY, AuditEvent
from dedup.store.registry import Registry
from dedup.store.submissions import Submission

NOW = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.fixture
def event() -> AuditEvent:
    return AuditEvent("test.changed", NOW, NIGHTLY, "object-1", "test")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The socket folder of a running cluster."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        if os.environ.get("CI"):
            pytest.fail("CI needs PostgreSQL; install Debian's package postgresql")
        pytest.skip("PostgreSQL is not installed")
    bin_folder = programs[-1]
    folder = Path(tempfile.mkdtemp(prefix="dedup-pg-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_owner = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    data = folder / "data"
    server = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def run(*command: str | Path) -> None:
        subprocess.run([*as_owner, *map(str, command)], check=True, capture_output=True, cwd=folder)

    run(bin_folder / "initdb", "-D", data, "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "dedup")
    run(bin_folder / "pg_ctl", "-D", data, "-o", server, "-l", folder / "log", "-w", "start")
    yield str(folder)
    run(bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once on each of the two."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.sqlite"
    socket = request.getfixturevalue("postgresql")
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(host=socket, user="dedup", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://dedup@/{name}?host={socket}"


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    opened = Registry(url)
    yield opened
    opened.close()


@pytest.fixture
def submission() -> Submission:
    return Submission(
        id="0" * 32,
        vendor="vitaal",
        provider="12345678",
        snapshot_date=TODAY,
        created_at=NOW,
        received_at=NOW,
        file_sha256="a" * 64,
        file_bytes=10,
        body_sha256="b" * 64,
        epoch_key_id="epoch-1",
        model_digest="c" * 64,
    )
