"""`dedup keys trust`, `withdraw`, `rotate` and `accept-epoch`: what they change, and that the audit log knew first."""

import getpass
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from dedup.bundle.keyfiles import write_key
from dedup.bundle.keys import SigningKey, VerifyingKey
from dedup.bundle.vendors import load_trusted_vendors, load_withdrawn_keys
from dedup.cli.app import app
from dedup.store.failpoints import VARIABLE

from .operated import NOW, Installation, code_of

EPOCH, NEXT_EPOCH = "0" * 32, "1" * 32


@pytest.fixture
def logged(operator: Installation) -> Installation:
    """An installation whose registry is there, as after its first night."""
    operator.registry().close()
    return operator


@pytest.fixture
def new_key(tmp_path: Path) -> tuple[VerifyingKey, Path]:
    key, path = SigningKey.generate().public(), tmp_path / "signing.pub"
    write_key(path, key, created=NOW)
    return key, path


def trusted(operator: Installation, file: Path, *options: object, providers: str = "41000001") -> Any:
    return operator.run("keys", "trust", file, "--vendor", "acme", "--providers", providers, *options)


def events(operator: Installation) -> list[tuple[str, str, str]]:
    told = operator.run("audit", "list")
    assert {(one["actor"], one["role"]) for one in told} <= {(getpass.getuser(), "operator")}
    return [(one["event"], one["object"], one["ground"]) for one in told]


def test_a_vendor_has_two_live_keys_at_most(operator: Installation) -> None:
    second, third = SigningKey.generate().public(), SigningKey.generate().public()
    operator.register(second)
    assert code_of(lambda: operator.register(third)) == "key.too-many"

    keys = ("--server", operator.keys)
    done = operator.run("keys", "withdraw", operator.key.key_id, "--vendor", "acme", *keys)
    assert done["key_ids"] == [second.key_id]
    operator.register(third)
    assert set(load_trusted_vendors(operator.vendors)) == {second.key_id, third.key_id}


def test_a_key_that_was_withdrawn_does_not_come_back(operator: Installation) -> None:
    second = SigningKey.generate().public()
    operator.register(second, replace_keys=True)
    assert load_withdrawn_keys(operator.vendors) == {operator.key.key_id}
    assert code_of(lambda: operator.register(operator.key)) == "key.withdrawn"


@pytest.mark.parametrize(("vendor", "code"), [("nobody", "key.vendor-unknown"), ("acme", "key.not-registered")])
def test_only_a_key_that_is_there_can_be_withdrawn(logged: Installation, vendor: str, code: str) -> None:
    words = ("keys", "withdraw", "another", "--vendor", vendor, "--server", logged.keys)
    assert code_of(lambda: logged.run(*words)) == code
    assert events(logged) == []


def test_the_receipt_key_is_announced_and_then_used(logged: Installation) -> None:
    words = ("keys", "rotate", "--receipts", "--server", logged.keys)
    announced, used = logged.run(*words), logged.run(*words)
    assert announced["next"] == used["key_id"]
    assert used["next"] is None
    assert events(logged) == [
        ("key.announced", used["key_id"], "receipt key"),
        ("key.rotated", used["key_id"], "receipt key"),
    ]


def test_a_key_can_have_a_last_day_and_keeps_it(logged: Installation, new_key: tuple[VerifyingKey, Path]) -> None:
    key, file = new_key
    assert trusted(logged, file, "--until", "2999-12-31")["until"] == {
        logged.key.key_id: None,
        key.key_id: "2999-12-31",
    }
    assert trusted(logged, file, providers="41000002")["until"][key.key_id] == "2999-12-31"
    assert trusted(logged, file, "--until", "2999-01-01")["until"][key.key_id] == "2999-01-01"
    assert code_of(lambda: trusted(logged, file, "--until", "2026-01-04")) == "key.until-past"


def test_who_is_trusted_and_for_whom_stands_in_the_audit_log(
    logged: Installation, new_key: tuple[VerifyingKey, Path]
) -> None:
    key, file = new_key
    trusted(logged, file, "--until", "2999-12-31", providers="41000002,41000003")
    logged.run("keys", "withdraw", key.key_id, "--vendor", "acme")
    assert events(logged) == [
        ("key.trusted", key.key_id, "vendor acme, good until 2999-12-31"),
        ("provider.granted", "acme:41000002", "vendor acme"),
        ("provider.granted", "acme:41000003", "vendor acme"),
        ("provider.revoked", "acme:41000001", "vendor acme"),
        ("key.withdrawn", key.key_id, "vendor acme"),
    ]


