"""The words of a summary, in both languages, for every job and every way in which it can end."""

from __future__ import annotations

import json
from datetime import date

import pytest

from dedup.nightly.monthly import MonthlyResult
from dedup.nightly.result import NightResult, StageDone, counts_of_failed
from dedup.nightly.retention import Removed
from dedup.nightly.summary import Job, KsvLine, Outcome, Summary, as_document, headline, in_words
from dedup.nightly.writing import Audience, FailedReport
from dedup.reports.texts import LANGUAGES, texts_in

NIGHT = date(2026, 11, 22)
LINES = (KsvLine("KSV01", new=2, open=1_240, settled=0), KsvLine("KSV02", None, None, None, error="system.refused"))
FAILED = (
    FailedReport(Audience.KSV, "KSV02", "system.refused"),
    FailedReport(Audience.PROVIDER, "41990001", "bug", "KeyError at provider.py:12"),
    FailedReport(Audience.INSURER, "3311", "bug", "KeyError at insurer.py:12"),
)
STAGES = (
    StageDone("receive", {"accepted": 12, "known_already": 0, "refused": 1}, 1.0),
    StageDone("ingest", {"snapshots": 11, "registrations": 5_000, "refused": 1, "expired": 0}, 1.0),
    StageDone("link", {"registrations": 12_345}, 1.0),
)


def summaries() -> dict[str, Summary]:
    night = NightResult("1", STAGES, ksvs=LINES, failed=FAILED, findings_open=7)
    return {
        "night": night.summary(NIGHT),
        "month": MonthlyResult("2026-11", NIGHT, ("3311", "3322"), (), LINES, FAILED).summary(),
        "removal": Removed(1, 2, 3, 4, 5, 6, 7).summary(NIGHT),
        "fault": Summary(Job.NIGHTLY, "2026-11-22", error="store.unavailable"),
    }


def test_a_night_is_told_in_dutch() -> None:
    assert in_words(summaries()["night"], texts_in("nl")).splitlines() == [
        "Dubbele inschrijvingen, nacht van 22 november 2026: klaar, maar niet elk rapport is geschreven",
        "Leveringen ontvangen: 12",
        "Leveringen geweigerd: 2",
        "Inschrijvingen vergeleken: 12.345",
        "Open bevindingen: 7",
        "Rapporten voor aanbieders die niet geschreven zijn: 1",
        "Rapporten voor verzekeraars die niet geschreven zijn: 1",
        "KSV01: 2 nieuw, 1.240 open, 0 afgehandeld; rapport geschreven",
        "KSV02: – nieuw, – open, – afgehandeld; rapport niet geschreven (system.refused)",
        "Wat er mis is, staat in de uitvoer van de opdracht op de server.",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["night", "month", "removal", "fault"])
def test_every_summary_has_words_in_every_language(kind: str, language: str) -> None:
    summary = summaries()[kind]
    text = in_words(summary, texts_in(language))

    assert text.splitlines()[0] == headline(summary, texts_in(language))
    assert all(code in text for code in [line.error for line in summary.ksvs if line.error] + [summary.error])
    assert "{" not in text


@pytest.mark.parametrize("kind", ["night", "month", "removal", "fault"])
def test_a_summary_names_no_provider_no_insurer_and_no_place_in_the_code(kind: str) -> None:
    told = json.dumps(as_document(summaries()[kind]))

    assert not [word for word in ("41990001", "3311", "KeyError", ".py") if word in told]


def test_how_it_ended() -> None:
    assert {kind: summary.outcome for kind, summary in summaries().items()} == {
        "night": Outcome.REPORTS_FAILED,
        "month": Outcome.REPORTS_FAILED,
        "removal": Outcome.DONE,
        "fault": Outcome.FAILED,
    }
    only_a_provider = Summary(Job.NIGHTLY, "2026-11-22", failed=counts_of_failed(FAILED[1:2]))
    assert only_a_provider.outcome is Outcome.REPORTS_FAILED


def test_a_month_counts_the_reports_that_were_written() -> None:
    assert summaries()["month"].counts == {"reports_ksv": 1, "reports_insurer": 1}
