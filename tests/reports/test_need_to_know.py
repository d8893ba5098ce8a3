"""Need to know: the reports of a whole made-up night, for every audience, are searched for what it may not have.

The night is a real one: extracts are encoded, sealed, received, linked and judged. What may not be told is taken from
the clear extracts and from the server's own tables, and looked for in every file, as a curious reader would.
"""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pypdf
import pytest

from dedup.findings.frames import Findings
from dedup.findings.rules import EXPLAINING
from dedup.findings.vocabulary import Feedback
from dedup.lab.installation import Installation
from dedup.nightly.contracts import contracts_of, kept_contracts
from dedup.nightly.feedback import import_feedback
from dedup.nightly.finding import FINDINGS, findings_from_json
from dedup.nightly.linking import LINK, pairs_from_parquet
from dedup.nightly.memory import content_of
from dedup.nightly.monthly import write_monthly_reports
from dedup.nightly.monthly_insurers import INSURER_REPORTS_FOLDER
from dedup.nightly.monthly_ksvs import MONTHLY_REPORTS_FOLDER
from dedup.nightly.night import REPORTS_FOLDER, Night, open_night
from dedup.nightly.registrations import night_registrations
from dedup.nightly.reporting import PROVIDER_REPORTS_FOLDER, names_in
from dedup.nightly.run import run_night
from dedup.nightly.snapshots import current_snapshots
from dedup.reports import provider_files
from dedup.store.runs import outputs_before

NIGHT, NOW = date(2026, 11, 22), datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
AGB = re.compile(r"(?<![0-9])419[0-9]{5}(?![0-9])")  # the simulator's providers
FINDING = re.compile(r"B-[A-Z2-7]{10}")


@dataclass(frozen=True)
class World:
    """What was reported, as text per audience and its folder, and what is true."""

    reports: dict[tuple[str, str], str]
    registrations: pd.DataFrame
    findings: Findings
    pairs: pd.DataFrame
    clear: pd.DataFrame
    names: dict[str, str]
    contracts: pd.DataFrame
    folder: Path

    def of(self, audience: str) -> Iterator[tuple[str, str]]:
        return ((whose, text) for (kind, whose), text in self.reports.items() if kind == audience)


def words_of(path: Path) -> str:
    """All that a reader can find in a file, its properties too."""
    content = path.read_bytes()
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = (
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None
        )
        return "\n".join([*book.sheetnames, str(book.properties), *cells])
    if path.suffix == ".pdf":
        file = pypdf.PdfReader(io.BytesIO(content))
        return "\n".join([str(file.metadata), *(page.extract_text() for page in file.pages)])
    return content.decode("utf-8-sig")


def is_named(name: str, text: str) -> bool:
    """Tell whether a provider is named; `Kraamzorg Het Nest` is not, where only `Kraamzorg Het Nest 2` is."""
    return re.search(rf"{re.escape(name)}(?! [0-9]|\w)", text) is not None


def reported_in(folder: Path) -> dict[tuple[str, str], str]:
    """What lies in the folder of each reader, by audience and whose it is; a KSV reads its nights and its months."""
    texts: dict[tuple[str, str], str] = {}
    for audience in (REPORTS_FOLDER, MONTHLY_REPORTS_FOLDER, PROVIDER_REPORTS_FOLDER, INSURER_REPORTS_FOLDER):
        for path in sorted(path for path in (folder / audience).rglob("*") if path.is_file()):
            reader = REPORTS_FOLDER if audience == MONTHLY_REPORTS_FOLDER else audience
            key = reader, path.relative_to(folder / audience).parts[0]
            texts[key] = texts.get(key, "") + "\n" + words_of(path)
    return texts


@contextmanager
def night_of(installation: Installation) -> Iterator[Night]:
    with open_night(installation.settings, today=NIGHT, clock=lambda: NOW) as night:
        yield night


