"""The list of contracts is checked, matched by name, and never quoted."""

from __future__ import annotations

from datetime import date

import pytest

from dedup.findings.frames import no_findings
from dedup.reports.contracts import match_contracts, read_contracts
from dedup.reports.ksv import build
from dedup.reports.night import ReportError, prepare

HEAD = "ksv;aanbieder_agb;naam;verzekeraar;van;tot\n"
NAMES = {"41000001": "Kraamzorg De Ooievaar", "41000002": "Thuis & Wieg", "41000003": "Thuis en Wieg Zuid"}
TODAY = date(2026, 11, 22)


def matched(*lines: str):
    return match_contracts(read_contracts((HEAD + "\n".join(lines)).encode()), NAMES, TODAY)


def codes(*lines: str) -> list[tuple[str, str]]:
    table = matched(*lines).table
    return list(zip(table["ksv"], table["aanbieder_agb"], strict=True))


@pytest.mark.parametrize("name", ["Kraamzorg De Ooievaar", "kraamzorg de ooievaar", "De Ooievaar, Kraamzorg"])
def test_a_line_without_agb_is_the_provider_whose_name_is_surely_alike(name):
    assert codes(f"KSV01;;{name};3311;;") == [("KSV01", "41000001")]
    assert matched(f"KSV01;;{name};3311;;").doubtful == ()


@pytest.mark.parametrize(("name", "likely"), [("Thuis en Wieg", "41000002"), ("Ooievaar Kraam", "41000001")])
def test_a_name_that_two_providers_resemble_is_doubtful(name, likely):
    contracts = matched(f"KSV01;;{name};3311;;")
    assert contracts.table.empty
    [one] = contracts.doubtful
    assert (one.line, one.ksv, one.name) == (2, "KSV01", name)
    assert one.likely in {likely, "41000003"}


def test_a_name_that_does_not_fit_its_agb_code_keeps_it_and_is_doubtful():
    contracts = matched("KSV01;41000001;Zorg Totaal BV;3311;;", "KSV01;41000002;Thuis&Wieg;3311;;")
    assert contracts.table["aanbieder_agb"].tolist() == ["41000001", "41000002"]
    assert [one.line for one in contracts.doubtful] == [2]


def test_only_contracts_that_hold_today_count():
    lines = [
        "KSV01;41000001;;3311;2026-01-01;2026-11-22",
        "KSV01;41000002;;3311;2026-11-23;",
        "KSV01;41000003;;3311;;2026-11-21",
        "KSV02;41000003;;3311;;",
    ]
    assert codes(*lines) == [("KSV01", "41000001"), ("KSV02", "41000003")]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (";41000001;Geheim;3311;;", "ksv"),
        ("KSV01;4100000;Geheim;3311;;", "aanbieder_agb"),
        ("KSV01;;;3311;;", "naam"),
        ("KSV01;41000001;Geheim;3311;22-11-2026;", "van"),
        ("KSV01;41000001;Geheim;3311;;morgen", "tot"),
        ("KSV01;41000001;Geheim;3311;20260101;", "van"),
        ("KSV01;41000001;Geheim", "number of fields"),
    ],
)
def test_a_faulty_line_is_told_by_number_and_column_only(line, column):
    with pytest.raises(ReportError) as refused:
        matched("KSV01;41000001;;3311;;", line)
    assert refused.value.code == "contracts.malformed"
    assert refused.value.message == f"Line 3 of the list of contracts has no usable {column}."


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "contracts.columns"), (b"agb;naam\n1;x\n", "contracts.columns"), (HEAD.encode(), "contracts.empty"),
     (b"\xff\xfe", "contracts.encoding"), (b"x" * 200_000, "contracts.malformed")],
)  # fmt: skip
def test_a_file_that_is_no_list_of_contracts_is_refused(content, code):
    with pytest.raises(ReportError) as refused:
        read_contracts(content)
    assert refused.value.code == code


def test_the_report_tells_who_never_delivered_who_stopped_and_what_is_doubtful(registration_frame, providers):
    contracts = matched(
        "KSV01;41000001;Kraamzorg De Ooievaar;3311;;", "KSV01;41000099;Kraamzorg Nieuw;3311;;",
        "KSV01;41000010;;3311;;", "KSV01;;Onbekende BV;3311;;", "KSV02;;Andere BV;3311;;",
    )  # fmt: skip
    known = providers.assign(stopped=providers["aanbieder_agb"] == "41000010")
    night = prepare(
        no_findings(), registration_frame({}), known, today=TODAY, contracts=contracts.table,
        doubtful=contracts.doubtful,
    )  # fmt: skip
    report = build(night, "KSV01", "KSV Amstelkring")
    lines = {line.provider: (line.name, line.freshness, line.contracted) for line in report.providers}
    assert lines == {
        "41000099": ("Kraamzorg Nieuw", "missing", True),
        "41000010": ("Zelfstandig Zwaan", "stopped", True),
        "41000001": ("Kraamzorg De Ooievaar", "fresh", True),
    }
    assert [one.name for one in report.doubtful_contracts] == ["Onbekende BV"]
