"""Every rule of a row: what is refused, what is a warning whose field counts as missing, what is only counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from dedup.extract.checks import CheckedExtract, check_extract
from dedup.extract.coded import plain_strings
from dedup.extract.faults import FAULTS, Severity
from dedup.extract.report import RefusedExtractError
from dedup.regions import Regions

Row = Callable[..., dict[str, str]]
Write = Callable[..., Path]
REGIONS = Regions(first=(3500,), last=(3599,), ksv=("MIDDEN",), names={"MIDDEN": "Midden"})

# One change to a sound row, the finding's column and its code.
CASES: list[tuple[dict[str, str], str, str]] = [
    ({"registratie_id": ""}, "registratie_id", "id.missing"),
    ({"registratie_id": "12345"}, "registratie_id", "id.malformed"),
    ({"registratie_id": "00000000-0000-0000-0000-000000000000"}, "registratie_id", "id.malformed"),
    ({"registratie_id": "111222333"}, "registratie_id", "id.bsn"),
    ({"aanbieder_agb": ""}, "aanbieder_agb", "provider.missing"),
    ({"aanbieder_agb": "1000001"}, "aanbieder_agb", "provider.malformed"),
    ({"status": ""}, "status", "status.missing"),
    ({"status": "actief"}, "status", "status.unknown"),
    ({"schema_versie": "2.0"}, "schema_versie", "schema.unknown"),
    ({"schema_versie": ""}, "schema_versie", "required.missing"),
    ({"bronsysteem": "<script>"}, "bronsysteem", "text.malformed"),
    ({"bronsysteem": "pakket/2"}, "bronsysteem", "text.malformed"),
    ({"zorgproduct": "thuiszorg"}, "zorgproduct", "code.unknown"),
    ({"zorgproduct": ""}, "zorgproduct", "required.missing"),
    ({"rol": "chef"}, "rol", "code.unknown"),
    ({"rol": "onderaannemer"}, "relatie_agb", "conditional.missing"),
    ({"rol": "onderaannemer", "relatie_agb": "12"}, "relatie_agb", "agb.malformed"),
    ({"inschrijf_datum": "2026-13-01"}, "inschrijf_datum", "date.malformed"),
    ({"inschrijf_datum": "1-6-2026"}, "inschrijf_datum", "date.malformed"),
    ({"inschrijf_datum": "1900-01-01"}, "inschrijf_datum", "date.malformed"),
    ({"overdracht_datum": "9999-12-31"}, "overdracht_datum", "date.malformed"),
    ({"inschrijf_datum": "2026-11-23"}, "inschrijf_datum", "date.future"),
    ({"status_datum": ""}, "status_datum", "required.missing"),
    ({"eind_reden": "ziek"}, "eind_reden", "code.unknown"),
    ({"voorkeur_1_agb": "x"}, "voorkeur_1_agb", "agb.malformed"),
    ({"gedeelde_zorg": "misschien"}, "gedeelde_zorg", "code.unknown"),
    ({"geboortedatum": ""}, "geboortedatum", "required.missing"),
    ({"geboortedatum": "1994-02-30"}, "geboortedatum", "date.malformed"),
    ({"geboortedatum": "2014-11-23"}, "geboortedatum", "birth_date.age"),
    ({"geboortedatum": "1965-11-22"}, "geboortedatum", "birth_date.age"),
    ({"geboortedatum": "2027-01-01"}, "geboortedatum", "birth_date.age"),
    ({"achternaam": ""}, "achternaam", "required.missing"),
    ({"achternaam": "Юлия"}, "achternaam", "name.no-letters"),
    ({"achternaam": "Onbekend"}, "achternaam", "name.no-letters"),
    ({"achternaam": "BrontÃ«"}, "achternaam", "name.garbled"),
    ({"achternaam": "Bront\ufffd"}, "achternaam", "name.garbled"),
    ({"achternaam": "x" * 201}, "achternaam", "text.malformed"),
    ({"voorvoegsels": "geen"}, "voorvoegsels", "name.no-letters"),
    ({"voorvoegsels_partner": "n.v.t."}, "voorvoegsels_partner", "name.no-letters"),
    ({"voornamen": "", "roepnaam": "", "initialen": ""}, "voornamen", "required.missing"),
    ({"postcode": "3511"}, "postcode", "postcode.malformed"),
    ({"huisnummer": "boot"}, "huisnummer", "house_number.malformed"),
    ({"telefoon": "06-1234"}, "telefoon", "phone.malformed"),
    ({"email": "anneke"}, "email", "email.malformed"),
    ({"a_terme_datum": "2026-09-22"}, "a_terme_datum", "edd.range"),
    ({"a_terme_datum": "2027-09-19"}, "a_terme_datum", "edd.range"),
    ({"a_terme_definitief": "j"}, "a_terme_definitief", "code.unknown"),
    ({"uzovi": "abc"}, "uzovi", "insurance.malformed"),
    ({"uzovi": ""}, "uzovi", "insurance.incomplete"),
    ({"verzekerdennummer": ""}, "verzekerdennummer", "insurance.incomplete"),
    ({"verzekerdennummer": "?"}, "verzekerdennummer", "insurance.malformed"),
    ({"indicatie_uren": "49,5"}, "indicatie_uren", "hours.malformed"),
    ({"toegezegde_uren": "401"}, "toegezegde_uren", "hours.malformed"),
    ({"naamgebruik": "NL9"}, "naamgebruik", "code.unknown"),
]  # fmt: skip


def check(path: Path, today: date, regions: Regions | None = None, share: float = 1.0) -> CheckedExtract:
    return check_extract(path, today=today, regions=regions, max_refused_share=share)


def test_a_sound_row_is_accepted_without_findings(extract: Write, row: Row, today: date) -> None:
    report = check(extract(row()), today, REGIONS).report
    assert (report.rows, report.accepted, report.refused, report.withheld) == (1, 1, 0, 0)
    assert report.counts_by_code == {}


@pytest.mark.parametrize(("change", "column", "code"), CASES, ids=[f"{c}-{k}" for _, c, k in CASES])
def test_each_fault_is_found_where_it_stands(
    extract: Write, row: Row, today: date, change: dict[str, str], column: str, code: str
) -> None:
    checked = check(extract(row(1), row(2, **change)), today)
    assert checked.report.findings.to_dict("records") == [{"row": 2, "line": 3, "column": column, "code": code}]
    refused = FAULTS[code].severity is Severity.ERROR
    assert (checked.report.accepted, checked.report.refused) == ((1, 1) if refused else (2, 0))
    if not refused:
        assert plain_strings(checked.columns[column])[1] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"geboortedatum": "2014-11-22"},
        {"geboortedatum": "1965-11-23"},
        {"a_terme_datum": "2026-09-23"},
        {"a_terme_datum": "2027-09-18"},
        {"inschrijf_datum": "2026-11-22"},
        {"status": "Ingeschreven"},
        {"zorgproduct": "PARTUS"},
        {"naamgebruik": "NL3"},
        {"status": "overgedragen", "overdracht_datum": "2026-12-01", "overdracht_agb": "41000002"},
        {"rol": "bemiddelaar", "relatie_agb": "41000002"},
        {"voornamen": "", "roepnaam": ""},
        {"indicatie_uren": "0", "toegezegde_uren": "400"},
        {"huisnummer": "12-2"},
        {"achternaam": "Âşık"},
        {"voorvoegsels": ""},
        {"inschrijf_datum": "2000-01-01"},
        {"status": "overgedragen", "overdracht_datum": "2099-12-31", "overdracht_agb": "41000002"},
    ],
)
def test_what_lies_just_inside_a_rule_is_sound(extract: Write, row: Row, today: date, change: dict[str, str]) -> None:
    assert check(extract(row(**change)), today).report.counts_by_code == {}


def test_every_fault_of_the_table_is_tested_here() -> None:
    elsewhere = {"row.fields", "id.duplicate", "identity.missing", "participation.unknown"}
    elsewhere |= {"birth_date.weak", "postcode.no-region"}
    assert {code for _, _, code in CASES} | elsewhere == set(FAULTS)


def test_a_row_with_neither_birth_date_nor_name_is_refused(extract: Write, row: Row, today: date) -> None:
    nameless = {"achternaam": "", "voornamen": "", "roepnaam": ""}
    checked = check(
        extract(row(1, **nameless), row(2, geboortedatum="x"), row(3, **nameless, geboortedatum="2001-02-31")), today
    )
    assert plain_strings(checked.columns["registratie_id"]).tolist() == [
        row(1)["registratie_id"],
        row(2)["registratie_id"],
    ]
    assert checked.report.counts_by_code["identity.missing"] == 1


def test_a_second_row_with_an_id_is_refused_whatever_its_case(extract: Write, row: Row, today: date) -> None:
    again = row(11)["registratie_id"].upper()
    report = check(extract(row(11), row(2), row(3, registratie_id=again)), today).report
    assert report.findings[["row", "code"]].to_dict("records") == [{"row": 3, "code": "id.duplicate"}]


def test_a_woman_who_objects_is_dropped_counted_and_looked_at_no_further(extract: Write, row: Row, today: date) -> None:
    """Her row neither counts as refused, nor is any fault of it told, nor does it push out another row's id."""
    path = extract(row(1, deelname="bezwaar", geboortedatum="x", status=""), row(1), row(2, deelname="Bezwaar"))
    checked = check(path, today, share=0.0)
    assert (checked.report.rows, checked.report.accepted, checked.report.withheld) == (3, 1, 2)
    assert checked.report.counts_by_code == {}
    assert checked.row.tolist() == [2]


