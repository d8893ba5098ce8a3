"""clients/js, the second encoder, makes the same bytes as ours, and the server takes its bundles.

It was written from docs/spec and docs/extract.md, so a difference is a fault of one of the two or of the text.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dedup.bundle.container import read_container
from dedup.bundle.keyfiles import LinkageKey, SealingPrivateKey, read_key, write_key
from dedup.bundle.keys import unb64url
from dedup.bundle.sealing import bundle_info, open_chunks, open_secret
from dedup.bundle.signing import take_apart
from dedup.encode.job import Encoded, EncodeOptions, NotEncoded, Outcome, Work, encode_together, open_encoder
from dedup.errors import KeyFileError
from dedup.lab.installation import Installation

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients/js"
CONFIG = ROOT / "config"
DAY = "2026-11-22"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
KRAAMZORG = CONFIG / "linkage/kraamzorg.toml"

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and (CLIENT / "node_modules/@hpke/core").is_dir()) and not os.environ.get("CI"),
    reason="node or clients/js/node_modules is missing; make test installs them",
)


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)


def js(extract: Path, out: Path, *options: object, model: Path = KRAAMZORG) -> Any:
    return run(
        "node", CLIENT / "bin/dedup-encode.js", extract, "--out", out, "--model", model,
        "--regions", CONFIG / "regions.csv", "--date", DAY, *options,
    )  # fmt: skip


def ours(extract: Path, out: Path, key: Path, *, vendor: str = "", model: Path = KRAAMZORG) -> Outcome:
    options = EncodeOptions(
        key=key,
        model=model,
        regions=CONFIG / "regions.csv",
        seal_to=None,
        sign_with=None,
        today=date.fromisoformat(DAY),
        created_at=NOW,
        vendor=vendor,
        max_refused_share=0.2,
    )
    [outcome] = encode_together([Work(extract, out, "00" * 16)], open_encoder(options))
    return outcome


def evaluation_bundle(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the manifest and the payload of an unsealed bundle, without what differs from run to run."""
    with path.open("rb") as file:
        manifest = json.loads(read_container(file).manifest)
        return {n: v for n, v in manifest.items() if n not in ("submission_id", "created_at")}, file.read()


def opened(path: Path, server: Path) -> bytes:
    """Return the payload of a sealed bundle."""
    with path.open("rb") as file:
        statement = take_apart(read_container(file).manifest, kind="dedup-bundle")
        manifest = json.loads(statement.payload)
        key = read_key(server / "sealing.key", SealingPrivateKey)
        info = bundle_info(key.key_id, statement.key_id, manifest["submission_id"])
        content_key = open_secret(unb64url(manifest["sealing"]["sealed_key"]), key.key, info)
        body = open_chunks(file, manifest["body_bytes"], content_key, bytes.fromhex(manifest["submission_id"]))
        return b"".join(body)


@pytest.fixture(scope="module")
def epoch_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "epoch.key"
    write_key(path, LinkageKey.of(b"\x01" * 32), created=NOW)
    return path


