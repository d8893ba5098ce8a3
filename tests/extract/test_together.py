"""Extracts that are read together are what they are one by one, and rows do not depend on their neighbours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup.bundle.keyfiles import write_key
from dedup.bundle.keys import LinkageKey
from dedup.encode.job import Encoded, EncodeOptions, Work, encode_together, open_encoder
from dedup.encode.pool import GROUP_BYTES, grouped
from dedup.errors import ExtractError
from dedup.extract.load import load_extracts, load_registrations
from dedup.extract.normalise.folding import REMEMBERED, fold_name
from dedup.extract.normalise.names import first_name_words
from dedup.extract.normalise.phonetic import phonetic_code
from dedup.extract.report import CheckReport
from dedup.extract.values import NormalisedTable
from dedup.model.linkage import LinkageModel
from dedup.regions import Regions

Row = Callable[..., dict[str, str]]
CsvText = Callable[..., str]
CONFIG = Path(__file__).parents[2] / "config"
TODAY = date(2026, 11, 22)
REGIONS = Regions(first=(3500,), last=(3599,), ksv=("MIDDEN",), names={"MIDDEN": "Midden"})

# What sets rows apart: sound and faulty values, some of them shared by several rows.
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "achternaam": st.sampled_from(["Vries", "Vries, de", "Meijer-Bakker", "onbekend", "Jansen; El", " Smit "]),
        "voornamen": st.sampled_from(["", "Johanna Maria", "J.", "Zoë"]),
        "roepnaam": st.sampled_from(["", "Anneke", "Fatima-Zahra"]),
        "geboortedatum": st.sampled_from(["1994-05-31", "1990-01-01", "1931-05-31", "31-5-1994", ""]),
        "telefoon": st.sampled_from(["06-24681357", "+31 6 24681357", "0600000000", ""]),
        "postcode": st.sampled_from(["3511 AB", "9999zz", "0000 XX"]),
        "verzekerdennummer": st.sampled_from(["12345678", "0012-345678", ""]),
        "status": st.sampled_from(["ingeschreven", "WACHTLIJST", "overgedragen", "onzin"]),
        "deelname": st.sampled_from(["ja", "JA", "bezwaar", "?"]),
        "inschrijf_datum": st.sampled_from(["2026-06-01", "2027-01-01", "1900-01-01"]),
    },
)
# Each row's number makes its id: equal numbers are one id that stands twice.
ROWS = st.lists(st.tuples(st.integers(1, 12), CHANGES), min_size=1, max_size=8)


def records(table: NormalisedTable) -> dict[str, Any]:
    """Everything of a table, record by record."""
    assert table.clear is not None
    return {
        name: (
            {attribute: values.of(i) for attribute, values in table.attributes.items()},
            int(table.edd_week[i]),
            {column: values[i] for column, values in table.clear.items()},
        )
        for i, name in enumerate(table.ids)
    }


def told(report: CheckReport) -> tuple[object, ...]:
    return (report.to_json(), report.findings.to_dict("records"), report.ignored, report.providers, report.fates)


def outcome(loaded: tuple[NormalisedTable, CheckReport] | ExtractError) -> object:
    if isinstance(loaded, ExtractError):
        return loaded.code, loaded.message
    table, report = loaded
    return list(table.ids), records(table), told(report)


def one_by_one(path: Path, model: LinkageModel, **options: Any) -> object:
    try:
        return outcome(load_registrations(path, model, today=TODAY, regions=REGIONS, **options))
    except ExtractError as error:
        return outcome(error)


@given(extracts=st.lists(ROWS, min_size=1, max_size=4), share=st.sampled_from([0.2, 1.0]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_extracts_that_are_read_together_are_what_they_are_one_by_one(
    tmp_path: Path, row: Row, csv_text: CsvText, kraamzorg: LinkageModel, extracts: Any, share: float
) -> None:
    paths = [tmp_path / f"{i}.csv" for i in range(len(extracts))]
    for path, rows in zip(paths, extracts, strict=True):
        path.write_text(csv_text([row(number, **changes) for number, changes in rows]), encoding="utf-8", newline="")
    together = load_extracts(paths, kraamzorg, today=TODAY, regions=REGIONS, max_refused_share=share)
    assert [outcome(loaded) for loaded in together] == [
        one_by_one(path, kraamzorg, max_refused_share=share) for path in paths
    ]


@given(rows=st.lists(CHANGES, min_size=2, max_size=8), data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_record_does_not_depend_on_the_rows_it_is_sent_with(
    tmp_path: Path, row: Row, csv_text: CsvText, kraamzorg: LinkageModel, rows: Any, data: st.DataObject
) -> None:
    numbered = [row(number, **changes) for number, changes in enumerate(rows, start=1)]
    cut = data.draw(st.integers(1, len(rows) - 1))
    paths = [tmp_path / name for name in ("all.csv", "first.csv", "rest.csv")]
    for path, part in zip(paths, (numbered, numbered[:cut], numbered[cut:]), strict=True):
        path.write_text(csv_text(part), encoding="utf-8", newline="")
    loaded = load_extracts(paths, kraamzorg, today=TODAY, regions=REGIONS, max_refused_share=1.0)
    whole, first, rest = ({} if isinstance(part, ExtractError) else records(part[0]) for part in loaded)
    assert first | rest == whole


def test_a_faulty_extract_among_others_is_an_outcome_and_the_others_go_on(
    tmp_path: Path, row: Row, csv_text: CsvText, kraamzorg: LinkageModel
) -> None:
    texts = {
        "good.csv": csv_text([row(1)]),
        "latin.csv": csv_text([row(1, roepnaam="Zoë")]).encode("latin-1"),
        "wrong.csv": csv_text([row(1, status="x")]),
        "two.csv": csv_text([row(1), row(2, aanbieder_agb="41000002")]),
        "other.csv": csv_text([row(2)], columns=[*reversed(row(2))]),
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    paths = [tmp_path / name for name in [*texts, "nowhere.csv"]]
    loaded = load_extracts(paths, kraamzorg, today=TODAY, regions=REGIONS)
    assert [one.code if isinstance(one, ExtractError) else list(one[0].ids) for one in loaded] == [
        [row(1)["registratie_id"]],
        "extract.encoding",
        "extract.too-many-refused",
        "extract.several-providers",
        [row(2)["registratie_id"]],
        "extract.not-found",
    ]


def test_bundles_of_one_run_are_those_of_a_run_each(tmp_path: Path, row: Row, csv_text: CsvText) -> None:
    write_key(tmp_path / "epoch.key", LinkageKey.generate(), created=datetime(2026, 11, 1, tzinfo=UTC))
    options = EncodeOptions(
        key=tmp_path / "epoch.key",
        model=CONFIG / "linkage/kraamzorg.toml",
        regions=CONFIG / "regions.csv",
        seal_to=None,
        sign_with=None,
        today=TODAY,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        vendor="",
        max_refused_share=0.2,
    )
    extracts: Mapping[str, Sequence[Mapping[str, str]]] = {
        "a": [row(1), row(2, achternaam="Bakker", telefoon="06-13572468")],
        "b": [row(3, achternaam="Visser"), row(4), row(5, email="other@voorbeeld.nl")],
        "c": [row(6, roepnaam="Zoë")],
    }
    for name, rows in extracts.items():
        (tmp_path / f"{name}.csv").write_text(csv_text(rows), encoding="utf-8", newline="")
    runs = {
        run: [Work(tmp_path / f"{name}.csv", tmp_path / f"{name}.{run}", "00" * 16) for name in extracts]
        for run in ("together", "alone")
    }
    outcomes = list(encode_together(runs["together"], open_encoder(options)))
    assert all(isinstance(outcome, Encoded) for outcome in outcomes)
    for work in runs["alone"]:
        open_encoder.cache_clear()  # a process of its own, as far as what is remembered goes
        list(encode_together([work], open_encoder(options)))
    for together, alone in zip(runs["together"], runs["alone"], strict=True):
        assert together.bundle.read_bytes() == alone.bundle.read_bytes()


def test_reading_extracts_waits_for_no_pandas(tmp_path: Path, row: Row, csv_text: CsvText) -> None:
    """Who encodes a few thousand rows would wait longer for its import than for the rows."""
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for number, path in enumerate(paths):
        path.write_text(csv_text([row(number), row(number + 5, status="x")]), encoding="utf-8", newline="")
    script = (
        "import sys\nfrom datetime import date\nfrom pathlib import Path\nimport dedup.encode.pool\n"
        "from dedup.extract.load import load_extracts\nfrom dedup.model.load import load_model\n"
        "model, *paths = map(Path, sys.argv[1:])\n"
        "load_extracts(paths, load_model(model), today=date(2026, 11, 22), regions=None, max_refused_share=1.0)\n"
        "print('pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(CONFIG / "linkage/kraamzorg.toml"), *map(str, paths)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_group_holds_no_more_than_its_bytes_unless_it_is_one_extract(tmp_path: Path) -> None:
    sizes = [GROUP_BYTES // 2, GROUP_BYTES // 2, 1, 2 * GROUP_BYTES, 0, GROUP_BYTES]
    works = [Work(tmp_path / f"{i}.csv", tmp_path / f"{i}.bundle", "") for i in range(len(sizes) + 1)]
    for work, size in zip(works, sizes, strict=False):
        with work.extract.open("wb") as file:
            file.truncate(size)
    groups = grouped(works)  # the last extract is missing, which is for its outcome to say
    assert [work for group in groups for work in group] == works
    assert [len(group) for group in groups] == [2, 1, 1, 3]


@pytest.mark.parametrize("rule", [fold_name, phonetic_code, first_name_words])
def test_only_so_many_names_are_remembered(rule: Any) -> None:
    for number in range(REMEMBERED + 100):
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        rule(letters)
    assert rule.cache_info().currsize <= REMEMBERED