def test_keys_that_are_replaced_are_noted_as_withdrawn(
    logged: Installation, new_key: tuple[VerifyingKey, Path]
) -> None:
    key, file = new_key
    trusted(logged, file, "--replace")
    assert events(logged) == [
        ("key.withdrawn", logged.key.key_id, "vendor acme"),
        ("key.trusted", key.key_id, "vendor acme, good until it is withdrawn"),
    ]


def test_sealing_keys_and_epochs_stand_in_the_audit_log(logged: Installation) -> None:
    rotated = logged.run("keys", "rotate")
    logged.run("keys", "accept-epoch", EPOCH)
    logged.run("keys", "accept-epoch", NEXT_EPOCH)
    assert events(logged) == [
        ("key.rotated", rotated["key_id"], "sealing key"),
        ("epoch.accepted", EPOCH, "the list of epochs"),
        ("epoch.accepted", NEXT_EPOCH, "the list of epochs"),
        ("epoch.dropped", EPOCH, "the list of epochs"),
    ]


CHANGES: dict[str, Callable[[Installation, Path], list[object]]] = {
    "trust": lambda _, file: ["trust", file, "--vendor", "acme", "--providers", "41000001"],
    "withdraw": lambda one, _: ["withdraw", one.key.key_id, "--vendor", "acme"],
    "rotate": lambda _, __: ["rotate"],
    "announce": lambda _, __: ["rotate", "--receipts"],
    "accept-epoch": lambda _, __: ["accept-epoch", EPOCH],
}


def published(operator: Installation) -> dict[Path, bytes]:
    """What anybody is told of the keys, and of whom they are from."""
    return {path: path.read_bytes() for path in operator.keys.rglob("*") if path.suffix in {".pub", ".json"}}


@pytest.mark.parametrize("change", CHANGES)
def test_what_cannot_be_noted_is_not_done(
    logged: Installation, new_key: tuple[VerifyingKey, Path], change: str
) -> None:
    """The log refuses new events, as a full disk would."""
    with sqlite3.connect(logged.database) as database:
        database.execute("CREATE TRIGGER refuses BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
    before = published(logged)
    with pytest.raises(IntegrityError):
        logged.run("keys", *CHANGES[change](logged, new_key[1]))
    assert published(logged) == before


@pytest.mark.parametrize("change", CHANGES)
def test_killed_between_log_and_files_it_is_done_again(
    logged: Installation, new_key: tuple[VerifyingKey, Path], change: str
) -> None:
    """Then the log tells of it twice; it never misses a change."""
    words, before = [*CHANGES[change](logged, new_key[1])], published(logged)
    command = [sys.executable, "-m", "dedup", "keys", *map(str, words), "--config", str(logged.config)]
    killed = subprocess.run(command, env={**os.environ, VARIABLE: "keys.noted"}, check=False, timeout=60)
    assert (killed.returncode, published(logged) == before) == (-signal.SIGKILL, True)

    [noted] = events(logged)
    logged.run("keys", *words)
    assert published(logged) != before
    assert [(event, ground) for event, _, ground in events(logged)] == [(noted[0], noted[2])] * 2


def test_the_registry_beside_a_key_folder_is_its_own(logged: Installation, tmp_path: Path) -> None:
    """Who names the folder with --server, and no config that belongs to it, is noted all the same."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "settings.toml").write_text("")
    words = ["keys", "rotate", "--server", str(logged.keys), "--config", str(tmp_path / "elsewhere"), "--json"]
    told = json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)
    assert told["noted"]
    assert events(logged) == [("key.rotated", told["key_id"], "sealing key")]


def test_without_a_registry_a_change_is_made_and_says_that_nothing_noted_it(operator: Installation) -> None:
    assert operator.run("keys", "rotate")["noted"] is False
    words = ["keys", "rotate", "--config", str(operator.config)]
    assert "no audit log has noted it" in CliRunner().invoke(app, words, catch_exceptions=False).stderr
    assert not operator.database.exists()
