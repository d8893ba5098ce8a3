"""A provider's report: its own registrations, and of others what the policy allows."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from dedup.errors import ConfigError
from dedup.findings.classify import find
from dedup.reports import provider_files
from dedup.reports.ksv_settings import EVERY_KSV, KsvSettings, may_name, read_ksv_settings
from dedup.reports.night import prepare
from dedup.reports.provider import ProviderReports
from dedup.reports.texts import texts_in

HERE, THERE = "41000001", "41000003"
USUAL = {EVERY_KSV: KsvSettings()}


@pytest.fixture
def reports(registration_frame, pair_frame, rules, providers, today):
    """Returns the lines of a provider for some registrations and pairs."""

    def make(registrations, pairs, provider=HERE, settings=USUAL):
        frame = registration_frame(*registrations)
        findings = find(frame, pair_frame(*pairs), rules, today=today)
        night = prepare(findings, frame, providers, today=today)
        return ProviderReports(night, findings, settings).build(provider).findings

    return make


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def test_each_side_of_a_double_sees_its_own_registration(reports):
    registrations, pairs = [{}, {"aanbieder_agb": THERE, "registratie_id": "theirs"}], [(0, 1, {})]
    [own] = reports(registrations, pairs)
    [other] = reports(registrations, pairs, THERE)
    assert own.registratie_id != other.registratie_id == "theirs"
    assert {own.turn, other.turn} == {"yours", "other"}
    assert own.others == other.others == 1
    assert own.counterparties == other.counterparties == ()


@pytest.mark.parametrize(
    ("levels", "outcome", "told"),
    [
        ({}, "certain", True),
        ({"probability": 0.95}, "likely", False),
        ({"first_name": 0, "phone": 0, "probability": 0.8}, "to_review", False),
    ],
)
def test_which_attributes_agree_is_told_for_certain_doubles_only(reports, levels, outcome, told):
    [line] = reports([{}, {"aanbieder_agb": THERE}], [(0, 1, levels)])
    assert line.outcome == outcome
    assert bool(line.agreed) is told


def test_a_registration_in_reflection_time_is_told_to_nobody(reports, today):
    registrations = [{}, {"aanbieder_agb": THERE}, {"aanbieder_agb": THERE, "first_seen": today}]
    assert reports(registrations, [(0, 2, {})]) == ()
    assert reports(registrations, [(0, 2, {})], THERE) == ()


def test_what_agrees_with_a_registration_in_reflection_time_is_not_told(reports, today):
    """Two past it, one not: the third's phone says nothing yet."""
    third = {"aanbieder_agb": "41000005", "first_seen": today}
    pairs = [(0, 1, {"phone": 0}), (0, 2, {}), (1, 2, {})]
    older = {"aanbieder_agb": "41000005", "group": 9}  # so that the third is not its provider's first snapshot
    [line] = reports([{}, {"aanbieder_agb": THERE}, third, older], pairs)
    assert "phone" not in line.agreed
    assert line.others == 1


def test_doubles_within_one_provider_are_its_own_alone(reports):
    registrations = [{}, {}, {"aanbieder_agb": THERE, "group": 1}]
    lines = reports(registrations, [(0, 1, {})])
    assert [line.outcome for line in lines] == ["internal", "internal"]
    assert reports(registrations, [(0, 1, {})], THERE) == ()


def policy(name: str, *agreed: str) -> KsvSettings:
    return read_one(f'counterparty = "{name}"\nagreed_providers = {list(agreed)!r}'.replace("'", '"'))


def read_one(text: str) -> KsvSettings:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ksv.toml"
        path.write_text(f"[{EVERY_KSV}]\n{text}\n", "utf-8")
        return read_ksv_settings(path)[EVERY_KSV]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (policy("never", HERE, THERE), False),
        (policy("after_agreement"), False),
        (policy("after_agreement", HERE), False),
        (policy("after_agreement", THERE), False),
        (policy("after_agreement", HERE, THERE), True),
        (policy("always"), True),
    ],
)
def test_the_other_provider_is_named_as_the_policy_says(reports, settings, named):
    [line] = reports([{}, {"aanbieder_agb": THERE}], [(0, 1, {})], settings={EVERY_KSV: settings})
    assert line.counterparties == (((THERE, "Kraambureau Lente"),) if named else ())


def test_no_policy_names_a_provider_for_what_is_to_review(reports):
    levels = {"first_name": 0, "phone": 0, "probability": 0.8}
    [line] = reports([{}, {"aanbieder_agb": THERE}], [(0, 1, levels)], settings={EVERY_KSV: policy("always")})
    assert line.outcome == "to_review"
    assert line.counterparties == ()


