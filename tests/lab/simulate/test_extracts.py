"""The extracts are what the source side expects, in each vendor's own way of writing."""

import csv
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from dedup.extract.checks import check_extract
from dedup.extract.columns import COLUMNS
from dedup.lab.simulate import Simulation, SimulationError, SimulationSettings, generate, write
from dedup.lab.simulate.columns import EXTRACT_COLUMNS
from dedup.lab.simulate.regions import national_regions
from dedup.lab.simulate.vendors import VENDORS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, simulation: Simulation) -> Path:
    path = tmp_path_factory.mktemp("simulated")
    write(simulation, path)
    return path


def of(rows: pd.DataFrame, vendor: str) -> pd.DataFrame:
    return rows[rows["bronsysteem"] == vendor]


def test_columns_are_those_that_the_source_side_knows() -> None:
    known = [column.name for column in COLUMNS]
    assert [name for name in known if name in EXTRACT_COLUMNS] == list(EXTRACT_COLUMNS)
    assert set(known) - set(EXTRACT_COLUMNS) <= {"bsn"}


def test_no_row_is_refused_and_few_fields_are_doubted(folder: Path, day: date) -> None:
    accepted = withheld = 0
    codes: dict[str, int] = {}
    for path in sorted((folder / "extracts").glob("*.csv")):
        report = check_extract(path, today=day, regions=national_regions()).report
        assert report.refused == 0
        accepted, withheld = accepted + report.accepted, withheld + report.withheld
        for code, count in report.counts_by_code.items():
            codes[code] = codes.get(code, 0) + count
    assert accepted + withheld == 20_000
    assert withheld == pytest.approx(80, abs=45)
    # Weak birth dates are real ones; the rest comes of typing errors and slips of a year.
    assert set(codes) <= {"birth_date.weak", "birth_date.age", "email.malformed", "edd.range"}
    assert sum(count for code, count in codes.items() if code != "birth_date.weak") < 200


def test_an_extract_holds_one_provider_and_its_vendor(folder: Path, simulation: Simulation) -> None:
    vendor = simulation.providers.set_index("aanbieder_agb")["vendor"]
    for path in (folder / "extracts").glob("*.csv"):
        rows = pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)
        assert set(rows["aanbieder_agb"]) == {path.stem}
        assert set(rows["bronsysteem"]) == {vendor[path.stem]}


def test_files_are_rfc_4180_and_nothing_is_lost_on_the_way(folder: Path, simulation: Simulation) -> None:
    path = min((folder / "extracts").glob("*.csv"))
    raw = path.read_bytes().decode("utf-8")
    assert raw.count("\n") == raw.count("\r\n")
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.reader(file, delimiter=";", strict=True))
    kept = simulation.registrations[simulation.registrations["aanbieder_agb"] == path.stem]
    assert read == [list(EXTRACT_COLUMNS), *kept.to_numpy().tolist()]


def test_truth_and_tables_have_the_columns_that_others_rely_on(folder: Path) -> None:
    heads = {path.name: path.read_text("utf-8").splitlines()[0] for path in folder.glob("*.csv")}
    assert heads == {
        "truth.csv": "registratie_id,vrouw,zwangerschap,soort,groep,fouten",
        "regions.csv": "pc4_from;pc4_to;ksv;ksv_naam",
        "contracts.csv": "ksv;aanbieder_agb;naam;verzekeraar;van;tot",
        "providers.csv": "aanbieder_agb;vendor;naam;ksv;stopt_per",
    }


def test_some_contracted_providers_deliver_nothing_and_all_that_deliver_are_contracted(simulation: Simulation) -> None:
    contracted, delivering = set(simulation.contracts["aanbieder_agb"]), set(simulation.providers["aanbieder_agb"])
    assert delivering < contracted


def test_a_second_simulation_does_not_mix_with_the_first(folder: Path, simulation: Simulation) -> None:
    with pytest.raises(SimulationError) as caught:
        write(simulation, folder)
    assert caught.value.code == "simulate.folder-in-use"


def test_the_truth_of_a_demo_is_not_overwritten(tmp_path: Path, simulation: Simulation) -> None:
    (tmp_path / "truth.csv").write_text("of a demo")
    with pytest.raises(SimulationError):
        write(simulation, tmp_path)
    assert (tmp_path / "truth.csv").read_text() == "of a demo"


def test_identifiers_are_random_uuids_and_made_up_agb_codes(rows: pd.DataFrame) -> None:
    uuid4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert rows["registratie_id"].is_unique
    assert rows["registratie_id"].map(lambda text: bool(uuid4.fullmatch(text))).all()
    assert rows["aanbieder_agb"].str.fullmatch(r"4199\d{4}").all()


