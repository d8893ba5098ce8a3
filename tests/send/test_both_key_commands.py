"""`dedup keys` and `dedup-keys` of clients/js: what a vendor does with keys, with the same files and sentences."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.send.conftest import ROOT, Serving

from dedup.bundle.epochkey import seal_linkage_key
from dedup.bundle.keyfiles import read_key, write_key
from dedup.bundle.keys import (
    LinkageKey,
    ReceiptSigningKey,
    SigningKey,
    VendorSealingPrivateKey,
    VendorSealingPublicKey,
    VerifyingKey,
)
from dedup.cli import main
from dedup.send.credentials import read_credentials

JS = ROOT / "clients/js"
CLIENTS = ("python", "js")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and (JS / "node_modules/@hpke/core").is_dir()) and not os.environ.get("CI"),
    reason="node or clients/js/node_modules is missing; make test installs them",
)


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def keys(client: str, *arguments: object, cwd: Path) -> Done:
    words = [str(argument) for argument in arguments]
    if client == "js":
        command = ["node", str(JS / "bin/dedup-keys.js"), *words]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
        return Done(done.returncode, done.stdout, done.stderr)
    out, err = StringIO(), StringIO()
    with (
        chdir(cwd), redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", ["dedup", "keys", *words]),
        pytest.raises(SystemExit) as ended,
    ):  # fmt: skip
        main()  # in this process: to start another takes longer than all that it does
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def both(*arguments: object, cwd: Path, written: str = "") -> tuple[int, str, str]:
    """Run both on the same; assert that they say and write the same, but for the moment; return what they say."""
    results = []
    for client in CLIENTS:
        done = keys(client, *arguments, cwd=cwd)
        text = MOMENT.sub("MOMENT", (cwd / written).read_text()) if written and (cwd / written).exists() else ""
        results.append((done.returncode, done.stdout, done.stderr, text, _mode(cwd / written)))
        if text:
            (cwd / written).unlink()
    assert results[0] == results[1]
    return results[0][:3]


def _mode(path: Path) -> int:
    return path.stat().st_mode if path.is_file() else 0


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    """A vendor's folder: its signing key, the server's receipt key, a linkage key that was sealed to it."""
    sealing, epoch = VendorSealingPrivateKey.generate(), LinkageKey.generate()
    write_key(tmp_path / "sealing.key", sealing, created=NOW)
    write_key(tmp_path / "signing.key", SigningKey.generate(), created=NOW)
    write_key(tmp_path / "receipts.pub", ReceiptSigningKey.generate().public(), created=NOW)
    seal_linkage_key(tmp_path / "acme.sealed", epoch, sealing.public(), created=NOW)
    return tmp_path


def altered(sealed: Path) -> None:
    document = json.loads(sealed.read_text())
    last = "A" if document["sealed"][-2] != "A" else "B"
    sealed.write_text(json.dumps(document | {"sealed": document["sealed"][:-2] + last + document["sealed"][-1]}))


CREDENTIALS = (
    "credentials", "--out", "credentials.json", "--url", "https://dedup.example.nl/", "--vendor", "acme",
    "--signing-key", "signing.key", "--receipt-key", "receipts.pub",
)  # fmt: skip


@pytest.mark.parametrize(("maker", "opener"), [("js", "python"), ("python", "js")])
def test_key_pairs_of_one_are_keys_for_the_other(tmp_path: Path, maker: str, opener: str) -> None:
    made = keys(maker, "vendor", "--out", "keys", "--json", cwd=tmp_path)
    told, folder = json.loads(made.stdout), tmp_path / "keys"
    assert told["files"] == [f"keys/{name}" for name in ("signing.key", "signing.pub", "sealing.key", "sealing.pub")]
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "signing.key": 0o600, "signing.pub": 0o644, "sealing.key": 0o600, "sealing.pub": 0o644,
    }  # fmt: skip
    assert read_key(folder / "signing.key", SigningKey).key_id == told["signing_key_id"]
    assert read_key(folder / "signing.pub", VerifyingKey).key_id == told["signing_key_id"]

    epoch = LinkageKey.generate()
    seal_linkage_key(tmp_path / "sealed", epoch, read_key(folder / "sealing.pub", VendorSealingPublicKey), created=NOW)
    opened = keys(opener, "open", "sealed", "--with", "keys/sealing.key", "--out", "epoch.key", cwd=tmp_path)
    assert opened.returncode == 0, opened.stderr
    assert read_key(tmp_path / "epoch.key", LinkageKey).secret == epoch.secret


def test_they_open_the_same_linkage_key(vendor: Path) -> None:
    said = both("open", "acme.sealed", "--with", "sealing.key", "--out", "epoch.key", cwd=vendor, written="epoch.key")
    assert re.fullmatch(r"Wrote the linkage key of epoch [0-9a-f]{32} to epoch\.key\.\n", said[1])


def test_they_write_the_same_credentials(vendor: Path) -> None:
    said = both(*CREDENTIALS, cwd=vendor, written="credentials.json")
    assert said[1].startswith("Wrote credentials.json: vendor acme proves who it is with key ")
    document = both(*CREDENTIALS, "--json", cwd=vendor, written="credentials.json")
    assert json.loads(document[1]).keys() == {"file", "signing_key_id", "receipts_key_ids"}

    assert keys("js", *CREDENTIALS, cwd=vendor).returncode == 0
    assert read_credentials(vendor / "credentials.json").url == "https://dedup.example.nl"


def test_they_name_a_signing_key_outside_the_folder_by_its_whole_path(vendor: Path) -> None:
    (vendor / "elsewhere").mkdir()
    both(
        "credentials", "--out", "elsewhere/c.json", "--url", "https://a.nl", "--vendor", "acme",
        "--signing-key", "signing.key", "--receipt-key", "receipts.pub", cwd=vendor, written="elsewhere/c.json",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "arguments", "code"),
    [
        (None, ("open", "none", "--with", "sealing.key", "--out", "x"), "key.missing"),
        (None, ("open", "acme.sealed", "--with", "signing.key", "--out", "x"), "key.wrong-kind"),
        (None, ("open", "acme.sealed", "--with", "sealing.key", "--out", "signing.key"), "key.exists"),
        (
            lambda one: (one / "sealing.key").chmod(0o644),
            ("open", "acme.sealed", "--with", "sealing.key", "--out", "x"), "key.permissions",
        ),
        (
            lambda one: write_key(one / "other.key", VendorSealingPrivateKey.generate(), created=NOW),
            ("open", "acme.sealed", "--with", "other.key", "--out", "x"), "key.wrong-recipient",
        ),
        (
            lambda one: altered(one / "acme.sealed"),
            ("open", "acme.sealed", "--with", "sealing.key", "--out", "x"), "key.cannot-open",
        ),
        (
            lambda one: (one / "receipts.pub").write_text("{}"),
            CREDENTIALS, "key.malformed",
        ),
        (None, (*CREDENTIALS[:4], "http://a.nl", *CREDENTIALS[5:]), "send.url"),
        (None, ("fetch", "--credentials", "signing.key", "--out", "x"), "key.wrong-kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_they_refuse_with_the_same_sentence(vendor: Path, spoil: object, arguments: tuple[str, ...], code: str) -> None:
    if callable(spoil):
        spoil(vendor)
    exit_code, out, err = both(*arguments, cwd=vendor)
    assert (exit_code, out) == (1, "")
    assert err.endswith(f" [{code}]\n")


def test_they_fetch_the_same_key_and_note_when_it_was_signed(shared: Serving) -> None:
    said = both("fetch", "--credentials", "credentials.json", "--out", "new.pub", cwd=shared.vendor, written="new.pub")
    assert said[0] == 0, said
    published = json.loads((shared.server / "keys" / "sealing.pub").read_text())
    assert said[1] == f"Wrote the server's sealing key {published['key_id']} to new.pub.\n"

    for client in CLIENTS:
        document = json.loads(shared.credentials.read_text())
        shared.credentials.write_text(json.dumps(document | {"keys_issued_at": "2026-01-01T00:00:00Z"}))
        done = keys(client, "fetch", "--credentials", "credentials.json", "--out", "new.pub", cwd=shared.vendor)
        assert done.returncode == 0, done.stderr
        noted = read_credentials(shared.credentials).keys_issued_at
        assert noted is not None
        assert abs((datetime.now(UTC) - noted).total_seconds()) < 60


def test_they_refuse_keys_from_before_those_that_they_saw(shared: Serving) -> None:
    kept = shared.credentials.read_text()
    shared.credentials.write_text(json.dumps(json.loads(kept) | {"keys_issued_at": "2999-01-01T00:00:00Z"}))
    refused = {}
    try:
        for client in CLIENTS:
            done = keys(client, "fetch", "--credentials", "credentials.json", "--out", "older.pub", cwd=shared.vendor)
            refused[client] = (done.returncode, MOMENT.sub("MOMENT", done.stderr))
    finally:
        shared.credentials.write_text(kept)

    assert refused["python"] == refused["js"]
    assert refused["js"] == (
        1,
        "The server's keys were signed at MOMENT, before those of MOMENT that it gave already; nothing was sent. "
        "Ask the operator, by telephone. [send.keys-older]\n",
    )
    assert not (shared.vendor / "older.pub").exists()


def test_a_wrong_call_is_told_as_one(tmp_path: Path) -> None:
    for arguments in (
        [],
        ["bake"],
        ["fetch", "--out", "x"],
        ["vendor", "--out", "x", "--url", "y"],
        ["open", "--out", "x"],
        ["vendor", "file", "--out", "x"],
    ):
        done = keys("js", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith("\nTry dedup-keys --help.\n")