def test_its_own_tests_pass() -> None:
    result = subprocess.run(["node", "--test"], cwd=CLIENT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


def test_its_lock_says_nothing_of_where_packages_came_from() -> None:
    lock = json.loads((CLIENT / "package-lock.json").read_text("utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert sorted(lock["packages"]) == ["", "node_modules/@hpke/common", "node_modules/@hpke/core"]


def test_the_server_takes_its_submission_and_finds_the_bytes_that_ours_has(installation: Installation) -> None:
    vendor = installation.vendors[0]
    extract = installation.extracts_of(vendor)[0]
    keys = installation.keys_of(vendor)
    [bundle] = installation.inbox.glob(f"{extract.stem}-*.bundle")
    expected = opened(bundle, installation.server_keys)
    options = [
        "--key", keys / "epoch.key", "--seal-to", installation.server_keys / "sealing.pub",
        "--sign-with", keys / "signing.key", "--vendor", vendor, "--json",
    ]  # fmt: skip

    result = js(extract, bundle, *options)

    assert (result.returncode, result.stderr) == (0, "")
    assert opened(bundle, installation.server_keys) == expected
    night = run(
        sys.executable, "-m", "dedup", "nightly", "--config", installation.folder / "config", "--date", DAY,
        "--until", "ingest", "--json",
    )  # fmt: skip
    assert night.returncode == 0, night.stderr
    receipts = [json.loads(path.read_text("utf-8")) for path in (installation.inbox / "receipts").glob("*.json")]
    submission = json.loads(result.stdout)["bundles"][0]["submission_id"]
    assert submission in json.dumps(receipts)
    assert '"refused": 0' in night.stdout


def awkward_rows(rows: list[dict[str, str]], seed: int) -> list[dict[str, str]]:
    """Put what people type wrongly, and every cell of the published vectors, into rows of a good extract."""
    draw = random.Random(seed)
    vectors = json.loads((ROOT / "docs/spec/vectors/normalisation-v1.json").read_text("utf-8"))
    pool: dict[str, list[str]] = {}
    for vector in vectors["cells"]:
        pool.setdefault(vector["column"], []).append(vector["cell"])
    by_rule = {
        "surnames": ("achternaam", "voorvoegsels", "achternaam_partner", "voorvoegsels_partner"),
        "first_names": ("voornamen", "roepnaam"), "main_first_name": ("voornamen", "roepnaam"),
        "initial": ("voornamen", "roepnaam", "initialen"), "postcode": ("postcode",), "house_number": ("huisnummer",),
        "phone": ("telefoon",), "email": ("email",), "insurance": ("uzovi", "verzekerdennummer"),
    }  # fmt: skip
    for rule, columns in by_rule.items():
        for vector in vectors["rules"][rule]:
            for column, cell in zip(columns, vector["columns"], strict=False):
                pool.setdefault(column, []).append(cell)
    for column in by_rule["surnames"] + by_rule["first_names"]:
        pool[column] += [vector["typed"] for vector in vectors["fold_name"]]
    dates = [
        "1900-01-01",
        "9999-12-31",
        "2026-02-30",
        "2026-11-22",
        "2026-11-23",
        "0000-01-01",
        "20261122",
        "1999-12-31",
    ]
    for column in ("inschrijf_datum", "status_datum", "overdracht_datum", "a_terme_datum", "geboortedatum"):
        pool.setdefault(column, []).extend([*dates, "2027-09-18", "2027-09-19", "2026-09-23", "2026-09-22"])
    for column in ("indicatie_uren", "toegezegde_uren"):
        pool[column] = ["0", "7", "007", "400", "401", "-4", "4.0", "1e2", "\u0664", "0400"]
    for column in (
        "zorgproduct",
        "rol",
        "eind_reden",
        "gedeelde_zorg",
        "a_terme_definitief",
        "naamgebruik",
        "deelname",
    ):
        pool[column] = [
            "JA",
            "Nee",
            "ja ",
            "Kraamzorg",
            "PARTUS",
            "Hoofdaannemer",
            "cl\u0131ent",
            "x",
            "Bezwaar",
            "NL2",
        ]
    pool["status"] = ["Intake", "OVERGEDRAGEN", "onbekend"]
    pool["registratie_id"] = ["123456782", "111222333", "00000000-0000-0000-0000-000000000000", "1.112.22.333", "a"]
    pool["verdeling_id"] = ["x" * 200, "x" * 201, "\U0001f476" * 200, " v-1\u00a0", "v;1", 'v"1', "\u00e9"]
    pool["bronsysteem"] = ["x" * 40, "x" * 41, "-x", "pakket 2.0", "p\u00e9"]
    everywhere = [
        "",
        " ",
        "\u00a0",
        "\ufeff",
        "nvt",
        "onbekend",
        "a\nb",
        "a\r\nb",
        'say "x"',
        ";",
        "\ud7ff",
        "\U0001f476",
        "\x1f",
        "\x85",
    ]
    awkward = []
    for number, row in enumerate(rows):
        changed = dict(row)
        for column in row:
            rare = column in ("registratie_id", "aanbieder_agb", "status", "deelname")
            if draw.random() < (0.01 if rare else 0.2):
                own = pool.get(column, everywhere)
                changed[column] = draw.choice(own if draw.random() < 0.8 else everywhere)
        if number % 50 == 7:
            changed["registratie_id"] = rows[number - 1]["registratie_id"].upper()
        awkward.append(changed)
    return awkward


def write_awkwardly(path: Path, rows: list[dict[str, str]], seed: int) -> None:
    """Write another order and case of columns, some unknown ones, a byte order mark, odd rows and line endings."""
    draw = random.Random(seed)
    names = [*rows[0], "bsn", "huisarts"]
    draw.shuffle(names)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        for name in names[:-1]:
            file.write(f" {name.upper() if draw.random() < 0.5 else name} ;")
        file.write(names[-1] + "\r\n")
        plain = csv.writer(file, delimiter=";", lineterminator="\n")
        quoted = csv.writer(file, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        for number, row in enumerate(rows):
            cells = [row.get(name, "900001234") for name in names]
            (plain if number % 2 else quoted).writerow(cells)
            if number % 40 == 3:
                file.write(
                    draw.choice(["\n", "\r\n", ";;\n", " ; ;\n", "een;rij;te kort\n", ";" * (len(names) - 1) + "\n"])
                )


@pytest.mark.parametrize("seed", range(3))
def test_an_awkward_extract_becomes_the_same_bytes(
    seed: int, submitted: Installation, epoch_key: Path, tmp_path: Path
) -> None:
    extracts = [extract for vendor in submitted.vendors for extract in submitted.extracts_of(vendor)]
    rows = [row for extract in extracts for row in csv.DictReader(extract.open(encoding="utf-8"), delimiter=";")]
    for row in rows:
        row["aanbieder_agb"] = "41000001"
    extract = tmp_path / "41000001.csv"
    write_awkwardly(extract, awkward_rows(rows[:300], seed), seed)

    by_python = ours(extract, tmp_path / "python.bundle", epoch_key, vendor="acme")
    by_js = js(extract, tmp_path / "js.bundle", "--key", epoch_key, "--vendor", "acme", "--json")

    assert isinstance(by_python, Encoded)
    assert by_python.report is not None
    assert by_js.returncode == 3, by_js.stderr
    told = json.loads(by_js.stdout)["bundles"][0]["check"]
    assert told == by_python.report.to_json()
    assert len(told["counts_by_code"]) > 20
    assert evaluation_bundle(tmp_path / "js.bundle") == evaluation_bundle(tmp_path / "python.bundle")


def test_any_person_table_becomes_the_same_bytes(epoch_key: Path, tmp_path: Path) -> None:
    model = CONFIG / "linkage/febrl.toml"
    table = tmp_path / "people.csv"
    columns = "rec_id,given_name,surname,street_number,address_1,address_2,suburb,postcode,date_of_birth,soc_sec_id"
    lines = [
        f"{name},J\u00f6rg {i},O'Neil-{i} lee,{i},high street {i},,town,20{i:02d},19{i:02d}0101,{i * 7919:07d}"
        for i, name in enumerate(["r2", "r10", "\u00e9", "\U0001f476", "\uffee", "z", *map(str, range(40))])
    ]
    # Values past the 255th position, and past the 65,535th byte of a block value.
    lines += [f"long{length},a,b,1,c,,d,2000,19900101,{'7' * length}" for length in (255, 256, 300, 65_535, 70_000)]
    table.write_text("\n".join([columns, *lines]) + "\n", "utf-8")

    by_python = ours(table, tmp_path / "python.bundle", epoch_key, model=model)
    by_js = js(table, tmp_path / "js.bundle", "--key", epoch_key, model=model)

    assert isinstance(by_python, Encoded)
    assert by_js.returncode == 0, by_js.stderr
    assert evaluation_bundle(tmp_path / "js.bundle") == evaluation_bundle(tmp_path / "python.bundle")


HEADER = (
    "schema_versie;bronsysteem;registratie_id;aanbieder_agb;zorgproduct;rol;status;inschrijf_datum;status_datum;"
    "deelname;geboortedatum;achternaam;voornamen;postcode;huisnummer;a_terme_datum"
)
ROW = (
    "1.0;pakket;0c0ffee0-0000-4000-8000-000000000001;41000001;kraamzorg;zelfstandig;intake;2026-10-01;2026-10-01;"
    "ja;1994-03-17;Zonneschijn;Philippine;3584 AB;1;2027-03-01"
)
OTHER = ROW.replace("0001;41000001", "0002;41000002")
FILES = {
    "empty": b"",
    "blank": b" \n\t\n",
    "only a header": HEADER.encode(),
    "zipped": b"PK\x03\x04xxxx",
    "utf-16": (HEADER + "\n" + ROW).encode("utf-16"),
    "utf-16 without a mark": (HEADER + "\n" + ROW).encode("utf-16-le"),
    "nul": (HEADER + "\n" + ROW).encode() + b"\n\0",
    "commas": (HEADER + "\n" + ROW).replace(";", ",").encode(),
    "one column": b"hallo\nx\n",
    "no header": (ROW + "\n" + ROW).encode(),
    "misspelt": (HEADER.replace("geboortedatum", "geboorte_datum") + "\n" + ROW).encode(),
    "two missing": (HEADER.replace("geboortedatum", "a").replace("voornamen", "b") + "\n" + ROW).encode(),
    "a column twice": (HEADER + ";Status\n" + ROW + ";x").encode(),
    "an unknown column twice": (HEADER + ";x;x\n" + ROW + ";1;2").encode(),
    "open quote": (HEADER + '\n"' + ROW + "\n").encode(),
    "text behind a quote": (HEADER + '\n"1.0" x' + ROW[3:] + "\n").encode(),
    "all refused": (HEADER + "\n" + ROW.replace("intake", "x")).encode(),
    "all withheld": (HEADER + "\n" + ROW.replace(";ja;", ";bezwaar;")).encode(),
    "two providers": (HEADER + "\n" + ROW + "\n" + OTHER).encode(),
    "two systems": (
        HEADER + "\n" + ROW + "\n" + OTHER.replace("pakket", "ander").replace("41000002", "41000001")
    ).encode(),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_encoded_is_refused_with_the_same_sentence(
    content: bytes, epoch_key: Path, tmp_path: Path
) -> None:
    extract = tmp_path / "extract.csv"
    extract.write_bytes(content)
    out = tmp_path / "out.bundle"

    expected = ours(extract, out, epoch_key)
    told = js(extract, out, "--key", epoch_key)

    assert isinstance(expected, NotEncoded)
    assert (told.returncode, told.stderr.splitlines()[-1]) == (1, f"{expected.message} [{expected.code}]")
    assert not out.exists()


def test_a_file_that_is_no_utf8_is_refused(epoch_key: Path, tmp_path: Path) -> None:
    extract = tmp_path / "extract.csv"
    extract.write_bytes((HEADER + "\n" + ROW.replace("Philippine", "Zo\u00eb")).encode("latin-1"))
    result = js(extract, tmp_path / "out.bundle", "--key", epoch_key)
    assert (result.returncode, "[extract.encoding]" in result.stderr) == (1, True)


def test_key_files_are_refused_as_ours_are(submitted: Installation, epoch_key: Path, tmp_path: Path) -> None:
    extract = tmp_path / "extract.csv"
    extract.write_text(f"{HEADER}\n{ROW}\n", "utf-8")
    exposed = shutil.copy(epoch_key, tmp_path / "exposed.key")
    Path(exposed).chmod(0o640)
    damaged = tmp_path / "damaged.key"
    damaged.write_text(epoch_key.read_text("utf-8").replace('"AQEB', '"AQEC'), "utf-8")
    damaged.chmod(0o600)
    for key, code in {
        tmp_path / "none.key": "key.missing",
        exposed: "key.permissions",
        damaged: "key.malformed",
        submitted.server_keys / "ingest.key": "key.wrong-kind",
    }.items():
        with pytest.raises(KeyFileError) as ours_told:
            read_key(Path(key), LinkageKey)
        result = js(extract, tmp_path / "out.bundle", "--key", key)
        assert (result.returncode, ours_told.value.code, f"[{code}]" in result.stderr) == (1, code, True)


def test_half_a_pair_of_keys_is_a_wrong_call(epoch_key: Path, tmp_path: Path) -> None:
    result = js(tmp_path / "none.csv", tmp_path / "out.bundle", "--key", epoch_key, "--seal-to", epoch_key)
    assert (result.returncode, "belong together" in result.stderr) == (2, True)


def test_no_value_of_a_row_comes_back_in_its_output(epoch_key: Path, tmp_path: Path) -> None:
    extract = tmp_path / "extract.csv"
    broken = ROW.replace("0001;41", "0003;41").replace("intake", "Zeldzaamheid").replace("3584 AB", "Postbus")
    extract.write_text(
        "\n".join([HEADER, *[ROW.replace("0001;41", f"{i:04d};41") for i in range(10, 20)], broken]), "utf-8"
    )
    result = js(extract, tmp_path / "out.bundle", "--key", epoch_key, "--json")
    assert result.returncode == 3
    [finding, *_] = json.loads(result.stdout)["bundles"][0]["findings"]
    assert (finding["row"], finding["line"], finding["column"], finding["code"]) == (11, 12, "status", "status.unknown")
    for value in ("Zeldzaamheid", "Zonneschijn", "Philippine", "3584", "Postbus", "1994"):
        assert value not in result.stdout + result.stderr
