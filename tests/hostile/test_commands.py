"""Hostile files and answers, handed to the commands that read them: a code each, no bug, no name, bounded means."""

from __future__ import annotations

import json
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.conftest import FirstNight
from tests.hostile import documents, settings, tables
from tests.hostile.cases import PLACES, PLANTED, TAKEN, Case
from tests.hostile.conftest import files_with
from tests.hostile.limits import Ended, Limited
from tests.made_bundles import sealed_bundle
from tests.service.uploading import service_at

from dedup.bundle.canonical import canonical_json
from dedup.bundle.keyfiles import read_key
from dedup.bundle.keys import ReceiptSigningKey, SealingPrivateKey, SigningKey
from dedup.bundle.signing import sign
from dedup.errors import ConfigError
from dedup.intake.receipts import RECEIPT_KIND
from dedup.lab.installation import Installation, build_installation
from dedup.lab.simulate import SimulationSettings, generate
from dedup.model.load import load_model
from dedup.nightly.evidence import last_findings
from dedup.nightly.night import open_installation
from dedup.reports.ksv_settings import read_ksv_settings
from dedup.send.credentials import write_credentials
from dedup.service.app import create_app

CONFIG = Path(__file__).parents[2] / "config"
NIGHT = "2026-11-22"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FAULT, REFUSED_ROWS, BUG = 1, 3, 70
MOST_MEMORY = 600 << 20  # of which what commands import is half


@dataclass(frozen=True)
class World:
    """An installation with one vendor's keys and extract, whose files are spoiled one at a time."""

    installation: Installation
    answers: bytes = b""

    @property
    def folder(self) -> Path:
        return self.installation.folder

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def keys(self) -> Path:
        return self.installation.keys_of(self.vendor)

    @property
    def vendor(self) -> str:
        return self.installation.vendors[0]

    @property
    def extract(self) -> Path:
        return self.installation.extracts_of(self.vendor)[0]

    def encoding(self, **files: Path) -> list[str | Path]:
        """Return the command that encodes the extract, with other files than its own."""
        named = {"key": self.keys / "epoch.key", "config": self.config, **files}
        options = [part for name, path in named.items() for part in (f"--{name}", path)]
        return ["encode", self.extract, "--out", self.folder / "out.bundle", "--date", NIGHT, "--json", *options]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    simulation = generate(
        SimulationSettings(registrations=200, doubles=0.1, seed=4, day=NOW.date(), providers=4, ksvs=1)
    )
    folder = tmp_path_factory.mktemp("world") / "installation"
    made = World(build_installation(folder, simulation, config=CONFIG, created=NOW))
    (folder / "contracts.csv").write_text(tables.CONTRACTS_SAMPLE, "utf-8")
    (made.config / "calibration.toml").write_text("[[applied]]\nlikely_probability = 0.8\n", "utf-8")
    receipts = read_key(folder / "server" / "keys" / "receipts.key", ReceiptSigningKey)
    write_credentials(
        folder / "credentials.json",
        url="http://127.0.0.1:9",
        vendor=made.vendor,
        signing_key=made.keys / "signing.key",
        receipt_keys=[receipts.public()],
        created=NOW,
    )
    says = canonical_json({"audit_number": 1, "audit_hash": "0" * 64})
    token = sign(says, receipts, kind=RECEIPT_KIND)
    (folder / "receipt.json").write_text(json.dumps({"provider": PLANTED, "receipt": token}), "utf-8")
    (folder / "sealed.bundle").write_bytes(
        sealed_bundle(
            load_model(CONFIG / "linkage" / "kraamzorg.toml"),
            sign_with=read_key(made.keys / "signing.key", SigningKey),
            sealed_to=SealingPrivateKey.generate().key_id,
            snapshot_date=NOW.date(),
            created_at=NOW,
            vendor=made.vendor,
        )
    )
    return made


@dataclass(frozen=True)
class Reader:
    """A command that reads a file of the world: which cases it is given, where the file is, and how it is called."""

    cases: list[Case]
    file: Callable[[World], Path]
    command: Callable[[World], list[str | Path]]


def importing(world: World) -> list[str | Path]:
    return ["contracts", "import", world.folder / "contracts.csv", "--config", world.config, "--json"]


def opening(world: World) -> list[str | Path]:
    """Open the installation as every job of the server does; the folder is no bundle, so nothing is in it."""
    return ["nightly", "--config", world.config, "--date", NIGHT, "--until", "receive", "--json"]