def test_mail_addresses_belong_to_nobody(rows: pd.DataFrame) -> None:
    domains = set(rows.loc[(rows["soort"] == "basis") & (rows["email"] != ""), "email"].str.rsplit(".", n=1).str[1])
    assert domains == {"example"}


@pytest.mark.parametrize("column", ["email", "telefoon", "verzekerdennummer"])
def test_different_women_rarely_share_what_is_a_persons_own(rows: pd.DataFrame, column: str) -> None:
    firsts = rows[(rows["soort"] == "basis") & (rows[column] != "")]
    assert firsts[column].duplicated().sum() == 0


def test_vendors_keep_their_habits(rows: pd.DataFrame) -> None:
    rows = rows[rows["soort"] == "basis"]
    apart, used, whole, comma = (of(rows, vendor.code) for vendor in VENDORS)
    assert (apart["achternaam_partner"] != "").mean() > 0.4
    for other in (used, whole, comma):
        assert set(other["achternaam_partner"]) == {""}
    assert set(whole["voorvoegsels"]) == set(comma["voorvoegsels"]) == {""}
    assert whole["achternaam"].str.startswith("Van ").any()
    assert comma["achternaam"].str.contains(", VAN").any()
    assert (comma["achternaam"] == comma["achternaam"].str.upper()).all()
    assert comma["achternaam"].map(str.isascii).all()
    assert set(whole["voornamen"]) == {""}
    assert set(comma["roepnaam"]) == {""}
    assert apart["postcode"].str.fullmatch(r"\d{4} [A-Z]{2}").all()
    assert used["postcode"].str.fullmatch(r"\d{4}[A-Z]{2}").all()
    notations = [
        (apart, r"06-\d{8}"),
        (used, r"06\d{8}"),
        (whole, r"\+31 6 \d{8}"),
        (comma, r"06 \d\d \d\d \d\d \d\d"),
    ]
    for frame, notation in notations:
        numbers = frame.loc[frame["telefoon"] != "", "telefoon"]
        assert numbers.str.fullmatch(notation).mean() > 0.9


def test_every_register_has_a_first_name_or_initials(rows: pd.DataFrame) -> None:
    assert (rows[["voornamen", "roepnaam", "initialen"]] != "").any(axis=1).all()


def test_names_with_a_skew_prefixes_double_names_and_roepnamen_occur(rows: pd.DataFrame) -> None:
    firsts = of(rows[rows["soort"] == "basis"], "wiegwijs")
    dutch = firsts[firsts["groep"] == "nederlands"]
    common = dutch["achternaam"].value_counts(normalize=True)
    assert 0.003 < common.iloc[0] < 0.03
    assert common.iloc[0] > 5 * common.iloc[len(common) // 2]
    assert (dutch["voorvoegsels"] != "").mean() == pytest.approx(0.25, abs=0.12)
    assert dutch["voornamen"].str.contains(" ").mean() > 0.3
    assert firsts["voornamen"].str.contains("-").any()
    main = dutch["voornamen"].str.split(" ").str[0]
    assert 0.05 < (dutch["roepnaam"] != main).mean() < 0.3
    moroccan = firsts[firsts["groep"] == "marokkaans"]
    assert set(moroccan["voorvoegsels"].str.lower()) >= {"el", "ben", "ait"}
    assert firsts.loc[firsts["groep"] == "turks", "achternaam"].str.contains("[şğıçöü]").any()


def test_women_live_where_asked_and_cities_are_dense(rows: pd.DataFrame) -> None:
    pc4 = rows.loc[rows["soort"] == "basis", "postcode"].str[:4].astype(int)
    known = national_regions()
    assert all(known.ksv_of(str(number)) for number in pc4.unique())
    counts = pc4.value_counts()
    assert counts.head(len(counts) // 10).sum() > 0.25 * len(pc4)


@pytest.mark.parametrize("ksvs", [1, 3, 5])
def test_as_many_ksvs_as_asked_for(day: date, ksvs: int) -> None:
    settings = SimulationSettings(registrations=3_000, doubles=0.08, seed=2, day=day, providers=20, ksvs=ksvs)
    simulated = generate(settings)
    seen = {national_regions().ksv_of(text[:4]) for text in simulated.registrations["postcode"]}
    # A typing error in a postcode may lead out of the regions.
    counts = pd.Series([national_regions().ksv_of(text[:4]) for text in simulated.registrations["postcode"]])
    assert (counts.value_counts() > 20).sum() == ksvs
    assert len(seen) >= ksvs