def test_of_two_ksvs_the_stricter_policy_holds():
    settings = {EVERY_KSV: KsvSettings(), "KSV01": policy("always"), "KSV02": policy("never")}
    own, other = ("KSV01", HERE), ("KSV02", THERE)
    assert not may_name(settings, own=own, other=other)
    assert may_name({**settings, "KSV02": policy("always")}, own=own, other=other)
    assert not may_name({**settings, "KSV02": KsvSettings()}, own=own, other=other)
    agreed = policy("after_agreement", THERE)
    assert may_name({"KSV01": policy("after_agreement", HERE), "KSV02": agreed, EVERY_KSV: KsvSettings()},
                    own=own, other=other)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        'counterparty = "sometimes"',
        'agreed_providers = "41000001"',
        'colour = "red"',
        '[every_ksv.conversation.fr]\ndouble = "Bonjour"',
        '[every_ksv.conversation.nl]\ngreeting = "Hallo"',
        "= 1",
    ],
)
def test_a_faulty_setting_is_refused(text):
    with pytest.raises(ConfigError) as refused:
        read_one(text)
    assert refused.value.code == "config.ksv"


def test_the_installations_own_settings_can_be_read():
    settings = read_ksv_settings(Path(__file__).parents[2] / "config" / "ksv.toml")
    assert settings == USUAL


def test_the_form_to_answer_in_has_the_columns_that_feedback_import_takes(night, findings_of_season):
    made = ProviderReports(night, findings_of_season[0], USUAL)
    report = made.build(made.providers[0])
    rows = rows_of(provider_files.as_feedback_form(report))
    assert list(rows[0]) == ["finding", "registratie_id", "aanbieder_agb", "code"]
    assert {row["code"] for row in rows} == {""}
    answerable = [line for line in report.findings if provider_files.can_answer(line)]
    assert [(line.finding, line.registratie_id) for line in answerable] == [
        (row["finding"], row["registratie_id"]) for row in rows
    ]
    assert len(rows_of(provider_files.as_csv(report))) == len(report.findings) >= len(rows) > 3


def test_the_workbook_says_what_to_do_and_how_to_answer(night, findings_of_season):
    own_words = KsvSettings(conversation={"nl": {"double": "Onze eigen woorden."}})
    settings = {EVERY_KSV: KsvSettings(), "KSV01": own_words}
    made = ProviderReports(night, findings_of_season[0], settings)
    report = made.build(made.providers[0])
    book = openpyxl.load_workbook(io.BytesIO(provider_files.as_xlsx(report, settings)))
    assert book.sheetnames == ["Overzicht", "Bevindingen", "Gesprek", "Antwoorden", "Kwaliteit"]
    heads, *rows = book["Bevindingen"].iter_rows(values_only=True)
    lines = [dict(zip(heads, row, strict=True)) for row in rows]
    assert all(line["Stap"] for line in lines)
    assert {line["Aan zet"] for line in lines} >= {"U", "Een andere aanbieder"}
    assert all(line["Gesprek"] for line in lines if line["Aan zet"] == "U" and line["Oordeel"] == "Zeker dubbel")
    [choice] = book["Bevindingen"].data_validations.dataValidation
    assert "terecht:L4" in choice.formula1
    words = {(row[0], row[1]): row[2] for row in book["Gesprek"].iter_rows(min_row=2, values_only=True)}
    assert words["KSV01", "Dubbele inschrijving"] == "Onze eigen woorden."
    assert words["KSV02", "Dubbele inschrijving"].startswith("U heeft zich bij ons ingeschreven")
    english = openpyxl.load_workbook(io.BytesIO(provider_files.as_xlsx(report, settings, "en")))
    assert english.sheetnames == ["Overview", "Findings", "Conversation", "Answers", "Quality"]


@pytest.mark.parametrize(("first", "said"), [(True, "in deze eerste nacht."), (False, "sinds gisteren, heropende")])
def test_what_is_new_is_not_since_yesterday_on_a_first_night(night, findings_of_season, first, said):
    made = ProviderReports(night, findings_of_season[0], USUAL)
    report = replace(made.build(made.providers[0]), first_night=first)
    book = openpyxl.load_workbook(io.BytesIO(provider_files.as_xlsx(report, USUAL)))
    assert said in book["Overzicht"]["B2"].value


def test_words_for_the_client_are_short_sentences_without_a_providers_name():
    """Level B1: no sentence of more than twenty words, and nothing that points at one provider or at a loss."""
    for language in ("nl", "en"):
        for words in texts_in(language).catalogue["conversation"].values():
            sentences = [part for part in words.replace("?", ".").replace(":", ".").split(".") if part.strip()]
            assert max(len(sentence.split()) for sentence in sentences) <= 20
            assert "{" not in words


def test_a_summary_of_own_data_quality_is_given(night, findings_of_season):
    made = ProviderReports(night, findings_of_season[0], USUAL)
    quality = made.build(made.providers[0]).quality
    assert quality.rows == night.provider[made.providers[0]]["rows"]
    assert quality.registrations == sum(
        int((rows["aanbieder_agb"] == made.providers[0]).sum()) for rows in night.registrations_of_ksv.values()
    )
