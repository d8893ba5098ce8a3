"""docs/vendors.md is walked as it stands: its shell blocks, one after another, against the sandbox that it starts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/vendors.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HAS_NODE = bool(shutil.which("node")) and (ROOT / "clients/js/node_modules/@hpke/core").is_dir()

pytestmark = pytest.mark.skipif(not HAS_NODE and not os.environ.get("CI"), reason="node or its modules are missing")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder that looks like a checkout to the page: it has clients/js."""
    (tmp_path / "clients").symlink_to(ROOT / "clients")
    return tmp_path


@pytest.fixture
def port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])


@contextlib.contextmanager
def sandbox(here: Path, port: str) -> Iterator[Path]:
    """Type the page's first block, and stop it with Ctrl-C in the end; gives what it printed."""
    printed = here / "printed"
    dies_with_us = ["setpriv", "--pdeathsig", "KILL"]  # a run of tests that is killed leaves no server behind
    with printed.open("wb") as out:
        serving = subprocess.Popen(
            [*dies_with_us, "bash", "-c", f"exec {BLOCKS[0].replace('8470', port)}"],
            cwd=here, env=environment(), stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(600):
            assert serving.poll() is None, printed.read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{port}/v1/keys").status_code == 200:
                    break
            time.sleep(0.1)
        yield printed
    finally:
        os.killpg(serving.pid, signal.SIGINT)
        serving.wait(30)


def environment() -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if key != "DEDUP_CONFIG"}
    return {**inherited, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"}


def as_script(blocks: list[str], port: str) -> str:
    """Join the blocks; a line that says which exit code it has must have that one."""
    lines = ["set -e"]
    for line in "".join(blocks).replace("8470", port).splitlines():
        told = re.search(r"# exit code (\d)$", line)
        if line.startswith("npm ci"):
            continue  # `make test` did so, and other tests use what it installed at this moment
        lines.append(f"code=0; {line[: told.start()]} || code=$?; test $code = {told[1]}" if told else line)
    return "\n".join(lines)


def test_a_stranger_gets_from_nothing_to_accepted_uploads_with_both_clients(here: Path, port: str) -> None:
    vendor = here / "sandbox/vendors/acme"
    with sandbox(here, port) as printed:
        given = {str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file()}
        walked = subprocess.run(
            ["bash", "-c", as_script(BLOCKS[1:], port)],
            cwd=here, env=environment(), capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        promised = re.findall(r"^  (.*)$", printed.read_text(), re.MULTILINE)

    assert walked.returncode == 0, walked.stdout + walked.stderr
    receipts = [json.loads(path.read_text()) for path in sorted(vendor.glob("*.receipt.json"))]
    assert [receipt["provider"] for receipt in receipts] == ["41992872", "41998422"]
    for sentence in re.findall(r"^    (4199.*rows.*)$", PAGE, re.MULTILINE):
        assert sentence in walked.stdout
    for sentence in re.findall(r"^    (unsealed\.bundle: .*)$", PAGE, re.MULTILINE):
        assert sentence in walked.stderr
    assert "41998422.bundle: 105 rows, 105 accepted, 0 refused, 0 withheld" in walked.stdout
    assert " 0 failed" in walked.stdout
    typed = [re.sub(r"^\S*/dedup ", "dedup ", line) for line in promised]
    assert [line for line in typed if line not in "".join(BLOCKS)] == []
    told = set(re.findall(r"`([A-Za-z/0-9.-]+)`", PAGE)) | {"keys/signing.pub", "keys/sealing.key", "keys/sealing.pub"}
    assert given - told == {"extracts/41998422.csv"}