@pytest.mark.parametrize("deelname", ["", "nee", "j", "onbekend"])
def test_only_ja_is_consent(extract: Write, row: Row, today: date, deelname: str) -> None:
    report = check(extract(row(deelname=deelname)), today).report
    assert (report.accepted, report.withheld, report.counts_by_code) == (0, 1, {"participation.unknown": 1})


@pytest.mark.parametrize("day", ["1994-01-01", "1994-07-01"])
def test_weak_birth_dates_are_counted_but_no_row_is_pointed_at(extract: Write, row: Row, today: date, day: str) -> None:
    checked = check(extract(row(geboortedatum=day)), today)
    assert checked.report.counts_by_code == {"birth_date.weak": 1}
    assert checked.report.findings.empty
    assert plain_strings(checked.columns["geboortedatum"]).tolist() == [day]


def test_postcodes_outside_all_regions_are_counted_and_kept(extract: Write, row: Row, today: date) -> None:
    checked = check(extract(row(1), row(2, postcode="9999 ZZ")), today, REGIONS)
    assert checked.report.counts_by_code == {"postcode.no-region": 1}
    assert plain_strings(checked.columns["postcode"]).tolist() == ["3511 AB", "9999 ZZ"]


def test_a_row_with_too_many_or_too_few_fields_is_refused_and_the_others_go_on(
    tmp_path: Path, csv_text: Callable[..., str], row: Row, today: date
) -> None:
    header, first, second, third, _ = csv_text([row(1), row(2), row(3)]).split("\r\n")
    path = tmp_path / "extract.csv"
    path.write_text("\n".join([header, first + ";more", second, third.rsplit(";", 2)[0]]), encoding="utf-8")
    checked = check(path, today)
    assert checked.row.tolist() == [2]
    assert checked.report.findings[["row", "code"]].to_dict("records") == [
        {"row": 1, "code": "row.fields"},
        {"row": 3, "code": "row.fields"},
    ]


