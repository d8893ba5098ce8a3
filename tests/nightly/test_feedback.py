"""Providers' answers are taken in once, heard by the next night, and nowhere in clear."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest

from dedup.errors import FeedbackError
from dedup.findings.calibration import Thresholds, current_thresholds
from dedup.findings.frames import Findings
from dedup.lab.installation import Installation
from dedup.nightly.answers import read_answers
from dedup.nightly.calibration import apply_thresholds, calibrate, undo_thresholds
from dedup.nightly.evidence import last_findings
from dedup.nightly.feedback import Imported, import_feedback
from dedup.nightly.night import Night, open_installation, open_night
from dedup.nightly.run import run_night

NIGHT = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 1, 15, tzinfo=UTC)
HEADER = "finding;registratie_id;aanbieder_agb;code"


def clock() -> datetime:
    return datetime.now(UTC)


def night_of(installation: Installation, day: date) -> Findings:
    with open_night(installation.settings, today=day, clock=clock) as night:
        run_night(night)
        return last_findings(night)[1]


def answer(installation: Installation, lines: list[str], header: str = HEADER) -> Imported:
    with open_installation(installation.settings, today=NIGHT, clock=clock) as night:
        return import_feedback(night, "\n".join([header, *lines]).encode())


def doubles(found: Findings, count: int) -> list[tuple[str, str, str]]:
    """Finding, registratie_id and provider of one side of some certain doubles."""
    certain = found.open[found.open["class"] == "certain"]["finding"].tolist()[:count]
    rows = found.members[found.members["finding"].isin(certain)].drop_duplicates("finding")
    return [tuple(row) for row in rows[["finding", "registratie_id", "aanbieder_agb"]].to_numpy().tolist()]


def test_answers_are_heard_by_the_next_night_and_kept_out_of_the_registry(installation: Installation) -> None:
    found = night_of(installation, NIGHT)
    cases = doubles(found, 3)
    codes = ["geen_dubbel", "terecht:L4", "ons"]
    lines = [";".join([*case, code]) for case, code in zip(cases, codes, strict=True)]
    outcome = answer(installation, lines)
    assert (outcome.accepted, outcome.known_already, outcome.refused) == (3, 0, [])
    assert outcome.labels >= 3

    again = answer(installation, lines)
    assert (again.accepted, again.known_already, again.labels) == (0, 3, outcome.labels)

    heard = night_of(installation, NIGHT + timedelta(days=1)).findings.set_index("finding")
    none, rightly, ours = (heard.loc[case[0]] for case in cases)
    assert (none["state"], none["settled_by"], none["feedback"]) == ("settled", "feedback", "geen_dubbel")
    assert (rightly["class"], rightly["code"], rightly["acts"]) == ("legitimate", "L4", "nobody")
    assert (ours["state"], ours["acts"]) == ("open", "provider")
    assert ours["acts_agb"] != cases[2][2]

    registry = (installation.settings.server_home / "store" / "registry.sqlite").read_bytes()
    kept = [path.read_bytes() for path in (installation.settings.server_home / "store" / "feedback").iterdir()]
    assert len(kept) == 1
    for _, registration, _ in cases:
        assert registration.encode() not in registry + kept[0]
    with open_installation(installation.settings, today=NIGHT, clock=clock) as night:
        night.store.registry.verify_audit()
        assert {label.same for label in read_answers(night).labels} == {True, False}


def test_a_bad_row_is_refused_by_itself_in_one_sentence_without_its_values(installation: Installation) -> None:
    found = night_of(installation, NIGHT)
    (finding, registration, provider), (other, *_) = doubles(found, 2)
    lines = [
        f"{finding};{registration};{provider};nooit",
        f"{finding};{registration};{provider};terecht",
        f"{finding};{registration};{provider};ons:L4",
        f"B-NOSUCH;{registration};{provider};ons",
        f"{other};{registration};{provider};ons",
        f"{finding};{registration};99999999;ons",
        f"{finding};{registration};{provider};",
        f"{finding};{registration};{provider};ander",
    ]
    outcome = answer(installation, lines)
    assert [(row.line, row.code) for row in outcome.refused] == [
        (2, "feedback.code"),
        (3, "feedback.rule"),
        (4, "feedback.rule"),
        (5, "feedback.finding"),
        (6, "feedback.registration"),
        (7, "feedback.provider"),
    ]
    assert outcome.accepted == 1
    told = json.dumps([row.message for row in outcome.refused])
    assert not any(value in told for value in (finding, registration, provider, "99999999", "nooit"))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"finding;code\n", "feedback.columns"),
        (b"\xff\xfe", "feedback.unreadable"),
        (b"x" * 200_000, "feedback.unreadable"),
    ],
)
def test_a_file_that_is_no_answers_is_one_clear_error(installation: Installation, content: bytes, code: str) -> None:
    night_of(installation, NIGHT)
    with (
        open_installation(installation.settings, today=NIGHT, clock=clock) as night,
        pytest.raises(FeedbackError) as error,
    ):
        import_feedback(night, content)
    assert error.value.code == code


def test_answers_go_when_their_time_is_over(installation: Installation) -> None:
    found = night_of(installation, NIGHT)
    [case] = doubles(found, 1)
    answer(installation, [";".join([*case, "geen_dubbel"])])
    later = NIGHT + timedelta(days=500)
    # A night's date that was typed by mistake costs nobody an answer; time that went by by the clock does.
    for moment, left in ((NOW, 1), (NOW + timedelta(days=500), 0)):
        with open_night(installation.settings, today=later, clock=lambda moment=moment: moment) as night:
            run_night(night)
            answers = read_answers(night)
        assert len({one.pair for one in answers.decisions}) == left
        assert bool(answers.labels) == bool(left)


def test_thresholds_are_shown_before_they_are_applied_and_can_be_undone(installation: Installation) -> None:
    rules = installation.settings.config_dir / "rules.toml"
    rules.write_text(rules.read_text("utf-8").replace("fewest_labels = 200", "fewest_labels = 5"), "utf-8")
    found = night_of(installation, NIGHT)
    cases = doubles(found, 8)
    answer(installation, [";".join([*case, "ons" if at < 4 else "geen_dubbel"]) for at, case in enumerate(cases)])

    def opened() -> AbstractContextManager[Night]:
        return open_installation(installation.settings, today=NIGHT, clock=clock)

    with opened() as night:
        shown = calibrate(night)
        assert shown.labels >= 8
        assert (shown.now, shown.changes) == (shown.fitted, [])  # too mixed to change anything
        assert not (installation.settings.config_dir / "calibration.toml").exists()
        stricter = Thresholds(certain_probability=1.0, likely_probability=0.95)
        apply_thresholds(night, stricter)
    with opened() as night:
        assert current_thresholds(night.rules) == stricter
        assert undo_thresholds(night)
        assert not undo_thresholds(night)
    with opened() as night:
        assert current_thresholds(night.rules) == shown.now
        night.store.registry.verify_audit()
