"""What others rely on of serve --sandbox, send, conformance and the vendor's keys commands."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

COUNTS = {"passed", "warning", "failed", "skipped"}


def dedup(*arguments: object, cwd: Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dedup", *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key != "DEDUP_CONFIG"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert result.returncode == expected, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def url() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory, url: str) -> Iterator[Path]:
    """The vendor's folder of a served sandbox, with one bundle."""
    folder = tmp_path_factory.mktemp("sandbox")
    dies_with_us = ["setpriv", "--pdeathsig", "KILL"]  # a run of tests that is killed leaves no server behind
    serve = [sys.executable, "-m", "dedup", "serve", "--sandbox", "--folder", "box", "--port", url.rpartition(":")[2]]
    with (folder / "log").open("wb") as log:
        serving = subprocess.Popen([*dies_with_us, *serve], cwd=folder, stdout=log, stderr=log)
    for _ in range(600):
        assert serving.poll() is None, (folder / "log").read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/healthz").status_code == 200:
                break
        time.sleep(0.1)
    mine = folder / "box" / "vendors" / "acme"
    dedup(
        "encode", "extracts/41992872.csv", "--key", "keys/epoch.key", "--vendor", "acme", "--seal-to", "server.pub",
        "--sign-with", "keys/signing.key", "--out", "41992872.bundle", cwd=mine,
    )  # fmt: skip
    yield mine
    serving.send_signal(signal.SIGTERM)
    serving.wait(30)


def test_the_sandbox_serves_and_asks_for_a_token(vendor: Path, url: str) -> None:
    answer = httpx.post(f"{url}/v1/submissions")

    assert (vendor / "credentials.json").is_file()
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")


def test_send_tells_state_submission_and_receipt_and_sends_nothing_twice(vendor: Path, url: str) -> None:
    arguments = ["send", "41992872.bundle", "--to", url, "--credentials", "credentials.json", "--receipts", "mine"]
    first = json.loads(dedup(*arguments, "--await-report", 60, "--json", cwd=vendor).stdout)["bundles"][0]
    again = json.loads(dedup(*arguments, "--json", cwd=vendor).stdout)["bundles"][0]

    members = {"bundle", "state", "bytes", "submission_id", "received_at", "duplicate", "receipt", "report", "errors"}
    assert members <= set(first)
    assert (first["state"], first["duplicate"]) == ("accepted", False)
    assert first["receipt"] == str(Path("mine/41992872.bundle.receipt.json"))
    assert first["report"]["opened"]["rows"] == 58
    assert (again["state"], again["submission_id"]) == ("known", first["submission_id"])
    kept = json.loads((vendor / first["receipt"]).read_text())
    assert {"submission_id", "provider", "snapshot_date", "received_at", "duplicate", "receipt"} == set(kept)


def test_send_refuses_what_is_not_a_submission_with_exit_code_1(vendor: Path) -> None:
    (vendor / "no.bundle").write_bytes(b"no bundle")
    failed = dedup("send", "no.bundle", "--credentials", "credentials.json", cwd=vendor, expected=1)
    unsafe = dedup(
        "send", "no.bundle", "--to", "http://a.example", "--credentials", "credentials.json", "--json",
        cwd=vendor, expected=1,
    )  # fmt: skip

    assert failed.stderr.endswith("[bundle.not-a-bundle]\n")
    assert json.loads(unsafe.stderr)["error"] == "send.url"


def test_credentials_are_made_and_the_sealing_key_is_fetched(vendor: Path, url: str, tmp_path: Path) -> None:
    made = json.loads(
        dedup(
            "keys", "credentials", "--out", tmp_path / "mine.json", "--url", url, "--vendor", "acme",
            "--signing-key", vendor / "keys/signing.key", "--receipt-key", vendor / "receipts.pub", "--json",
            cwd=vendor,
        ).stdout
    )  # fmt: skip
    fetched = json.loads(
        dedup(
            "keys", "fetch", "--credentials", tmp_path / "mine.json", "--out", tmp_path / "server.pub", "--json",
            cwd=vendor,
        ).stdout
    )  # fmt: skip

    assert {"file", "signing_key_id", "receipts_key_ids"} == set(made)
    published = json.loads((vendor / "server.pub").read_text())
    assert fetched["sealing_key_id"] == published["key_id"]
    assert json.loads((tmp_path / "server.pub").read_text())["jwk"] == published["jwk"]
    assert '"d"' not in (tmp_path / "mine.json").read_text()


def test_bench_upload_measures_in_the_shape_that_stays(tmp_path: Path) -> None:
    small = ("--vendors", 2, "--uploads", 2, "--mebibytes", 1)
    measured = json.loads(dedup("bench", "upload", *small, "--json", cwd=tmp_path).stdout)

    ours, answers = measured["ours"], measured["ours"]["answers"]
    assert (measured["records"], answers["201"], answers["204"]) == (4, 4, 4)
    assert (ours["answers_5xx"], ours["broken_connections"]) == (0, 0)
    assert {"seconds", "cpu_seconds", "peak_rss_bytes", "bytes_per_second", "share_of_limit"} <= set(ours)
    assert {"copy", "sha256", "aes", "durable_write"} == set(measured["limits"])
    assert "load_average" in measured["machine"]


def test_conformance_lists_every_check_of_a_bundle(vendor: Path) -> None:
    (vendor / "cut.bundle").write_bytes((vendor / "41992872.bundle").read_bytes()[:-1])
    judged = json.loads(dedup("conformance", "cut.bundle", "--json", cwd=vendor, expected=1).stdout)

    assert {"subject", "checks", *COUNTS} == set(judged)
    assert all({"code", "outcome", "sentence"} == set(check) for check in judged["checks"])
    assert {check["outcome"] for check in judged["checks"]} <= COUNTS
    assert (judged["failed"], judged["checks"][-1]["code"]) == (1, "bundle.truncated")


def test_conformance_finds_nothing_wrong_with_this_server(vendor: Path, url: str) -> None:
    judged = json.loads(
        dedup(
            "conformance", url, "--credentials", "credentials.json", "--bundle", "41992872.bundle", "--json", cwd=vendor
        ).stdout
    )

    assert [check for check in judged["checks"] if check["outcome"] not in {"passed", "skipped"}] == []
    assert judged["passed"] > 50
    dedup("conformance", url, cwd=vendor, expected=2)