def test_above_the_set_share_of_refused_rows_the_whole_file_is_refused(extract: Write, row: Row, today: date) -> None:
    """The share is of the rows that take part: women who object do not dilute it."""
    path = extract(row(1), row(2, status=""), row(3, status=""), *(row(n, deelname="bezwaar") for n in range(4, 14)))
    with pytest.raises(RefusedExtractError) as caught:
        check(path, today, share=0.5)
    assert caught.value.code == "extract.too-many-refused"
    assert caught.value.report.counts_by_code == {"status.missing": 2}
    assert check(path, today, share=0.67).report.accepted == 1


def test_columns_of_no_use_are_named_where_they_are_ours_or_close_to_it(
    tmp_path: Path, csv_text: Callable[..., str], row: Row, today: date
) -> None:
    columns = [("telefon" if name == "telefoon" else name) for name in row()] + ["bsn", "Pariteit", "Jannie de Wit"]
    path = tmp_path / "extract.csv"
    path.write_text(csv_text([row(bsn="111222333")], columns=columns), encoding="utf-8")
    assert check(path, today).report.ignored == (
        "column 18, telefon (is telefoon meant?)", "bsn", "pariteit", f"column {len(columns)}",
    )  # fmt: skip


def test_an_extract_of_two_providers_is_told(extract: Write, row: Row, today: date) -> None:
    assert check(extract(row(1), row(2, aanbieder_agb="41000002")), today).report.providers == 2


def test_columns_may_stand_in_any_order_and_case_and_optional_ones_may_be_left_out(
    tmp_path: Path, csv_text: Callable[..., str], row: Row, today: date
) -> None:
    text = csv_text([row()], columns=sorted(row(), reverse=True))
    header, rest = text.split("\r\n", 1)
    path = tmp_path / "extract.csv"
    path.write_text(header.upper() + "\n" + rest, encoding="utf-8")
    checked = check(path, today)
    assert checked.report.counts_by_code == {}
    assert plain_strings(checked.columns["achternaam"]).tolist() == ["Vries"]


def test_hints_are_in_both_languages_for_every_code() -> None:
    for code, fault in FAULTS.items():
        assert fault.code == code
        assert fault.dutch != fault.english
        assert {fault.dutch[-1], fault.english[-1]} <= {".", "?"}
