"""`dedup keys` from the outside: a custodian, a vendor and an operator exchange keys by files alone."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import LinkageKey
from dedup.bundle.serverkeys import load_server_keys

PUBLISHED = ("vendor/signing.pub", "vendor/sealing.pub", "server/sealing.pub", "server/receipts.pub")


def dedup(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run `dedup keys ... --json` in a folder and return what it printed."""
    command = [sys.executable, "-m", "dedup", "keys", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)  # fixed words
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_whole_exchange(tmp_path: Path) -> None:
    epoch = dedup(tmp_path, "new-epoch", "--out", "custodian/epoch.key")
    vendor = dedup(tmp_path, "vendor", "--out", "vendor")
    dedup(tmp_path, "server", "--out", "server")
    dedup(tmp_path, "seal", "custodian/epoch.key", "--to", "vendor/sealing.pub", "--out", "post/acme.sealed")
    opened = dedup(tmp_path, "open", "post/acme.sealed", "--with", "vendor/sealing.key", "--out", "vendor/epoch.key")
    dedup(
        tmp_path, "trust", "vendor/signing.pub", "--vendor", "acme",
        "--providers", "41000001, 41000002", "--server", "server",
    )  # fmt: skip
    dedup(tmp_path, "accept-epoch", epoch["key_id"], "--server", "server")
    rotation = dedup(tmp_path, "rotate", "--server", "server")

    custodians, vendors = (read_key(tmp_path / who / "epoch.key", LinkageKey) for who in ("custodian", "vendor"))
    assert custodians == vendors
    assert opened["key_id"] == epoch["key_id"] == custodians.key_id
    server = load_server_keys(tmp_path / "server")
    assert server.vendors[vendor["signing_key_id"]].providers == {"41000001", "41000002"}
    assert server.epochs == {epoch["key_id"]}
    assert set(server.sealing) == {rotation["key_id"], *rotation["still_opening"]}
    secrets = list(tmp_path.rglob("*.key"))
    assert len(secrets) == 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_every_command_prints_the_ids_that_are_compared_by_telephone(tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "dedup", "keys", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout

    vendor, server = said("vendor", "--out", "vendor"), said("server", "--out", "server")
    trusted = said("trust", "vendor/signing.pub", "--vendor", "acme", "--providers", "41000001", "--server", "server")

    key_id = {path: json.loads((tmp_path / path).read_text())["key_id"] for path in PUBLISHED}
    assert key_id["vendor/signing.pub"] in vendor
    assert key_id["vendor/sealing.pub"] in vendor
    assert key_id["vendor/signing.pub"] in trusted
    assert key_id["server/sealing.pub"] in server
    assert key_id["server/receipts.pub"] in server


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("accept-epoch", "0f1e2d3c4b5a69788796a5b4c3d2e1f", "--server", "server"), "key.epoch-id"),
        (("accept-epoch", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "--server", "sever"), "key.no-server"),
        (
            ("trust", "v/signing.pub", "--vendor", "acme", "--providers", "41000001", "--server", "sever"),
            "key.no-server",
        ),
        (("rotate", "--server", "sever"), "key.no-server"),
    ],
)
def test_a_slip_of_the_operator_changes_nothing(tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    dedup(tmp_path, "server", "--out", "server")
    dedup(tmp_path, "vendor", "--out", "v")
    before = sorted(tmp_path.rglob("*"))
    command = [sys.executable, "-m", "dedup", "keys", *arguments, "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (1, code) == (done.returncode, json.loads(done.stderr)["error"])
    assert before == sorted(tmp_path.rglob("*"))


def test_a_mixed_up_file_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    dedup(tmp_path, "vendor", "--out", "vendor")
    command = [sys.executable, "-m", "dedup", "keys", "new-epoch", "--out", "vendor/signing.key"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "[key.exists]" in done.stderr
