"""A whole night is told by real channels, and what they got holds nothing but counts and codes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest
import trustme

from dedup.errors import DedupError
from dedup.lab.installation import Installation
from dedup.nightly.announcing import Operator, announced
from dedup.nightly.monthly import MonthlyResult, write_monthly_reports
from dedup.nightly.night import open_night
from dedup.nightly.result import NightResult
from dedup.nightly.run import run_night
from dedup.nightly.summary import Job, Summary
from dedup.reports.night import ReportError

from .conftest import Hook, Mailbox

NIGHT = date(2026, 11, 22)
SECRETS = {"HOOK": "", "MAIL_PASSWORD": "geheim wachtwoord"}


@pytest.fixture
def told_of(installation: Installation, authority: trustme.CA, mailbox: Mailbox) -> Installation:
    """An installation whose operator is told by both channels, and whose providers have names."""
    authority.cert_pem.write_to_path(str(installation.folder / "ca.pem"))
    config = installation.folder / "config"
    notify = f"""[notify]
ca_file = "ca.pem"
webhook_url_env = "HOOK"
mail_host = "localhost"
mail_port = {mailbox.port}
mail_from = "dedup@ksv.example"
mail_to = ["beheer@ksv.example"]
mail_user = "dedup"
mail_password_env = "MAIL_PASSWORD"
"""
    settings = (config / "settings.toml").read_text("utf-8").replace("[notify]\n", notify)
    (config / "settings.toml").write_text(settings, "utf-8")
    return installation


def operator(installation: Installation, hook: Hook, faults: list[DedupError]) -> Operator:
    return Operator(
        installation.settings,
        SECRETS | {"HOOK": hook.url},
        warn=faults.append,
        clock=lambda: datetime.now(UTC),
        sleep=lambda _: None,
    )


def run(installation: Installation) -> NightResult:
    with open_night(installation.settings, today=NIGHT, clock=lambda: datetime.now(UTC)) as night:
        return run_night(night)


def summary_of(result: NightResult) -> Summary:
    return result.summary(NIGHT)


def payloads(hook: Hook, mailbox: Mailbox) -> list[str]:
    """Return all that left the house: bodies, headers, and mails with their parts decoded."""
    mails = [f"{message}\n{message['Subject']}\n{message.get_content()}" for message in mailbox.messages]
    return [*(body.decode() for body in hook.bodies), *(json.dumps(headers) for headers in hook.headers), *mails]


def what_nobody_may_hear(installation: Installation) -> set[str]:
    """Return every value of every extract that could name somebody, and what is the server's own."""
    values: set[str] = set()
    for vendor in installation.vendors:
        for extract in installation.extracts_of(vendor):
            table = pd.read_csv(extract, sep=";", dtype=str, keep_default_na=False)
            for column in ("registratie_id", "aanbieder_agb", "achternaam", "geboortedatum", "postcode", "telefoon"):
                values |= set(table[column])
    providers = pd.read_csv(installation.folder / "config" / "providers.csv", sep=";", dtype=str)
    return {value for value in values | set(providers["naam"]) if len(value) > 3} | {str(installation.folder)}


def test_a_night_is_told_by_both_channels_in_counts_and_codes(
    told_of: Installation, hook: Hook, mailbox: Mailbox
) -> None:
    faults: list[DedupError] = []
    result = announced(
        lambda: run(told_of),
        summary_of,
        job=Job.NIGHTLY,
        period=NIGHT.isoformat(),
        operator=operator(told_of, hook, faults),
    )

    assert faults == []
    [document] = hook.documents()
    assert (document["version"], document["outcome"]) == ("dedup-summary/1", "done")
    assert [line["ksv"] for line in document["ksvs"]] == [line.ksv for line in result.ksvs]
    [message] = mailbox.messages
    assert message["Subject"] == "Dubbele inschrijvingen, nacht van 22 november 2026: klaar"
    assert message.get_content().splitlines() == document["text"].splitlines()
    assert "night of 22 November 2026: done" in document["text"]

    sent = payloads(hook, mailbox)
    forbidden = what_nobody_may_hear(told_of)
    assert len(forbidden) > 1000
    words = {word for payload in sent for word in re.findall(r"[\w@.+-]+", payload)}
    assert not forbidden & words
    assert not [value for value in forbidden if " " in value and any(value in payload for payload in sent)]


def test_a_night_that_ends_by_a_fault_is_told_by_its_code_alone(
    told_of: Installation, hook: Hook, mailbox: Mailbox
) -> None:
    def bug() -> NightResult:
        raise KeyError("Zwaluwenburgh-Qvist 1993-02-27")

    faults: list[DedupError] = []
    with pytest.raises(KeyError):
        announced(bug, summary_of, job=Job.NIGHTLY, period=NIGHT.isoformat(), operator=operator(told_of, hook, faults))

    assert faults == []
    [document] = hook.documents()
    assert (document["outcome"], document["error"]) == ("failed", "bug")
    assert mailbox.messages[0]["Subject"].endswith("mislukt (bug)")
    assert not [payload for payload in payloads(hook, mailbox) if "Qvist" in payload or "1993" in payload]


def test_a_month_that_cannot_be_reported_on_is_told_by_its_name(told_of: Installation, hook: Hook) -> None:
    def work() -> MonthlyResult:
        with open_night(told_of.settings, today=date(2026, 12, 1), clock=lambda: datetime.now(UTC)) as night:
            return write_monthly_reports(night, "2026-11")

    with pytest.raises(ReportError):
        announced(
            work,
            lambda result: result.summary(),
            job=Job.MONTHLY,
            period="2026-11",
            operator=operator(told_of, hook, []),
        )

    [document] = hook.documents()
    assert (document["period"], document["error"]) == ("2026-11", "reports.no-night")
    assert "monthly reports of November 2026: failed (reports.no-night)" in document["text"]


def test_channels_that_fail_are_named_and_the_work_is_done(told_of: Installation, hook: Hook, mailbox: Mailbox) -> None:
    hook.statuses = [404]
    faults: list[DedupError] = []
    heard = replace(operator(told_of, hook, faults), environ={"HOOK": hook.url, "MAIL_PASSWORD": "raadsel"})
    done = announced(
        lambda: "done",
        lambda _: Summary(Job.RETENTION, NIGHT.isoformat()),
        job=Job.RETENTION,
        period=NIGHT.isoformat(),
        operator=heard,
    )

    assert done == "done"
    assert [fault.code for fault in faults] == ["notify.webhook-failed", "notify.mail-failed"]
    assert mailbox.messages == []
