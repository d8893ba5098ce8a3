"""`dedup encode` on real files, in a process of its own and in this one."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dedup.bundle.keyfiles import LinkageKey, SealingPrivateKey, SigningKey, read_key, write_key
from dedup.bundle.outside import read_manifest
from dedup.bundle.reader import open_bundle
from dedup.encode import pool
from dedup.encode.job import Encoded, EncodeOptions, NotEncoded, Work
from dedup.errors import ModelError
from dedup.model.load import load_model

ROOT = Path(__file__).parents[2]
FEBRL = ROOT / "config/linkage/febrl.toml"
MODEL = ROOT / "config/linkage/kraamzorg.toml"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
HEADER = (
    "schema_versie;bronsysteem;registratie_id;aanbieder_agb;zorgproduct;rol;relatie_agb;status;inschrijf_datum;"
    "status_datum;deelname;geboortedatum;achternaam;voornamen;postcode;huisnummer;telefoon;a_terme_datum;verdeling_id"
)

PEOPLE_COLUMNS = [
    *("rec_id", "given_name", "surname", "street_number", "address_1", "address_2"),
    *("suburb", "postcode", "date_of_birth", "soc_sec_id"),
]


def row(number, **changes):
    values = {
        "schema_versie": "1.0",
        "bronsysteem": "kraamplan",
        "registratie_id": f"00000000-0000-4000-8000-{number:012d}",
        "aanbieder_agb": "41234567",
        "zorgproduct": "kraamzorg",
        "rol": "zelfstandig",
        "relatie_agb": "",
        "status": "ingeschreven",
        "inschrijf_datum": "2026-10-01",
        "status_datum": "2026-10-02",
        "deelname": "ja",
        "geboortedatum": "1994-03-17",
        "achternaam": "Zonneschijn",
        "voornamen": "Philippine",
        "postcode": "3584 AB",
        "huisnummer": str(number % 300 + 1),
        "telefoon": f"06-{20000000 + number}",
        "a_terme_datum": "2027-03-01",
        "verdeling_id": "",
    } | changes
    return ";".join(values[name] for name in HEADER.split(";"))


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    server, vendor = SealingPrivateKey.generate(), SigningKey.generate()
    for name, key in {
        "epoch.key": LinkageKey.of(b"\x01" * 32),
        "server.key": server,
        "server.pub": server.public(),
        "vendor.key": vendor,
    }.items():
        write_key(folder / name, key, created=NOW)
    return folder


def write_extract(path, rows):
    path.write_text("\n".join([HEADER, *rows]) + "\n", "utf-8")
    return path


def dedup(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "dedup", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )


def people(path, count):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(PEOPLE_COLUMNS)
        for i in range(count):
            birth = f"19{i % 90:02d}0{i % 9 + 1}1{i % 9}"
            writer.writerow(
                [f"r{i}", "ann", "lee" + "abcdefg"[i % 7], i, "high street", "", "town", "2000", birth, 10**6 + i]
            )
    return path


def options(keys, **changes):
    values = {
        "key": keys / "epoch.key",
        "model": FEBRL,
        "regions": None,
        "seal_to": None,
        "sign_with": None,
        "today": date(2026, 11, 22),
        "created_at": NOW,
        "vendor": "",
        "max_refused_share": 0.2,
    }
    return EncodeOptions(**(values | changes))


def test_a_submission_is_sealed_signed_and_holds_the_accepted_rows(keys, tmp_path) -> None:
    extract = write_extract(tmp_path / "41234567.csv", [row(i) for i in range(20)])
    result = dedup(
        "encode", extract, "--key", keys / "epoch.key", "--out", tmp_path / "out.bundle", "--date", "2026-11-22",
        "--seal-to", keys / "server.pub", "--sign-with", keys / "vendor.key", "--json",
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert (told["records"], told["refused"], told["sealed"]) == (20, 0, True)
    manifest = read_manifest(tmp_path / "out.bundle", trusted=None)
    assert (manifest.vendor, manifest.provider) == ("kraamplan", "41234567")
    assert (manifest.snapshot_date, manifest.signed_by is None) == (date(2026, 11, 22), False)
    model = load_model(ROOT / "config/linkage/kraamzorg.toml")
    with open_bundle(
        tmp_path / "out.bundle", model=model, opened_with=read_key(keys / "server.key", SealingPrivateKey)
    ) as b:
        [batch] = b.batches
    assert batch.attributes["registratie_id"] == [f"00000000-0000-4000-8000-{i:012d}" for i in range(20)]
    assert len(batch.records.passes[0].row) == 20


def test_refused_rows_are_left_out_and_the_exit_code_is_3(keys, tmp_path) -> None:
    extract = write_extract(tmp_path / "e.csv", [*(row(i) for i in range(9)), row(9, status="zoek")])
    result = dedup("encode", extract, "--key", keys / "epoch.key", "--out", tmp_path / "e.bundle")
    assert result.returncode == 3, result.stderr
    assert "9 records, 1 rows refused" in result.stdout
    assert "unsealed evaluation bundle" in result.stderr


def test_a_value_of_the_extract_is_in_no_output(keys, tmp_path) -> None:
    extract = write_extract(
        tmp_path / "e.csv",
        [row(i, verdeling_id="verdeling-77") for i in range(9)] + [row(10, geboortedatum="1994-02-31")],
    )
    result = dedup("encode", extract, "--key", keys / "epoch.key", "--out", tmp_path / "e.bundle", "--json")
    assert result.returncode in (0, 3)
    content = (tmp_path / "e.bundle").read_bytes()
    for value in (
        "Zonneschijn",
        "zonneschijn",
        "Philippine",
        "1994-03-17",
        "19940317",
        "3584",
        "20000001",
        "verdeling-77",
    ):
        assert value.encode() not in content
        assert value not in result.stdout + result.stderr


def test_sealing_without_signing_is_wrong_usage(keys, tmp_path) -> None:
    extract = write_extract(tmp_path / "e.csv", [row(1)])
    result = dedup(
        "encode", extract, "--key", keys / "epoch.key", "--out", tmp_path / "b", "--seal-to", keys / "server.pub"
    )
    assert result.returncode == 2
    assert not (tmp_path / "b").exists()


def test_a_missing_key_is_one_sentence(tmp_path) -> None:
    extract = write_extract(tmp_path / "e.csv", [row(1)])
    result = dedup("encode", extract, "--key", tmp_path / "none.key", "--out", tmp_path / "b", "--json")
    assert result.returncode == 1
    assert json.loads(result.stderr.splitlines()[-1])["error"] == "key.missing"


def test_one_bad_extract_does_not_hold_up_the_others(keys, tmp_path) -> None:
    good = people(tmp_path / "good.csv", 30)
    bad = tmp_path / "bad.csv"
    bad.write_text("")
    works = [Work(path, tmp_path / f"{path.stem}.bundle", "00" * 16) for path in (bad, good)]
    failed, written = pool.encode_extracts(works, options(keys), processes=1)
    assert isinstance(failed, NotEncoded)
    assert (failed.code, (tmp_path / "bad.bundle").exists()) == ("extract.empty", False)
    assert isinstance(written, Encoded)
    assert (written.records, written.vendor, written.provider) == (30, "febrl", "")


def test_rows_of_two_providers_are_refused(keys, tmp_path) -> None:
    extract = write_extract(tmp_path / "e.csv", [row(1), row(2, aanbieder_agb="41234568")])
    work = Work(extract, tmp_path / "e.bundle", "00" * 16)
    [outcome] = pool.encode_extracts([work], options(keys, model=MODEL), processes=1)
    assert isinstance(outcome, NotEncoded)
    assert outcome.code == "extract.several-providers"


def test_the_vendor_is_the_bronsysteem_that_rows_name_and_must_be_named_where_they_differ(keys, tmp_path) -> None:
    def vendor(*names):
        extract = write_extract(tmp_path / "e.csv", [row(i, bronsysteem=name) for i, name in enumerate(names)])
        work = Work(extract, tmp_path / "e.bundle", "00" * 16)
        [outcome] = pool.encode_extracts([work], options(keys, model=MODEL), processes=1)
        return outcome.vendor if isinstance(outcome, Encoded) else outcome.code

    assert vendor("kraamplan", "", "kraamplan") == "kraamplan"
    assert vendor("kraamplan", "other") == "encode.several-systems"


@pytest.mark.parametrize(
    ("rows", "exit_code", "code"),
    [
        pytest.param([row(1), row(2)], 0, None, id="sound"),
        pytest.param([row(n) for n in range(9)] + [row(9, status="x")], 3, None, id="one row refused"),
        pytest.param([row(1), row(2, status="x")], 1, "extract.too-many-refused", id="half refused"),
        pytest.param([row(1), row(2, aanbieder_agb="41234568")], 1, "extract.several-providers", id="two providers"),
        pytest.param([row(1, deelname="bezwaar")], 1, "extract.no-rows", id="nobody takes part"),
        pytest.param([], 1, "extract.only-header", id="no rows"),
        pytest.param([row(n) for n in range(40)], 1, "extract.too-large", id="larger than the settings allow"),
    ],
)
def test_check_and_encode_agree_on_every_extract(keys, tmp_path, rows, exit_code, code) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    settings = config / "settings.toml"
    settings.write_text(settings.read_text("utf-8").replace("max_bytes = 536870912", "max_bytes = 4000"), "utf-8")
    extract = write_extract(tmp_path / "41234567.csv", rows)
    common = (extract, "--config", config, "--date", "2026-11-22", "--json")
    checked = dedup("check", *common)
    encoded = dedup("encode", *common, "--key", keys / "epoch.key", "--out", tmp_path / "b.bundle")

    assert [exit_code, exit_code] == [checked.returncode, encoded.returncode]
    told = json.loads(checked.stdout or checked.stderr)
    errors = json.loads(encoded.stdout)["errors"]
    assert [code, code] == [told.get("error"), errors[0]["error"] if errors else None]


def test_a_faulty_model_is_refused_before_any_work(keys, tmp_path) -> None:
    model = tmp_path / "m.toml"
    model.write_text(FEBRL.read_text("utf-8").replace("bits = 23", "bits = 3"))
    with pytest.raises(ModelError) as caught:
        list(pool.encode_extracts([], options(keys, model=model), processes=1))
    assert caught.value.code == "model.pass-too-coarse"


def test_the_bytes_do_not_depend_on_the_number_of_processes(keys, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pool, "WORTH_A_WORKER_BYTES", 1)
    monkeypatch.setattr(pool, "GROUP_BYTES", 1)
    one, two = people(tmp_path / "one.csv", 9_000), people(tmp_path / "two.csv", 50)
    digests = []
    for number, (extracts, processes) in enumerate([((one,), 1), ((one, two), 1), ((one, two), 2)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        works = [Work(extract, folder / f"{extract.stem}.bundle", "00" * 16) for extract in extracts]
        outcomes = {o.work.extract.stem: o for o in pool.encode_extracts(works, options(keys), processes=processes)}
        digests.append(outcomes["one"].body_sha256)
    assert len(set(digests)) == 1
