"""What a KSV sees, and what it does not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from dedup.findings.classify import find
from dedup.findings.frames import no_findings
from dedup.reports import html
from dedup.reports import json as json_report
from dedup.reports.data import AgeBand, HistoryPoint, Turn, WeekFlow
from dedup.reports.ksv import build, history_row
from dedup.reports.night import Night, ReportError, prepare
from dedup.weeks import week_of

HERE, THERE = "41000001", "41000003"


def registration_ids_in(page: str) -> set[str]:
    return set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", page))


@pytest.fixture
def reports(registration_frame, pair_frame, rules, providers, today):
    """Returns the reports of both KSVs for registrations and pairs, by code."""

    def make(registrations, pairs, **options):
        frame = registration_frame(*registrations)
        findings = find(frame, pair_frame(*pairs), rules, today=today, previous=options.pop("previous", None))
        night = prepare(findings, frame, providers, today=today, **options)
        return {ksv: build(night, ksv, ksv) for ksv in ("KSV01", "KSV02")}

    return make


def test_a_finding_over_two_ksvs_is_in_both_reports_each_with_its_own_part(reports, today):
    young = {"aanbieder_agb": THERE, "ksv": "KSV02", "inschrijf_week": week_of(today)}
    both = reports([{}, young], [(0, 1, {})])
    [here], [there] = both["KSV01"].findings, both["KSV02"].findings
    assert here.finding == there.finding
    assert ([member.provider for member in here.members], here.elsewhere) == ([HERE], 1)
    assert ([member.provider for member in there.members], there.elsewhere) == ([THERE], 1)
    assert (here.acts, here.acts_provider, here.acts_provider_name) == ("elsewhere", "", "")
    assert (there.acts, there.acts_provider, there.acts_provider_name) == ("provider", THERE, "Kraambureau Lente")


def test_nothing_of_another_ksv_stands_anywhere_in_a_report(reports, today):
    young = {"aanbieder_agb": THERE, "ksv": "KSV02", "inschrijf_week": week_of(today), "status": "in_zorg"}
    registrations = [{}, young, {"group": 5, "ksv": "KSV02", "aanbieder_agb": "41000008"}]
    report = reports(registrations, [(0, 1, {})])["KSV01"]
    page = html.render(report) + str(json_report.render(report))
    other = reports(registrations, [(0, 1, {})])["KSV02"].findings[0].members[0]
    for secret in (other.registratie_id, THERE, "Kraambureau Lente", "41000008", "in zorg", "KSV02"):
        assert secret not in page


def test_internal_findings_are_not_the_coordinators(reports):
    report = reports([{}, {}], [(0, 1, {})])["KSV01"]
    assert (report.findings, report.legitimate) == ((), ())


def test_held_findings_are_counted_and_no_more(reports, today):
    old = {"aanbieder_agb": THERE, "group": 7}
    young = {"aanbieder_agb": THERE, "first_seen": today - timedelta(days=3)}
    report = reports([{}, young, old], [(0, 1, {})])["KSV01"]
    assert (report.findings, report.summary.held) == ((), 1)
    page = html.render(report)
    assert "in bedenktijd, meestal de eerste 14 dagen: 1 bevinding." in page
    assert registration_ids_in(page) == set()


def test_a_held_registration_is_left_out_of_an_open_finding(reports, today):
    registrations = [
        {},
        {"aanbieder_agb": THERE},
        {"aanbieder_agb": "41000002", "first_seen": today},
        {"aanbieder_agb": "41000002", "group": 9},
    ]
    report = reports(registrations, [(0, 1, {}), (0, 2, {})])["KSV01"]
    assert [[member.provider for member in line.members] for line in report.findings] == [[HERE, THERE]]


def test_the_first_screen_counts(reports):
    registrations = [
        {},
        {"aanbieder_agb": THERE},
        {"group": 2},
        {"group": 2, "aanbieder_agb": "41000002"},
        {"group": 4},
        {"group": 4, "aanbieder_agb": "41000002", "zorgproduct": "partus"},
    ]
    summary = reports(registrations, [(0, 1, {}), (2, 3, {"first_name": 0}), (4, 5, {})])["KSV01"].summary
    assert (summary.new, summary.open, summary.ksv_acts, summary.provider_acts) == (2, 2, 1, 1)
    assert summary.by_class == {"to_review": 1, "certain": 1, "likely": 0, "clean_up": 0}
    assert (summary.legitimate, summary.registrations) == (1, 6)
    [turn] = summary.turns
    assert turn in (Turn(HERE, "Kraamzorg De Ooievaar", 1), Turn(THERE, "Kraambureau Lente", 1))


def test_ageing_and_flow_follow_the_nights(registration_frame, pair_frame, rules, providers, today):
    frame = registration_frame({}, {"aanbieder_agb": THERE}, {"group": 2}, {"group": 2, "aanbieder_agb": THERE})
    both, one = pair_frame((0, 1, {}), (2, 3, {})), pair_frame((0, 1, {}))
    previous = None
    for days, pairs in ((10, both), (2, one), (0, one)):
        previous = find(frame, pairs, rules, today=today - timedelta(days=days), previous=previous)
    report = build(prepare(previous, frame, providers, today=today), "KSV01", "KSV01")
    assert report.ageing == (AgeBand(0, 7, 0, 0), AgeBand(8, 14, 1, 0), AgeBand(15, 28, 0, 0), AgeBand(29, None, 0, 0))
    assert report.flow[-2:] == (WeekFlow(today - timedelta(days=7), 2, 0), WeekFlow(today, 0, 1))
    assert (report.summary.new, report.summary.settled_today) == (0, 0)
    assert report.findings[0].days_open == 10


def test_freshness_names_who_is_late_and_who_never_delivered(night, report):
    by_provider = {line.provider: line for line in report.providers}
    assert (by_provider["41000010"].freshness, by_provider["41000010"].snapshot) == ("missing", None)
    assert by_provider["41000007"].freshness == "stale"
    assert by_provider["41000005"].freshness == "late"
    assert report.providers[0].freshness == "missing"
    assert report.summary.not_fresh[0] == "Zelfstandig Zwaan"
    assert report.summary.providers == report.summary.providers_fresh + len(report.summary.not_fresh)
    assert "41000010" not in {line.provider for line in build(night, "KSV02", "KSV02").providers}


def test_a_vendors_line_gives_shares_and_no_totals(report):
    line = next(line for line in report.vendors if line.vendor == "puck")
    assert 0 < line.refused_share < 0.05
    assert line.frequent_warnings[0] == "phone.malformed"
    assert not hasattr(line, "rows")


def test_history_ends_with_tonight(report, today):
    assert history_row(report) == {"ksv": "KSV01", "day": today, "open": report.summary.open}
    assert report.history[-1] == HistoryPoint(today, report.summary.open)
    assert len(report.history) == 21
    assert not report.first_night


def test_a_ksv_without_anything_has_an_empty_report(registration_frame, providers, today):
    night = prepare(no_findings(), registration_frame({}), providers, today=today)
    report = build(night, "KSV09", "Leeg")
    assert (report.findings, report.providers, report.demand, report.summary.open) == ((), (), (), 0)
    assert report.first_night
    assert "geen bevindingen" in html.render(report)


def test_all_ksvs_with_registrations_or_contracts_are_named(registration_frame, providers, today):
    contracts = pd.DataFrame({"ksv": ["KSV04"], "aanbieder_agb": ["41000010"], "naam": ["x"]})
    frame = registration_frame({}, {"ksv": "KSV03"}, {"ksv": ""})
    night = prepare(no_findings(), frame, providers, today=today, contracts=contracts)
    assert night.ksvs == ("KSV01", "KSV03", "KSV04")


def test_a_missing_provider_column_is_one_clear_error(registration_frame, providers, today):
    with pytest.raises(ReportError, match="snapshot_date") as error:
        prepare(no_findings(), registration_frame({}), providers.drop(columns="snapshot_date"), today=today)
    assert error.value.code == "reports.columns"


def test_a_registration_that_left_is_still_counted_as_settled(reports, registration_frame, pair_frame, rules, today):
    registrations = [{}, {"aanbieder_agb": THERE}]
    previous = find(
        registration_frame(*registrations),
        pair_frame((0, 1, {})),
        rules,
        today=today - timedelta(days=1),
    )
    report = reports(registrations[:1], [], previous=previous)["KSV01"]
    assert (report.summary.settled_today, report.summary.open) == (1, 0)


@pytest.fixture(scope="module")
def escalated_night(findings_of_season, providers) -> Night:
    """The season's last night, on which a finding is with the insurer and is kept because a delivery is suspected."""
    findings, registrations = findings_of_season
    table = findings.findings.assign(escalation="", escalated="", next_escalation="")
    chosen = table.index[(table["state"] == "open") & (table["class"] == "certain")][0]
    table.loc[chosen, ["escalation", "escalated", "next_escalation"]] = ["insurer", "2026-11-20", "2026-12-04"]
    table.loc[chosen, ["kept", "kept_since", "feedback"]] = ["delivery", "2026-11-21", "onbekend"]
    agb = findings.members.loc[findings.members["finding"] == table.loc[chosen, "finding"], "aanbieder_agb"].iloc[0]
    deliveries = pd.DataFrame(
        [(agb, "shrunken", "2026-11-21", 5, 50, "2026-11-20")], columns=findings.deliveries.columns
    )
    changed = replace(findings, findings=table, deliveries=deliveries)
    return prepare(changed, registrations, providers, today=date(2026, 11, 22))