def sending(world: World) -> list[str | Path]:
    credentials = world.folder / "credentials.json"
    return ["send", world.folder / "sealed.bundle", "--credentials", credentials, "--patience", "0", "--json"]


READERS = {
    "contracts": Reader(tables.CONTRACTS, lambda world: world.folder / "contracts.csv", importing),
    "providers": Reader(tables.PROVIDERS, lambda world: world.config / "providers.csv", importing),
    "settings": Reader(settings.SETTINGS, lambda world: world.config / "settings.toml", importing),
    "vendors": Reader(
        documents.VENDORS,
        lambda world: world.folder / "server" / "keys" / "vendors" / f"{world.vendor}.json",
        importing,
    ),
    "rules": Reader(settings.RULES, lambda world: world.config / "rules.toml", opening),
    "calibration": Reader(settings.CALIBRATION, lambda world: world.config / "calibration.toml", opening),
    "night's settings": Reader(settings.NIGHTS_SETTINGS, lambda world: world.config / "settings.toml", opening),
    "encoder's settings": Reader(
        settings.ENCODERS_SETTINGS, lambda world: world.config / "settings.toml", lambda world: world.encoding()
    ),
    "regions": Reader(tables.REGIONS, lambda world: world.config / "regions.csv", lambda world: world.encoding()),
    "model": Reader(
        settings.MODELS, lambda world: world.config / "linkage" / "kraamzorg.toml", lambda world: world.encoding()
    ),
    "linkage key": Reader(
        documents.LINKAGE_KEYS, lambda world: world.keys / "epoch.key", lambda world: world.encoding()
    ),
    "credentials": Reader(documents.CREDENTIALS, lambda world: world.folder / "credentials.json", sending),
    "receipt": Reader(
        documents.RECEIPTS,
        lambda world: world.folder / "receipt.json",
        lambda world: [
            "audit",
            "verify",
            "--receipt",
            world.folder / "receipt.json",
            "--config",
            world.config,
            "--json",
        ],
    ),
}
ALL = [pytest.param(name, case, id=f"{name}: {case.name}") for name, reader in READERS.items() for case in reader.cases]


@pytest.mark.parametrize(("limit", "status"), [({"cpu_seconds": 1}, -signal.SIGKILL), ({"room": 8 << 20}, BUG)])
def test_the_limits_end_what_takes_more(commands: Limited, tmp_path: Path, limit: dict[str, int], status: int) -> None:
    ended = commands.dedup("simulate", "--registrations", "200000", tmp_path / "made-up", cwd=tmp_path, **limit)
    assert ended.status == status, ended


def seen_to_be_modest(ended: Ended) -> None:
    """See that a command took little and said little, and nothing of what it was given."""
    assert PLANTED not in ended.said
    assert "Traceback" not in ended.said
    assert all(character.isprintable() or character == "\n" for character in ended.said)
    assert max(map(len, ended.said.splitlines()), default=0) < 8_000
    assert ended.peak < MOST_MEMORY, f"{ended.peak >> 20} MiB"


def code_of(ended: Ended) -> str:
    """Return the code that a command ended with, TAKEN for none."""
    assert ended.status in {0, FAULT, REFUSED_ROWS}, ended
    seen_to_be_modest(ended)
    found = re.findall(r'^\{"error": "([a-z.-]+)"', ended.said, re.MULTILINE)
    assert len(found) == (ended.status == FAULT), ended
    return found[0] if found else TAKEN


@pytest.mark.parametrize(("name", "case"), ALL)
def test_a_hostile_file_is_one_sentence_with_its_code(commands: Limited, world: World, name: str, case: Case) -> None:
    reader = READERS[name]
    file = reader.file(world)
    right = file.read_bytes()
    file.write_bytes(case.spoil(right))
    try:
        ended = commands.dedup(*reader.command(world), cwd=world.folder)
    finally:
        file.write_bytes(right)
    assert code_of(ended) == case.code


