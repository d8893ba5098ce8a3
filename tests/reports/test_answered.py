"""After an answer every report tells the step that is left, and the counts of what came and went add up."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import openpyxl
import pytest

from dedup.findings.classify import find
from dedup.findings.conditions import Conditions
from dedup.findings.decisions import Decision, decision_frame
from dedup.findings.deliveries import Fault, Suspicion
from dedup.reports import html, provider_files, wording, xlsx
from dedup.reports.first_screen import first_screen
from dedup.reports.ksv import build
from dedup.reports.ksv_settings import EVERY_KSV, KsvSettings
from dedup.reports.night import came_of_answers, prepare
from dedup.reports.provider import ProviderReports
from dedup.reports.separated import ksv_csv
from dedup.reports.texts import texts_in
from dedup.weeks import week_of

HERE, THERE = "41000001", "41000003"
FIRST = date(2026, 10, 26)
BOTH = [{"registratie_id": "a"}, {"registratie_id": "b", "aanbieder_agb": THERE}]
AGREED = "address birth_date edd first_name phone surname"
NL = texts_in("nl")
SETTINGS = {EVERY_KSV: KsvSettings()}


def answered(**codes: str) -> Conditions:
    """The answers of `a` and `b`, given on the first day."""
    other, provider = {"a": "b", "b": "a"}, {"a": HERE, "b": THERE}
    return Conditions(
        decisions=decision_frame(
            Decision(own, other[own], provider[own], *f"{code}:".split(":")[:2], FIRST.isoformat(), AGREED,
                     week_of(date(2026, 11, 22)) + 10, "", False)
            for own, code in codes.items()
        )
    )  # fmt: skip


@pytest.fixture
def nights(registration_frame, pair_frame, rules, providers):
    """Runs nights, one a day, each (registrations, whether they match, conditions); yields each one's reports."""

    def run(*plan):
        previous, history, made = None, None, []
        for number, (registrations, match, conditions) in enumerate(plan):
            day = FIRST + timedelta(days=number)
            frame = registration_frame(*registrations)
            pairs = pair_frame(*([(0, 1, {})] if match else []))
            previous = find(frame, pairs, rules, today=day, previous=previous, conditions=conditions)
            night = prepare(previous, frame, providers, today=day, history=history)
            lines = [
                line for agb in (HERE, THERE) for line in ProviderReports(night, previous, SETTINGS).build(agb).findings
            ]
            made.append((build(night, "KSV01", "KSV01"), {line.registratie_id: line for line in lines}))
        return made

    return run


def test_who_is_left_by_the_client_is_told_to_close_not_to_call(nights):
    report, own = nights((BOTH, True, Conditions()), (BOTH, True, answered(a="ons")))[-1]
    [line] = report.findings
    assert line.acts_provider == THERE
    assert wording.step(line, NL) == NL("step.chosen")
    assert provider_files.step(own["b"], NL) == NL("provider_step.chosen_yours")
    assert provider_files.step(own["a"], NL) == NL("provider_step.chosen_other")
    assert provider_files.conversation_for(own["b"]) == ""


def test_contradicting_answers_are_the_coordinators(nights):
    report, own = nights((BOTH, True, Conditions()), (BOTH, True, answered(a="ons", b="ons")))[-1]
    [line] = report.findings
    assert wording.step(line, NL) == NL("step.disagree")
    assert {provider_files.step(one, NL) for one in own.values()} == {NL("provider_step.disagree_ksv")}
    assert report.summary.ksv_acts == 1


@pytest.mark.parametrize(
    ("acts", "outcome", "answers", "came_of_it"),
    [
        ("ksv", "to_review", ["geen_dubbel"], ""),  # about one of three registrations: nobody said otherwise
        ("ksv", "to_review", ["onbekend", "terecht"], ""),
        ("ksv", "to_review", ["geen_dubbel", "terecht"], "disagree"),
        ("ksv", "certain", ["ons"], "disagree"),
        ("provider", "certain", ["ons"], "chosen"),
        ("elsewhere", "likely", ["ander", "onbekend"], "chosen"),
        ("provider", "clean_up", ["ander"], ""),
        ("nobody", "legitimate", ["ons"], ""),
    ],
)
def test_providers_disagree_only_where_they_answered_differently(acts, outcome, answers, came_of_it):
    assert came_of_answers(acts, outcome, answers) == came_of_it