SAID = {
    "nl": (
        "Te lang open: sinds 20 nov 2026 voor te leggen aan de preferente zorgverzekeraar.",
        "Volgende stap op 4 dec 2026, als zij dan nog open is.",
        "Blijft staan sinds 21 nov 2026",
        "Geantwoord: nog niet duidelijk.",
        "Levering verdacht:",
        "Te lang open, op te volgen door u: 1 bevinding.",
    ),
    "en": (
        "Open too long: to be put to the preferred insurer since 20 Nov 2026.",
        "Next step on 4 Dec 2026, if it is still open then.",
        "Kept since 21 Nov 2026",
        "Answered: not clear yet.",
        "Delivery suspected:",
        "Open too long, for you to follow up: 1 finding.",
    ),
}


@pytest.mark.parametrize("language", ["nl", "en"])
def test_escalation_answers_and_suspected_deliveries_are_told(escalated_night, language):
    [finding] = [row for row in escalated_night.finding.values() if row["escalation"]]
    ksv = finding["ksvs"].split()[0]
    report = build(escalated_night, ksv, "KSV")
    page = html.render(report, language)
    assert [sentence for sentence in SAID[language] if sentence not in page] == []
    assert report.summary.escalated == 1
    assert [line.suspected for line in report.providers if line.suspected] == ["shrunken"]
