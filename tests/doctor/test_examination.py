"""An installation that is well is said to be; looking changes nothing, and says nothing that is secret."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pandas as pd

from dedup.codes import meanings
from dedup.doctor import Outcome
from dedup.doctor.files import still_there
from dedup.lab.installation import Installation

from .conftest import look


def state_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return every file with its mode, age and content, and every folder with its mode."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode,)
        + ((path.stat().st_mtime_ns, path.read_bytes()) if path.is_file() else ())
        for path in folder.rglob("*")
    }


def test_all_is_well_after_a_night(healthy: Installation) -> None:
    examined = look(healthy)

    assert [one for one in examined.findings if one.outcome is not Outcome.OK] == []
    assert examined.is_well
    assert all(one.remedy == one.cause == "" for one in examined.findings)


def test_every_check_of_the_table_is_made_once(healthy: Installation) -> None:
    codes = [one.code for one in look(healthy).findings]

    assert sorted(codes) == sorted(code for code in meanings("en") if code.startswith("doctor."))


def test_looking_changes_nothing(healthy: Installation, submitted: Installation) -> None:
    """Neither an installation in use, nor one that has no store yet and would get one from any other command."""
    for installation in (healthy, submitted):
        before = state_of(installation.folder)
        look(installation)
        assert state_of(installation.folder) == before


def test_a_new_installation_is_told_that_its_first_night_is_to_come(submitted: Installation) -> None:
    examined = look(submitted)
    by_outcome = {outcome: {one.code for one in examined.findings if one.outcome is outcome} for outcome in Outcome}

    assert examined.is_well
    assert by_outcome[Outcome.WARNING] == {"doctor.registry"}
    assert by_outcome[Outcome.SKIPPED] == {
        f"doctor.{what}" for what in ("audit", "objects", "accepted", "night", "switches")
    }


def test_no_secret_and_no_registration_is_told(patient: Installation) -> None:
    """Broken in all its parts, it names files and counts, and nothing of what is in them."""
    keys = patient.server_keys
    secrets = {json.loads(path.read_text("ascii")).get("secret", "") for path in keys.glob("*.key")}
    secrets |= {json.loads(path.read_text("ascii")).get("jwk", {}).get("d", "") for path in keys.glob("*.key")}
    registrations = set(pd.read_csv(patient.truth, dtype=str)["registratie_id"])
    for path in (keys / "ingest.key", keys / "vendors" / "x.json", patient.folder / "config" / "regions.csv"):
        path.write_text(base64.b64encode(os.urandom(30)).decode(), "ascii")
    patient.inbox.chmod(0o755)
    secrets.add((keys / "ingest.key").read_text("ascii"))

    told = json.dumps([(one.sentence, one.remedy) for one in look(patient).findings])

    assert not [secret for secret in secrets - {""} if secret in told]
    assert not [one for one in registrations if one in told]


def test_one_that_cannot_be_read_at_all_is_one_finding(patient: Installation) -> None:
    (patient.folder / "config" / "settings.toml").write_text("[server", "utf-8")
    [only] = look(patient).findings

    assert (only.code, only.outcome, only.cause) == ("doctor.config", Outcome.FAILED, "config.malformed")


def test_what_a_night_takes_meanwhile_is_nothing_wrong(tmp_path: Path) -> None:
    stays, goes, link = (tmp_path / name for name in ("stays", "goes", "link"))
    for path in (stays, goes):
        path.write_text("")
    link.symlink_to("nowhere")
    looked_at = still_there([stays, goes, link])
    first = next(looked_at)[0]
    goes.unlink()

    assert [first, *(path for path, _ in looked_at)] == [stays, link]


def test_what_stops_one_check_stops_no_other(patient: Installation) -> None:
    (patient.server_keys / "vendors" / "folder.json").mkdir()
    outcomes = {one.code: one.outcome for one in look(patient).findings}

    assert {code for code, outcome in outcomes.items() if outcome is not Outcome.OK} == {
        "doctor.keys",
        "doctor.vendors",
        "doctor.vendor-keys",
    }