@pytest.fixture(scope="module")
def world(submitted, tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("world") / "installation"
    shutil.copytree(submitted.folder, folder)
    installation = Installation(folder)
    with night_of(installation) as night:
        run_night(night)
    with night_of(installation) as night:
        write_monthly_reports(night)
    with night_of(installation) as night, night.store.registry.read() as session:
        later = date(2026, 11, 23)
        found = findings_from_json(content_of(night, outputs_before(session, FINDINGS, later)[-1][1]))
        pairs = pairs_from_parquet(content_of(night, outputs_before(session, LINK, later)[-1][1]), night.model)
        registrations = night_registrations(night, current_snapshots(night))
    clear = pd.concat(
        pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
        for vendor in installation.vendors
        for path in installation.extracts_of(vendor)
    )
    names = names_in(installation.settings)
    with night_of(installation) as night:
        contracts = contracts_of(kept_contracts(night.settings, night.keys), names, NIGHT, new_codes=night.new_codes)
    return World(reported_in(folder), registrations, found, pairs, clear, names, contracts.table, folder)


def test_every_audience_has_reports_and_the_search_finds_what_is_there(world):
    """The control: ids, providers and findings are found where they belong."""
    assert len(list(world.of(REPORTS_FOLDER))) >= 3
    assert all(text.count("Maandoverzicht van november 2026") >= 2 for _, text in world.of(REPORTS_FOLDER))
    assert len(list(world.of(PROVIDER_REPORTS_FOLDER))) == 12
    assert len(list(world.of(INSURER_REPORTS_FOLDER))) >= 1
    for audience in (REPORTS_FOLDER, PROVIDER_REPORTS_FOLDER):
        everything = " ".join(text for _, text in world.of(audience))
        assert len(set(UUID.findall(everything))) > 40
        assert len(set(AGB.findall(everything))) == 12 + (audience == REPORTS_FOLDER)  # and one that never delivered
        assert len(set(FINDING.findall(everything))) > 20


def test_a_ksv_sees_its_own_registrations_only(world):
    ksv_of = dict(zip(world.registrations["registratie_id"], world.registrations["ksv"], strict=True))
    for ksv, text in world.of(REPORTS_FOLDER):
        assert {ksv_of[found] for found in UUID.findall(text)} <= {ksv}


def test_a_ksv_sees_no_provider_that_is_not_active_or_contracted_there(world):
    for ksv, text in world.of(REPORTS_FOLDER):
        active = set(world.registrations.loc[world.registrations["ksv"] == ksv, "aanbieder_agb"])
        contracted = set(world.contracts.loc[world.contracts["ksv"] == ksv, "aanbieder_agb"])
        assert set(AGB.findall(text)) <= active | contracted
        for agb in set(world.names) - active - contracted:
            assert not is_named(world.names[agb], text)


def test_a_ksv_hears_nothing_of_internal_and_held_findings(world):
    table = world.findings.findings
    hidden = set(table.loc[(table["class"] == "internal") | (table["state"] == "held"), "finding"])
    assert hidden
    for _, text in world.of(REPORTS_FOLDER):
        assert not hidden & set(FINDING.findall(text))


def test_a_group_over_two_ksvs_is_in_both_reports_and_each_sees_its_own_part(world):
    table = world.findings.findings
    open_ones = table["state"].isin(["new", "open", "reopened"]) & (table["class"] != "internal")
    over_two = table.loc[open_ones & table["ksvs"].str.contains(" ")]
    assert len(over_two) > 0
    texts = dict(world.of(REPORTS_FOLDER))
    members = world.findings.members.merge(world.registrations[["registratie_id", "ksv"]], on="registratie_id")
    for name, ksvs in zip(over_two["finding"], over_two["ksvs"], strict=True):
        for ksv in ksvs.split():
            assert name in texts[ksv]
            own = members.loc[
                (members["finding"] == name) & (members["ksv"] == ksv) & ~members["held"], "registratie_id"
            ]
            assert len(own)
            assert all(one in texts[ksv] for one in own)
            assert "Ook elders ingeschreven" in texts[ksv]


def test_a_provider_sees_its_own_registrations_only(world):
    provider_of = dict(zip(world.registrations["registratie_id"], world.registrations["aanbieder_agb"], strict=True))
    for agb, text in world.of(PROVIDER_REPORTS_FOLDER):
        assert {provider_of[found] for found in UUID.findall(text)} <= {agb}


def test_a_provider_hears_of_no_other_provider_unless_both_agreed(world):
    for agb, text in world.of(PROVIDER_REPORTS_FOLDER):
        assert set(AGB.findall(text)) == {agb}
        for other in set(world.names) - {agb}:
            assert not is_named(world.names[other], text) or world.names[other] in world.names[agb]


def test_a_provider_is_told_no_chance_and_for_what_is_in_doubt_no_attribute(world):
    for agb, text in world.of(PROVIDER_REPORTS_FOLDER):
        assert not re.search(r"(redelijke|grote|zeer grote|fair|high) (kans|chance)", text)
        folder = world.folder / PROVIDER_REPORTS_FOLDER / agb / NIGHT.isoformat()
        lines = pd.read_csv(folder / "report.csv", sep=";", dtype=str, keep_default_na=False)
        assert set(lines.loc[lines["class"] != "certain", "agreed"]) <= {""}


def test_naming_everyone_names_only_those_of_doubles_that_are_not_in_doubt(world, tmp_path):
    """With the most open policy, a provider hears of those that share a real double with it, and of no one else."""
    shutil.copytree(world.folder, tmp_path / "open")
    installation = Installation(tmp_path / "open")
    (installation.folder / "config" / "ksv.toml").write_text('[every_ksv]\ncounterparty = "always"\n', "utf-8")
    with night_of(installation) as night:
        run_night(night)
    table = world.findings.findings
    named = table.loc[table["class"].isin(["certain", "likely", "clean_up"]), "finding"]
    members = world.findings.members.loc[world.findings.members["finding"].isin(named)]
    told = 0
    for (audience, agb), text in reported_in(installation.folder).items():
        if audience == PROVIDER_REPORTS_FOLDER:
            shared = members.loc[members["aanbieder_agb"] == agb, "finding"]
            allowed = set(members.loc[members["finding"].isin(shared), "aanbieder_agb"]) | {agb}
            assert set(AGB.findall(text)) <= allowed
            told += len(set(AGB.findall(text)) - {agb})
    assert told > 10


def test_a_form_that_a_provider_filled_in_is_taken_back(world, tmp_path):
    """Whatever can be chosen in the form is understood, and an answer about somebody else's registration is refused."""
    assert set(provider_files.ANSWERS) == {
        *(answer for answer in Feedback if answer is not Feedback.RIGHTLY),
        *(f"{Feedback.RIGHTLY}:{code}" for code in EXPLAINING),
    }
    shutil.copytree(world.folder, tmp_path / "answered")
    installation = Installation(tmp_path / "answered")
    forms = (installation.folder / PROVIDER_REPORTS_FOLDER).glob("*/*/feedback.csv")
    [form, *others] = sorted(forms, key=lambda path: (-path.stat().st_size, path))
    lines = form.read_text("utf-8-sig").splitlines()
    assert len(lines) > 3
    answers = [f"{line}{provider_files.ANSWERS[at % len(provider_files.ANSWERS)]}" for at, line in enumerate(lines[1:])]
    strangers = [line.replace(other.parts[-3], form.parts[-3]) + "ons"
                 for other in others[:1] for line in other.read_text("utf-8-sig").splitlines()[1:3]]  # fmt: skip
    with night_of(installation) as night:
        outcome = import_feedback(night, "\r\n".join([lines[0], *answers, *strangers]).encode())
    assert outcome.accepted == len(answers)
    assert len(outcome.refused) == len(strangers) > 0


def test_an_insurer_sees_no_id_no_provider_and_no_other_insurers_ksv(world):
    preferred = world.contracts.groupby("ksv")["verzekeraar"].first().to_dict()
    for insurer, text in world.of(INSURER_REPORTS_FOLDER):
        assert not UUID.search(text)
        assert not AGB.search(text)
        assert not FINDING.search(text)
        assert not [name for name in world.names.values() if name in text]
        assert {preferred[ksv] for ksv in re.findall(r"KSV[0-9]{2}", text)} == {insurer}


@pytest.mark.parametrize("audience", [REPORTS_FOLDER, PROVIDER_REPORTS_FOLDER, INSURER_REPORTS_FOLDER])
def test_nobody_sees_an_identifier_a_chance_or_a_row_number(world, audience):
    clear = world.clear
    secrets = set(clear["email"]) | set(clear["telefoon"]) | set(clear["verzekerdennummer"])
    secrets |= set(clear["postcode"]) | {code.replace(" ", "") for code in clear["postcode"]}
    secrets |= {name for column in ("achternaam", "achternaam_partner") for name in clear[column] if len(name) > 8}
    # A birth day is told from a day of the report by its year.
    secrets |= {born for born in clear["geboortedatum"] if born < "2015"}
    secrets |= {f"{chance:.4f}"[:6] for chance in world.pairs["probability"] if 0.001 < chance < 0.9999}
    secrets |= {
        f"{chance:.4f}"[:6].replace(".", ",") for chance in world.pairs["probability"] if 0.001 < chance < 0.9999
    }
    numbers = set(world.registrations["row_number"].astype(str))
    secrets = {secret for secret in secrets if len(secret) >= 6}
    assert len(secrets) > 1_000
    for whose, text in world.of(audience):
        found = [secret for secret in secrets if secret in text]
        assert not found, (whose, len(found))
        assert not numbers & set(re.findall(r"[0-9]{6,}", text))


def test_the_list_of_contracts_lies_nowhere_in_clear(world):
    undelivered = set(world.contracts["naam"]) - set(world.names.values())
    assert undelivered
    for path in (world.folder / "server").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(name.encode() in content for name in undelivered), path.name
    for audience in (PROVIDER_REPORTS_FOLDER, INSURER_REPORTS_FOLDER):
        for _, text in world.of(audience):
            assert not [name for name in undelivered if name in text]