def test_an_answer_that_nothing_is_known_yet_changes_no_step(nights):
    (before, _), (after, own) = nights((BOTH, True, Conditions()), (BOTH, True, answered(b="onbekend")))
    assert wording.step(after.findings[0], NL) == wording.step(before.findings[0], NL) == NL("step.certain")
    assert {line.answered for line in own.values()} == {""}


def test_a_double_that_is_explained_counts_as_settled_the_night_after(nights):
    _, (report, _) = nights((BOTH, True, Conditions()), (BOTH, True, answered(a="terecht:L4")))
    assert (report.summary.open, report.summary.settled_today, report.summary.legitimate) == (0, 1, 1)
    assert (report.flow[-1].opened, report.flow[-1].settled) == (1, 1)


def test_a_legitimate_double_whose_term_is_over_is_new_and_open_since_then(nights):
    listed = [
        BOTH[0] | {"inschrijf_week": week_of(FIRST)},
        BOTH[1] | {"status": "wachtlijst", "inschrijf_week": week_of(FIRST)},
    ]
    plan = [(listed, True, Conditions())] * 23
    reports = [report for report, _ in nights(*plan)]
    assert [report.summary.legitimate for report in reports] == [1] * 21 + [0] * 2
    due, after = reports[21:]
    assert (due.summary.new, due.findings[0].state, due.findings[0].days_open) == (1, "new", 0)
    assert (after.summary.new, after.findings[0].state, after.findings[0].days_open) == (0, "open", 1)
    assert [week.opened for week in after.flow] == [0, 0, 0, 1]


def test_the_weeks_add_up_to_what_is_open(nights):
    """Open now is open before and what came less what went, through a settlement, a return and a held edit."""
    edited = [BOTH[0], BOTH[1] | {"tokens_changed": FIRST + timedelta(days=4)}]
    gone = (BOTH[:1], False, Conditions())
    plan = [(BOTH, True, Conditions())] * 2 + [gone] * 2 + [(edited, True, Conditions())] * 20
    opens = 0
    for report, _ in nights(*plan):
        summary = report.summary
        opens += summary.new + summary.reopened - summary.settled_today
        assert opens == summary.open
    assert opens == 1


def test_a_finding_that_faults_leave_without_registrations_is_still_there(nights):
    providers = {agb: Suspicion(agb, Fault.SHRUNKEN, FIRST, 1, 9, FIRST) for agb in (HERE, THERE)}
    fault = Conditions(suspected=providers, delivered=frozenset(providers))
    other = [{"registratie_id": "c", "group": 9}]
    (before, _), (kept, _), (back, _) = nights(
        (BOTH, True, Conditions()), (other, False, fault), (BOTH, True, Conditions())
    )
    [line] = kept.findings
    assert (line.finding, line.kept, line.members) == (before.findings[0].finding, "delivery", ())
    assert NL("findings.members_missing") in html.render(kept)
    [in_csv] = csv.DictReader(io.StringIO(ksv_csv(kept).decode("utf-8-sig")), delimiter=";")
    assert (in_csv["finding"], in_csv["registratie_id"], in_csv["kept"]) == (line.finding, "", "delivery")
    heads, in_workbook = openpyxl.load_workbook(io.BytesIO(xlsx.render(kept)))["Bevindingen"].values
    row = dict(zip(heads, in_workbook, strict=True))
    assert (row["Bevinding"], row["registratie_id"]) == (line.finding, "")
    assert row["Notitie"].startswith(NL("findings.members_missing"))
    assert [report.summary.open for report in (before, kept, back)] == [1, 1, 1]
    assert (back.summary.new, back.summary.reopened) == (0, 0)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_first_screen_looks_back_and_tells_what_came_free(report, language):
    better = first_screen(report, texts_in(language))[-1]
    earliest = min(report.history, key=lambda point: point.day)
    assert texts_in(language).short_day(earliest.day) in better.text
    assert str(earliest.open) in better.text
