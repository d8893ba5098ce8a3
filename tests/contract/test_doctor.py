"""What others rely on: `dedup doctor` exits with 1 when something failed, and its document keeps its members."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from dedup.lab.installation import Installation


def doctor(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "DEDUP_CONFIG"}
    command = [sys.executable, "-m", "dedup", "doctor", "--config", str(config), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)


def test_doctor_tells_what_failed_by_exit_code_1_and_by_stable_codes(installation: Installation) -> None:
    config = installation.folder / "config"
    well = doctor(config, "--json")
    (installation.server_keys / "receipts.pub").unlink()
    unwell, for_people = doctor(config, "--json"), doctor(config)
    documents: list[dict[str, Any]] = [json.loads(well.stdout), json.loads(unwell.stdout)]

    assert [one.returncode for one in (well, unwell, for_people)] == [0, 1, 1]
    assert [one.stderr for one in (well, unwell, for_people)] == ["", "", ""]
    assert [one["well"] for one in documents] == [True, False]
    for one in documents:
        assert set(one["counts"]) == {"ok", "warning", "failed", "skipped"}
        assert sum(one["counts"].values()) == len(one["checks"])
        assert all(set(check) == {"group", "code", "outcome", "sentence", "remedy", "cause"} for check in one["checks"])
        assert all(check["code"].startswith("doctor.") for check in one["checks"])
    [failed] = [check for check in documents[1]["checks"] if check["outcome"] == "failed"]
    assert (failed["code"], failed["cause"], failed["group"]) == ("doctor.receipt-keys", "key.missing", "Keys")
    assert f"  failed   {failed['sentence']} [key.missing]\n" in for_people.stdout
    assert failed["remedy"] in for_people.stdout


def test_doctor_needs_an_installation_to_look_at(tmp_path: Path) -> None:
    nowhere = doctor(tmp_path, "--json")

    assert nowhere.returncode == 1
    assert json.loads(nowhere.stderr)["error"] == "config.missing"
