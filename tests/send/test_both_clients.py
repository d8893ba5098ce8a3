"""`dedup send` and `dedup-send` of clients/js: one behaviour, one set of sentences, one JSON document."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.send.conftest import ROOT, SMALL_CHUNK, FlakyNetwork, Serving, free_port
from tests.send.test_upload import assert_accepted_once, bundles_of, new_bundle, other_receipt_key

from dedup.bundle.container import UNSEALED_MAGIC
from dedup.bundle.keys import b64url, unb64url
from dedup.send.receipt import receipt_path

JS = ROOT / "clients/js"
CLIENTS = {"python": [sys.executable, "-m", "dedup", "send"], "js": ["node", str(JS / "bin/dedup-send.js")]}

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and (JS / "node_modules/@hpke/core").is_dir()) and not os.environ.get("CI"),
    reason="node or clients/js/node_modules is missing; make test installs them",
)


def send(client: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [*CLIENTS[client], "--patience", "1", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def both(serving: Serving, *arguments: object) -> tuple[int, str, str]:
    """Run both clients on the same; assert that they say and do the same, and return that."""
    results = []
    for client in CLIENTS:
        done = send(client, *arguments, "--credentials", "credentials.json", cwd=serving.vendor)
        error = json.dumps(json.loads(done.stderr)) if "--json" in arguments and done.stderr else done.stderr
        results.append((done.returncode, done.stdout, error))
        for receipt in serving.vendor.glob("same-*.receipt.json"):
            receipt.unlink()
    assert results[0] == results[1]
    return results[0]


def test_they_say_the_same_of_an_accepted_bundle_and_of_its_receipt(shared: Serving) -> None:
    new_bundle(shared, "same-accepted")
    send("python", "same-accepted.bundle", "--credentials", "credentials.json", cwd=shared.vendor)
    receipt_path(shared.vendor / "same-accepted.bundle", None).unlink()

    code, out, err = both(shared, "same-accepted.bundle", "--json")
    [told] = json.loads(out)["bundles"]

    assert (code, err) == (0, "")
    assert (told["state"], told["duplicate"], told["receipt"]) == (
        "accepted", True, "same-accepted.bundle.receipt.json",
    )  # fmt: skip
    assert both(shared, "same-accepted.bundle")[1].startswith("same-accepted.bundle: accepted before on ")


def test_each_believes_the_receipt_that_the_other_kept(shared: Serving) -> None:
    new_bundle(shared, "first")
    for sender, reader in (("js", "python"), ("python", "js")):
        receipt_path(shared.vendor / "first.bundle", None).unlink(missing_ok=True)
        send(sender, "first.bundle", "--credentials", "credentials.json", cwd=shared.vendor)
        read = send(reader, "first.bundle", "--credentials", "credentials.json", "--json", cwd=shared.vendor)

        assert json.loads(read.stdout)["bundles"][0]["state"] == "known"


def with_algorithm(bundle: bytes, name: str) -> bytes:
    """The bundle, its statement saying that it is signed with another algorithm, of a name as long."""
    length = int.from_bytes(bundle[8:12], "big")
    header, rest = bundle[12 : 12 + length].split(b".", 1)
    text = unb64url(header.decode()).replace(b'"ES256"', f'"{name}"'.encode())
    return bundle[:12] + b64url(text).encode() + b"." + rest + bundle[12 + length :]


def signed_by_nobody(bundle: bytes) -> bytes:
    """The bundle with another signature of the same length."""
    end = 12 + int.from_bytes(bundle[8:12], "big")
    return bundle[: end - 86] + b64url(bytes(range(64))).encode() + bundle[end:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "bundle.altered": lambda bundle: bundle[:-1] + bytes([bundle[-1] ^ 1]),
    "bundle.not-a-bundle": lambda _: b"no bundle",
    "bundle.oversize": lambda bundle: bundle[:8] + b"\xff\xff\xff\xff" + bundle[12:],
    "bundle.signature-algorithm": lambda bundle: with_algorithm(bundle, "ES512"),
    "bundle.signature-wrong": signed_by_nobody,
    "bundle.signature-malformed": lambda bundle: bundle[:14] + b"." + bundle[15:],
    "bundle.trailing-bytes": lambda bundle: bundle + b"x",
    "bundle.truncated": lambda bundle: bundle[:-1],
    "bundle.unsealed": lambda bundle: UNSEALED_MAGIC + bundle[8:],
}
SHORTER = {"empty": 0, "magic": 8, "head": 10, "statement": 400}


def test_what_is_no_whole_sealed_bundle_is_not_sent(shared: Serving) -> None:
    good = bundles_of(shared)[0].read_bytes()
    damaged = shared.vendor / "damaged"
    damaged.mkdir()
    for code, damage in DAMAGES.items():
        (damaged / f"{code}.bundle").write_bytes(damage(good))
    for name, length in SHORTER.items():
        (damaged / f"cut-{name}.bundle").write_bytes(good[:length])

    exit_code, out, err = both(shared, "damaged", "missing.bundle")
    told = dict(re.findall(r"^(\S+)\.bundle: failed\. .* \[(\S+)\]$", err, re.MULTILINE))

    assert (exit_code, out) == (1, "")
    assert told == {
        **{code: code for code in DAMAGES},
        **dict.fromkeys(("cut-magic", "cut-head", "cut-statement"), "bundle.truncated"),
        "cut-empty": "bundle.not-a-bundle",
        "missing": "bundle.unreadable",
    }


def test_they_stop_at_a_server_that_they_cannot_believe(shared: Serving) -> None:
    new_bundle(shared, "same-unbelieved")
    with other_receipt_key(shared):
        code, out, err = both(shared, "same-unbelieved.bundle", "--json")

    assert (code, json.loads(err)["error"]) == (1, "send.keys-wrong")
    assert json.loads(out)["error"] == "send.keys-wrong"
    assert both(shared, "same-unbelieved.bundle", "--to", "http://example.nl")[2].endswith(" [send.url]\n")
    assert both(shared, "same-unbelieved.bundle", "--to", f"http://127.0.0.1:{free_port()}", "--patience", "0")[0] == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_a_receipt_that_cannot_be_kept_is_a_fault_to_mend_and_no_bug(shared: Serving, client: str) -> None:
    new_bundle(shared, f"unkept-{client}")
    (shared.vendor / "a-file").touch()
    arguments = ("--credentials", "credentials.json", "--receipts", "a-file")
    done = send(client, f"unkept-{client}.bundle", *arguments, cwd=shared.vendor)

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"The operating system refused: .* \(a-file\)\. \[system\.refused\]\n", done.stderr)


def test_they_tell_what_the_server_refuses_and_send_the_rest_of_a_folder(shared: Serving) -> None:
    outbox = shared.vendor / "outbox"
    outbox.mkdir()
    for name in ("2-older", "1-newer"):
        new_bundle(shared, name).rename(outbox / f"{name}.bundle")

    first = send("python", "outbox", "--credentials", "credentials.json", cwd=shared.vendor)
    receipt_path(outbox / "1-newer.bundle", None).unlink(missing_ok=True)
    again = send("js", "outbox", "--credentials", "credentials.json", cwd=shared.vendor)

    assert (first.returncode, again.returncode) == (3, 3), first.stderr + again.stderr
    refused = "2-older.bundle: refused. A newer snapshot of this provider was accepted already. [intake.stale]\n"
    assert (first.stderr, again.stderr) == (refused, refused)
    assert again.stdout == first.stdout.replace("accepted on", "accepted before on")


def test_the_javascript_client_gets_through_a_network_that_breaks(serving: Callable[..., Serving]) -> None:
    chance = random.Random(11)
    with FlakyNetwork(0, lambda: chance.randint(1, 900_000)) as network:
        running = serving(told_port=network.port)
        network.to = running.port
        _, large = bundles_of(running)
        done = send("js", large, "--credentials", running.credentials, cwd=running.vendor)

        assert done.returncode == 0, done.stderr
        assert network.cuts > 2
        assert_accepted_once(running, large)


def test_a_javascript_client_that_is_killed_finds_its_upload_again(serving: Callable[..., Serving]) -> None:
    chance = random.Random(3)
    with FlakyNetwork(0, lambda: None, slow=True) as network:
        running = serving(told_port=network.port, chunk_bytes=SMALL_CHUNK)
        network.to = running.port
        _, large = bundles_of(running)
        command: list[Any] = [*CLIENTS["js"], large, "--credentials", running.credentials]
        for _ in range(3):
            killed = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            network.wait_for(killed, chance.randint(1, 600_000))
            killed.kill()
            killed.communicate()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert not network.wasted(large, killed=3)
    assert_accepted_once(running, large)


def test_an_other_vendors_bundle_is_not_sent(shared: Serving) -> None:
    credentials = json.loads(shared.credentials.read_text())
    kept = shared.credentials.read_text()
    shared.credentials.write_text(json.dumps({**credentials, "vendor": "other"}))
    try:
        code, _, err = both(shared, bundles_of(shared)[0].name)
    finally:
        shared.credentials.write_text(kept)

    assert (code, err.endswith(" [send.other-vendor]\n")) == (1, True)
