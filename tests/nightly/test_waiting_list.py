"""A regional waiting list is one more source, under a code of its own: stale entries are found, demand counts once."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from dedup.bundle.keyfiles import LinkageKey, read_key
from dedup.lab.installation import Installation, settle_vendor, submit
from dedup.lab.simulate import SimulationSettings, generate
from dedup.lab.simulate.files import write_extracts
from dedup.nightly.evidence import last_findings
from dedup.nightly.night import open_night
from dedup.nightly.run import run_night

NIGHT = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
TOOL = "41999990"  # the waiting-list tool's own code
EARLY, LATE = (NIGHT - timedelta(days=days) for days in (60, 5))


def entries_of(women: pd.DataFrame, since: date) -> pd.DataFrame:
    """Rows of the waiting list for women whom another package knows; each names two providers that she prefers."""
    return women.assign(
        registratie_id=[str(uuid.uuid5(uuid.NAMESPACE_OID, name)) for name in women["registratie_id"]],
        bronsysteem="wachtlijst",
        aanbieder_agb=TOOL,
        rol="zelfstandig",
        status="wachtlijst",
        inschrijf_datum=since.isoformat(),
        status_datum=since.isoformat(),
        voorkeur_1_agb="41000001",
        voorkeur_2_agb="41000002",
    )


def registered(installation: Installation) -> pd.DataFrame:
    """Women who were registered with one provider before the waiting list began."""
    extracts = [path for vendor in installation.vendors for path in installation.extracts_of(vendor)]
    rows = pd.concat(pd.read_csv(path, sep=";", dtype=str, keep_default_na=False) for path in extracts)
    truth = pd.read_csv(installation.truth, dtype=str)
    kinds = truth.set_index("registratie_id")["soort"]
    alone = truth["registratie_id"][~truth["vrouw"].duplicated(keep=False)]
    return rows[
        rows["registratie_id"].isin(alone)
        & (rows["registratie_id"].map(kinds) == "basis")
        & (rows["deelname"] == "ja")
        & (rows["status"] == "ingeschreven")
        & (rows["inschrijf_datum"] < EARLY.isoformat())
        & (rows["a_terme_datum"] > NIGHT.isoformat())
    ]


def waiting_in(installation: Installation) -> int:
    reports = [json.loads(path.read_text("utf-8")) for path in installation.folder.glob("reports/*/*/report.json")]
    return sum(month["waiting"] for report in reports for month in report["demand"])


def test_a_waiting_list_is_a_source_whose_stale_entries_are_found(submitted, first_night, copy_of):
    installation = copy_of(submitted, "with-a-waiting-list")
    women = registered(installation)
    stale, recent = entries_of(women[:10], EARLY), entries_of(women[10:20], LATE)
    elsewhere = generate(SimulationSettings(registrations=60, doubles=0.0, seed=71, day=NIGHT, providers=4, ksvs=1))
    known = elsewhere.registrations
    unknown = entries_of(known[(known["deelname"] == "ja") & (known["a_terme_datum"] > NIGHT.isoformat())][:8], LATE)
    epoch = read_key(installation.folder / "custodian" / "epoch.key", LinkageKey)
    settle_vendor(installation, "wachtlijst", [TOOL], epoch, NOW)
    write_extracts(pd.concat([stale, recent, unknown]), installation.folder / "vendors" / "wachtlijst" / "extracts")
    for bundle in installation.inbox.iterdir():
        bundle.unlink()
    list(submit(installation, today=NIGHT, created=NOW, processes=1))
    with open_night(installation.settings, today=NIGHT, clock=lambda: NOW) as night:
        run_night(night).raise_for_reports()
        found = last_findings(night)[1]

    rows = found.members[["finding", "registratie_id"]].merge(found.findings, on="finding").set_index("registratie_id")
    assert [
        (row["class"], row["code"], row["acts_agb"]) for _, row in rows.loc[stale["registratie_id"]].iterrows()
    ] == [("clean_up", "L3", TOOL)] * 10
    assert set(rows.loc[recent["registratie_id"], "class"]) == {"legitimate"}
    assert rows.loc[recent["registratie_id"], "one_demand"].all()
    assert not set(unknown["registratie_id"]) & set(rows.index)
    # Two preferences are one client, and who is registered somewhere does not wait.
    assert waiting_in(installation) == waiting_in(first_night.installation) + len(unknown)
