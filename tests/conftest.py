"""What tests of several rooms share: a small made-up installation, before and after a night, and PostgreSQL."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from dedup.encode.job import Encoded
from dedup.lab.installation import Installation, build_installation, submit
from dedup.lab.simulate import SimulationSettings, generate
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import run_night

ROOT = Path(__file__).parents[1]
NIGHT = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """600 registrations of 12 providers in 3 KSVs, encoded, sealed and in the inbox; do not change it."""
    simulation = generate(SimulationSettings(registrations=600, doubles=0.08, seed=7, day=NIGHT, providers=12, ksvs=3))
    folder = tmp_path_factory.mktemp("submitted") / "installation"
    installation = build_installation(folder, simulation, config=ROOT / "config", created=NOW)
    outcomes = list(submit(installation, today=NIGHT, created=NOW, processes=1))
    assert all(isinstance(outcome, Encoded) for outcome in outcomes)
    return installation


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Installation, str], Installation]:
    """Return a function that copies an installation under a name, so that a test may change it."""

    def copied(installation: Installation, name: str) -> Installation:
        shutil.copytree(installation.folder, tmp_path / name)
        return Installation(tmp_path / name)

    return copied


@pytest.fixture
def installation(submitted: Installation, copy_of: Callable[[Installation, str], Installation]) -> Installation:
    """An installation with a full inbox that the test may change."""
    return copy_of(submitted, "installation")


@dataclass(frozen=True)
class FirstNight:
    """An installation after the night of 22 November 2026, and what that night made; do not change it."""

    installation: Installation
    result: NightResult


@pytest.fixture(scope="session")
def first_night(submitted: Installation, tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    folder = tmp_path_factory.mktemp("first-night") / "installation"
    shutil.copytree(submitted.folder, folder)
    done = Installation(folder)
    moment = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
    with open_night(done.settings, today=NIGHT, clock=lambda: moment) as night:
        return FirstNight(done, run_night(night))


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL of our own: the folder of its socket, and how to kill it and start it again."""

    folder: Path
    restart: Callable[[], None]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A throw-away cluster, made from the Debian packages."""
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

    def start() -> None:
        run(bin_folder / "pg_ctl", "-D", data, "-o", server, "-l", folder / "log", "-w", "start")

    def restart() -> None:
        run(bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        start()

    start()
    yield Cluster(folder, restart)
    run(bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def postgresql_url(cluster: Cluster) -> str:
    """The address of an empty database on PostgreSQL."""
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(host=str(cluster.folder), user="dedup", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql+psycopg://dedup@/{name}?host={cluster.folder}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once on each of the two."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.sqlite"
    address: str = request.getfixturevalue("postgresql_url")
    return address