def test_hostile_extracts_are_refused_each_with_its_code_and_the_others_are_encoded(
    commands: Limited, world: World, tmp_path: Path
) -> None:
    """All in one command, as a vendor with many providers runs it: one process, in which nothing may spill over."""
    right = world.extract.read_bytes()
    expected = {}
    for number, case in enumerate(tables.EXTRACTS):
        path = tmp_path / f"case-{number}.csv"
        path.write_bytes(case.spoil(right))
        expected[path.name] = case.code
    for number, place in enumerate(PLACES):
        place.make(tmp_path / f"place-{number}.csv")
        expected[f"place-{number}.csv"] = "extract.not-found"
    with (tmp_path / "sparse.csv").open("wb") as sparse:
        sparse.truncate(1 << 40)
    (tmp_path / "good.csv").write_bytes(right)
    expected |= {"missing.csv": "extract.not-found", "sparse.csv": "extract.too-large", "good.csv": TAKEN}

    out = tmp_path / "out"
    out.mkdir()
    key = ["--key", world.keys / "epoch.key", "--config", world.config]
    ended = commands.dedup("encode", *expected, "--out", out, *key, "--date", NIGHT, "--json", cwd=tmp_path)
    said, _ = json.JSONDecoder().raw_decode(ended.said, ended.said.index("{"))
    codes = {one["extract"]: one["error"] for one in said["errors"]} | {one["extract"]: "" for one in said["bundles"]}
    assert codes == expected
    assert {path.stem for path in out.iterdir()} == {Path(name).stem for name, code in expected.items() if not code}
    assert files_with(PLANTED, out) == []
    assert ended.status == FAULT
    seen_to_be_modest(ended)


@pytest.mark.parametrize("case", settings.KSV, ids=lambda case: case.name)
def test_a_hostile_choice_of_a_ksv_is_one_sentence_with_its_code(tmp_path: Path, case: Case) -> None:
    path = tmp_path / "ksv.toml"
    path.write_bytes(case.spoil((CONFIG / "ksv.toml").read_bytes()))
    with pytest.raises(ConfigError) as refused:
        read_ksv_settings(path)
    assert refused.value.code == case.code
    assert PLANTED not in refused.value.message
    assert len(refused.value.message) < 600


class Stranger(HTTPServer):
    """A server that answers anything but what it should."""

    body = b""


class Answering(BaseHTTPRequestHandler):
    """Answers whatever its server was told to, to any call."""

    server: Stranger

    def do_GET(self) -> None:
        body = self.server.body
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # the client may have had enough
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def stranger() -> Iterator[Stranger]:
    """Such a server on this machine."""
    server = Stranger(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def statement(world: World) -> bytes:
    """What a server whose receipt key the vendor knows answers to `GET /v1/keys`."""
    service = service_at(world.folder / "server", 9, lambda: datetime.now(UTC))
    with closing(service.store), TestClient(create_app(service)) as client:
        return client.get("/v1/keys").content


@pytest.mark.parametrize("case", documents.STATEMENTS, ids=lambda case: case.name)
def test_a_hostile_server_is_not_believed_and_is_sent_nothing(
    commands: Limited, world: World, stranger: Stranger, statement: bytes, case: Case
) -> None:
    stranger.body = case.spoil(statement)
    url = f"http://127.0.0.1:{stranger.server_port}"
    assert code_of(commands.dedup(*sending(world), "--to", url, cwd=world.folder)) == case.code


@pytest.fixture(scope="module")
def answered(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, bytes]:
    """An installation after its first night, and a right answer about one of its findings."""
    folder = tmp_path_factory.mktemp("answered") / "installation"
    shutil.copytree(first_night.installation.folder, folder)
    installation = Installation(folder)
    with open_installation(installation.settings, today=NOW.date(), clock=lambda: NOW) as night:
        member = last_findings(night)[1].members.iloc[0]
    line = ";".join([*member[["finding", "registratie_id", "aanbieder_agb"]], "geen_dubbel", PLANTED])
    return installation, f"finding;registratie_id;aanbieder_agb;code;naam\r\n{line}\r\n".encode()


@pytest.mark.parametrize("case", [*tables.ANSWERS, *tables.ANSWERED_LINES], ids=lambda case: case.name)
def test_hostile_answers_are_refused_as_a_file_or_line_by_line(
    commands: Limited, answered: tuple[Installation, bytes], tmp_path: Path, case: Case
) -> None:
    installation, right = answered
    path = tmp_path / "answers.csv"
    path.write_bytes(case.spoil(right))
    ended = commands.dedup(
        "feedback", "import", path, "--config", installation.folder / "config", "--date", NIGHT, "--json", cwd=tmp_path
    )
    if case in tables.ANSWERS:
        assert code_of(ended) == case.code
        return
    assert (code_of(ended), ended.status) == (TAKEN, REFUSED_ROWS)
    assert {one["code"] for one in json.loads(ended.said)["refused"]} == {case.code}
