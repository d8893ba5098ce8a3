"""The run lock: one holder at a time, let go when its holder dies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dedup.errors import StoreError
from dedup.store.lock import INTAKE_LOCK, run_lock
from dedup.store.registry import Registry

HOLD = """
import signal, sys
from pathlib import Path
from dedup.store.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def test_a_second_holder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with run_lock(tmp_path), pytest.raises(StoreError) as locked, run_lock(tmp_path):
        pass
    assert locked.value.code == "store.locked"
    assert f"process {os.getpid()}" in locked.value.message


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with run_lock(tmp_path):
            pass


def test_receiving_and_running_do_not_exclude_each_other(tmp_path: Path) -> None:
    with run_lock(tmp_path), run_lock(tmp_path, name=INTAKE_LOCK):
        pass


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StoreError), run_lock(tmp_path):
        pass
    holder.kill()
    holder.communicate()
    with run_lock(tmp_path):
        pass


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "run.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), run_lock(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_on_postgresql_two_machines_exclude_each_other(tmp_path: Path, registry: Registry, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("one SQLite file is on one machine, where the lock file decides")
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    other = Registry(url)
    with (
        run_lock(tmp_path / "one", registry=registry),
        pytest.raises(StoreError) as locked,
        run_lock(tmp_path / "two", registry=other),
    ):
        pass
    assert locked.value.code == "store.locked"
    with run_lock(tmp_path / "two", registry=other):
        pass
    other.close()
