"""A lie detector: identifiers are planted in extracts, and every output of the whole way is searched for them.

The planted woman is registered at two providers, so that she is linked, judged and reported; her rows, and others with
the same values in broken cells, go through `dedup check`, `encode`, `nightly` and the Prefect flow. Searched are the
bundles (sealed, and opened with the server's key), the store (as it lies there, and decrypted and decompressed), the
reports (XLSX unpacked), what the commands print, and Prefect's own database and logs.
"""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from dedup.bundle.reader import open_bundle
from dedup.bundle.serverkeys import load_server_keys
from dedup.lab.installation import Installation, submit
from dedup.model.load import load_model
from dedup.store.objects import ObjectStore
from dedup.store.wrapping import BothKeys, LocalKey

NIGHT = "2026-11-22"
PLANTED = {
    "achternaam": "Zwaluwenburgh-Qvist",
    "achternaam_partner": "Xylander",
    "voornamen": "Quirinetta Wilhelmijntje",
    "roepnaam": "Quirinetta",
    "geboortedatum": "1993-02-27",
    "postcode": "1098 XQ",
    "telefoon": "06-18273645",
    "email": "quirinetta.zwaluw@voorbeeld.example",
    "verzekerdennummer": "VZ9081726354",
    "bsn": "123456782",
}
# Every value as it was written, and as the normalisation of the source would leave it.
TRACES = (
    "zwaluwenburgh", "qvist", "xylander", "quirinetta", "wilhelmijntje",
    "1993-02-27", "19930227", "27-02-1993", "27021993",
    "1098 xq", "1098xq",
    "0618273645", "06-18273645", "618273645",
    "quirinetta.zwaluw", "voorbeeld.example",
    "vz9081726354", "9081726354", "123456782",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Searched:
    """An output by its name, as bytes in which a trace would show."""

    name: str
    content: bytes


def found_in(outputs: Iterator[Searched]) -> list[str]:
    """Return where which trace was found, in UTF-8 or UTF-16, whatever the case."""
    encodings = ("utf-8", "utf-16-le", "utf-16-be")
    return [
        f"{trace} in {output.name}"
        for output in outputs
        for trace in TRACES
        if any(trace.encode(encoding) in output.content.lower() for encoding in encodings)
    ]


def plant(installation: Installation) -> None:
    """Write the woman into the extracts of two vendors, well and broken; her rows keep their other cells."""
    for vendor in installation.vendors[:2]:
        extract = installation.extracts_of(vendor)[0]
        with extract.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        active = [row for row in rows if row["deelname"] == "ja" and row["status"] == "ingeschreven"]
        hers, others = active[0], active[1:5]
        hers.update({name: value for name, value in PLANTED.items() if name != "bsn"})
        hers.update(
            {"a_terme_datum": "2027-03-01", "huisnummer": "17", "zorgproduct": "kraamzorg", "rol": "zelfstandig"}
        )
        broken = {
            "geboortedatum": f"x{PLANTED['geboortedatum']}",
            "postcode": f"{PLANTED['postcode']}?",
            "telefoon": f"{PLANTED['telefoon']}x9",
            "email": f"{PLANTED['email']}@@",
            "verzekerdennummer": f"!{PLANTED['verzekerdennummer']}",
            "status": PLANTED["achternaam"],
        }
        for row, (column, value) in zip(others, list(broken.items())[:4], strict=False):
            row[column] = value
        rows.append({**hers, "registratie_id": f"{vendor}-a", "status": PLANTED["achternaam"]})
        rows.append({**hers, "registratie_id": f"{PLANTED['voornamen']}"})
        frame = pd.DataFrame(rows).assign(bsn=PLANTED["bsn"], opmerking=PLANTED["email"])
        frame.to_csv(extract, sep=";", index=False, encoding="utf-8", lineterminator="\r\n")


def dedup(*arguments: str) -> Searched:
    """Run a command and return all that it prints; its exit code must not be that of a bug."""
    result = subprocess.run([sys.executable, "-m", "dedup", *arguments], capture_output=True, check=False, timeout=120)
    assert result.returncode in {0, 1, 3}, result.stderr
    return Searched(f"the output of dedup {arguments[0]}", result.stdout + result.stderr)


def opened_bundles(installation: Installation) -> Iterator[Searched]:
    """Yield each bundle as it lies in the inbox, and what the server's key opens of it."""
    keys = load_server_keys(installation.server_keys)
    model = load_model(installation.settings.model_path)
    for path in sorted(installation.inbox.glob("*.bundle")):
        yield Searched(path.name, path.read_bytes())
        with open_bundle(path, model=model, opened_with=keys.sealing) as bundle:
            yield Searched(f"the statistics of {path.name}", repr(bundle.statistics).encode())
            for batch in bundle.batches:
                yield Searched(f"the attributes of {path.name}", repr(batch.attributes).encode())
                for entries in batch.records.passes:
                    yield Searched(f"the entries of {path.name}", entries.token.tobytes() + entries.sketch.tobytes())


def files_under(folder: Path) -> Iterator[Searched]:
    """Yield every file, and every part of a file that is a ZIP archive."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        yield Searched(str(path.relative_to(folder)), content)
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for name in archive.namelist():
                    yield Searched(f"{name} in {path.name}", archive.read(name))


def opened_store(installation: Installation) -> Iterator[Searched]:
    """Yield every object of the store, decrypted, and where it is Parquet decompressed into text."""
    keys = load_server_keys(installation.server_keys)
    store = installation.settings.server_home / "store"
    link, attributes = (LocalKey(key.key_id, key.secret) for key in (keys.link_view, keys.attributes))
    for folder, key in (("link-views", link), ("attributes", attributes), ("joined", BothKeys(link, attributes))):
        objects = ObjectStore(store / folder, key)
        for name in sorted(objects.names()):
            content = bytes(objects.get(name))
            yield Searched(f"object {name[:8]} of {folder}", content)
            if content.startswith(b"PAR1"):
                table = pq.read_table(io.BytesIO(content))
                yield Searched(f"Parquet object {name[:8]} of {folder}", repr(table.to_pydict()).encode())


@pytest.fixture
def planted(submitted: Installation, copy_of: Callable[[Installation, str], Installation]) -> Installation:
    installation = copy_of(submitted, "planted")
    for bundle in installation.inbox.glob("*.bundle"):
        bundle.unlink()
    plant(installation)
    return installation


def test_the_search_finds_what_is_there(planted: Installation, tmp_path: Path) -> None:
    """The detector is not blind: in the clear extracts, and inside a ZIP file, it finds what was planted."""
    extracts = planted.folder / "vendors"
    with zipfile.ZipFile(tmp_path / "packed.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", PLANTED["achternaam"] * 100)

    plain = {hit.split(" in ")[0] for hit in found_in(files_under(extracts))}
    assert {"zwaluwenburgh", "quirinetta", "1993-02-27", "1098 xq", "06-18273645", "vz9081726354", "123456782"} <= plain
    assert any("sheet.xml" in hit for hit in found_in(files_under(tmp_path)))


def test_no_output_of_the_whole_way_holds_a_planted_identifier(planted: Installation, tmp_path: Path) -> None:
    config = str(planted.folder / "config")
    extracts = [planted.extracts_of(vendor)[0] for vendor in planted.vendors[:2]]
    said = [
        dedup("check", str(extract), "--date", NIGHT, "--config", config, *more)
        for extract in extracts
        for more in ([], ["--json"])
    ]
    key = planted.keys_of(planted.vendors[0]) / "epoch.key"
    said.append(
        dedup("encode", *map(str, extracts), "--key", str(key), "--out", str(tmp_path / "loose"), "--date", NIGHT)
    )

    outcomes = list(submit(planted, today=date.fromisoformat(NIGHT), created=datetime.now(UTC), processes=1))
    reports = [outcome.report.findings_json() for outcome in outcomes if outcome.report]  # type: ignore[union-attr] # an outcome without report fails below
    said.append(Searched("the findings of the check", repr(reports).encode()))
    assert found_in(opened_bundles(planted)) == []
    assert found_in(files_under(tmp_path / "loose")) == []

    said.append(dedup("nightly", "--config", config, "--date", NIGHT, "--json"))
    findings = pd.read_parquet(planted.folder / "findings.parquet")

    assert found_in(iter(said)) == []
    assert found_in(files_under(planted.settings.server_home)) == []
    assert found_in(opened_store(planted)) == []
    for folder in ("reports", "provider-reports"):
        assert found_in(files_under(planted.folder / folder)) == []
    assert found_in(iter([Searched("findings.parquet", repr(findings.to_dict()).encode())])) == []
    hers = planted_ids(extracts)
    shared = findings[findings["registratie_id"].isin(hers)].groupby("finding").size()
    assert (shared == 2).any(), "the planted woman was not found as a double, so nothing was tested"


def planted_ids(extracts: list[Path]) -> list[str]:
    frames = [pd.read_csv(extract, sep=";", dtype=str) for extract in extracts]
    together = pd.concat(frames)
    return together.loc[together["achternaam"] == PLANTED["achternaam"], "registratie_id"].tolist()


def test_prefects_database_and_logs_hold_no_planted_identifier(planted: Installation, tmp_path: Path) -> None:
    """The flow runs in a process of its own with a Prefect home of its own, which is searched whole."""
    list(submit(planted, today=date.fromisoformat(NIGHT), created=datetime.now(UTC), processes=1))
    home = tmp_path / "prefect"
    code = f"from flows.nightly import nightly; nightly(config={str(planted.folder / 'config')!r}, day={NIGHT!r})"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    root = Path(__file__).parents[1]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, check=False, timeout=400
    )

    assert result.returncode == 0, result.stderr[-2000:]
    assert re.search(rb"Finished in state Completed", result.stderr + result.stdout)
    assert (home / "prefect.db").stat().st_size > 0
    assert found_in(files_under(home)) == []
    assert found_in(iter([Searched("the flow's log", result.stdout + result.stderr)])) == []
