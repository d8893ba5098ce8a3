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
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/vendors.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HAS_NODE = bool(shutil.which("node")) and (ROOT / "clients/js/node_modules/@hpke/core").is_dir()

pytestmark = pytest.mark.skipif(not HAS_NODE and not os.environ.get("CI"), reason="node or its modules are missing")


@dataclass(frozen=True)
class Sandbox:
    """What the page's first block starts; `given` are the vendor's files that lay there before anything was typed."""

    here: Path
    port: str
    printed: Path
    given: frozenset[str]

    @property
    def vendor(self) -> Path:
        return self.here / "sandbox/vendors/acme"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    here = tmp_path_factory.mktemp("checkout")
    (here / "clients").symlink_to(ROOT / "clients")  # so that it looks like a checkout to the page
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = str(listening.getsockname()[1])
    with sandbox(here, port) as printed:
        vendor = here / "sandbox/vendors/acme"
        given = frozenset(str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file())
        yield Sandbox(here, port, printed, given)


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


CRON = next(re.finditer(r"^    ((?:\S+ ){5})(cd .*)$", PAGE, re.MULTILINE))
WINDOWS = PAGE[PAGE.index("    @echo off") : PAGE.index("    schtasks")]
SCHTASKS = next(re.finditer(r"^    (schtasks .*)$", PAGE, re.MULTILINE))[1]
CRON_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "SHELL": "/bin/sh",
    "LOGNAME": "dedup",
}  # and HOME: no more


def test_the_line_for_cron_says_every_evening_and_has_nothing_that_cron_reads_otherwise() -> None:
    minute, hour, *others = CRON[1].split()
    assert (0 <= int(minute) < 60, 0 <= int(hour) < 24, others) == (True, True, ["*", "*", "*"])
    assert "%" not in CRON[2], "cron makes a new line of it"
    assert len(CRON[0]) < 999, "cron takes no longer command"


def test_the_line_for_the_task_scheduler_is_one_that_it_takes() -> None:
    words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', SCHTASKS)]
    options = dict(zip(words[2:-1:2], words[3::2], strict=True))
    assert (words[0], words[1], words[-1]) == ("schtasks", "/Create", "/F")
    assert options == {"/TN": "dedup", "/SC": "DAILY", "/ST": "21:30", "/TR": r"C:\dedup\deliver.cmd", "/RU": "SYSTEM"}
    assert f"`{options['/TR']}`" in PAGE
    assert (len(options["/TR"]) <= 261, options["/ST"]) == (True, "{1}:{0}".format(*CRON[1].split()))


def test_what_cron_and_windows_run_delivers_every_extract(served: Sandbox) -> None:
    (served.vendor / ".venv").symlink_to(Path(sys.executable).parents[1])
    by_cron = subprocess.run(
        ["/bin/sh", "-c", CRON[2].replace("/srv/dedup", str(served.vendor))],
        cwd="/", env=CRON_ENVIRONMENT | {"HOME": "/"}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    by_windows = subprocess.run(
        ["/bin/sh", "-ec", as_sh(WINDOWS, served.vendor)],
        cwd="/", env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    extracts = len([name for name in served.given if name.startswith("extracts/")])
    for done in (by_cron, by_windows):
        assert (done.returncode, done.stderr) == (0, "")
        assert len(re.findall(r"\.bundle: accepted on .*, receipt in receipts/", done.stdout)) == extracts == 2


def as_sh(batch: str, folder: Path) -> str:
    """The batch file in the words of sh, which is as near as one gets to it here; a line that is not known fails."""
    words = {
        r"@echo off": "",
        r"cd /d C:\\dedup \|\| exit /b 1": f"cd '{folder}' || exit 1",
        r'set "PATH=C:\\dedup\\.venv\\Scripts;%PATH%"': 'PATH="$PWD/.venv/bin:$PATH"',
        r"if not exist outbox md outbox": "test -d outbox || mkdir outbox",
        r"del /q outbox\\\*\.bundle 2>nul": "rm -f outbox/*.bundle 2>/dev/null",
        r"for %%f in \((\S+)\) do (dedup .*)": r"for f in \1; do \2; done",
        r"(dedup .*)": r"\1",
    }
    script = []
    for line in batch.splitlines():
        known = [pattern for pattern in words if re.fullmatch(pattern, line.strip())]
        assert known or not line.strip(), f"not known: {line}"
        script += [re.sub(pattern, words[pattern], line.strip()) for pattern in known[:1]]
    text = "\n".join(script).replace("\\", "/")
    return text.replace("%%~nf", '$(basename "$f" .csv)').replace("%%f", "$f")


def test_a_stranger_gets_from_nothing_to_accepted_uploads_with_both_clients(served: Sandbox) -> None:
    walked = subprocess.run(
        ["bash", "-c", as_script(BLOCKS[1:], served.port)],
        cwd=served.here, env=environment(), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    promised = re.findall(r"^  (.*)$", served.printed.read_text(), re.MULTILINE)

    assert walked.returncode == 0, walked.stdout + walked.stderr
    receipts = [json.loads(path.read_text()) for path in sorted(served.vendor.glob("*.receipt.json"))]
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
    assert served.given - told == {"extracts/41998422.csv"}
