"""`dedup check` as a user runs it: what it prints, its exit codes, and that no value of a row is ever in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dedup.cli import main

Row = Callable[..., dict[str, str]]
Write = Callable[..., Path]
Output = tuple[int, str, str]
Run = Callable[..., Output]

# Values that must never come back, in forms as typed and as normalised.
PLANTED = {
    "achternaam": "Qwezenberg-Tjokrodimedjo",
    "achternaam_partner": "Vraxholt",
    "voornamen": "Zebulonia Xandrique",
    "roepnaam": "Wimpelientje",
    "geboortedatum": "1993-09-27",
    "postcode": "7431 QX",
    "telefoon": "06-83726154",
    "email": "wimpelientje.q@plantje.nl",
    "verzekerdennummer": "9182736455",
    "verdeling_id": "verdeling-kxzq",
}
FORMS = (
    *PLANTED.values(),
    *("qwezenberg", "tjokrodimedjo", "vraxholt", "zebulonia", "xandrique", "wimpelientje", "19930927", "27-09-1993"),
    *("27 september", "7431qx", "7431QX", "683726154", "9182736455", "123456782", "kxzq", "plantje"),
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Output]:
    """Run the command line in this process, which saves imports; return exit code, standard output and error."""

    def command(*arguments: str | Path) -> Output:
        monkeypatch.setattr(sys, "argv", ["dedup", "check", *map(str, arguments), "--date", "2026-11-22"])
        capfd.readouterr()
        with pytest.raises(SystemExit) as done:
            main()
        output, errors = capfd.readouterr()
        return int(done.value.code or 0), output, errors

    return command


def assert_nothing_planted(done: Output) -> None:
    output = (done[1] + done[2]).lower()
    assert [form for form in FORMS if form.lower() in output] == []


def test_a_sound_extract_exits_with_0_and_says_what_would_be_sent(extract: Write, row: Row) -> None:
    path = extract(row(1), row(2, **PLANTED))
    done = subprocess.run(
        [sys.executable, "-m", "dedup", "check", str(path), "--date", "2026-11-22"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "2  gaan mee / accepted" in done.stdout
    assert "only the ISO week" in done.stdout
    assert_nothing_planted((0, done.stdout, done.stderr))


def test_refused_rows_exit_with_3_and_are_named_by_number(run: Run, extract: Write, row: Row) -> None:
    path = extract(*(row(n, geboortedatum=f"19{60 + n}-03-{n:02d}") for n in range(8, 18)), row(2, status="actief"))
    code, output, _ = run(path)
    assert code == 3
    assert "status.unknown" in output
    assert "rij / row 11" in output


def test_json_holds_every_finding_with_hints_in_both_languages(run: Run, extract: Write, row: Row) -> None:
    done = run(extract(row(1), row(2), row(3, email="x"), row(4, **PLANTED)), "--json")
    document = json.loads(done[1])
    assert done[0] == 0
    assert (document["rows"], document["accepted"], document["counts_by_code"]) == (4, 4, {"email.malformed": 1})
    (finding,) = document["findings"]
    assert {key: finding[key] for key in ("row", "line", "column", "code", "severity")} == {
        "row": 3, "line": 4, "column": "email", "code": "email.malformed", "severity": "warning",
    }  # fmt: skip
    assert finding["hint_nl"] != finding["hint_en"]
    assert [double["rows"] for double in document["own_doubles"]] == [[1, 2], [1, 3], [2, 3]]
    assert {sent["column"]: sent["filled"] for sent in document["sent"]}["email"] == 3
    assert_nothing_planted(done)


def test_a_file_with_too_many_refused_rows_exits_with_1_and_still_says_why(run: Run, extract: Write, row: Row) -> None:
    path = extract(row(1), row(2, status="", **PLANTED))
    done, as_json = run(path), run(path, "--json")
    assert (done[0], as_json[0]) == (1, 1)
    assert "status.missing" in done[1]
    assert done[2].strip().endswith("[extract.too-many-refused]")
    assert json.loads(as_json[1])["error"] == "extract.too-many-refused"
    assert_nothing_planted(done)
    assert_nothing_planted(as_json)


def _planted(row: Row, **change: str) -> dict[str, str]:
    return row(2, **{**PLANTED, **change})


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text.split("\r\n", 1)[1], id="no header"),
        pytest.param(lambda text: text.replace(";", ","), id="commas"),
        pytest.param(lambda text: text.replace("Vraxholt", '"Vraxholt'), id="open quote"),
        pytest.param(lambda text: text.replace("Vraxholt", "Vraxholt;Vraxholt"), id="a field too many"),
        pytest.param(lambda text: text.replace("Vraxholt", "Vrax\0holt"), id="nul"),
        pytest.param(lambda text: text.replace("Vraxholt", "VraxholtÃ«"), id="garbled"),
        pytest.param(lambda text: text.replace("achternaam;", "Qwezenberg-Tjokrodimedjo;", 1), id="name for a column"),
        pytest.param(lambda text: text.replace("1993-09-27", "27-09-1993"), id="date the other way round"),
        pytest.param(lambda text: text.replace("7431 QX", "7431 QX Vraxholt"), id="postcode with a place"),
        pytest.param(lambda text: text.replace("06-83726154", "06-83726154 (Vraxholt)"), id="phone with a name"),
        pytest.param(lambda text: text.replace("plantje.nl", "plantje"), id="half an e-mail address"),
        pytest.param(lambda text: text.replace("ingeschreven", "Vraxholt"), id="name for a status"),
        pytest.param(lambda text: text.replace("testpakket", "Vraxholt, Zebulonia"), id="name for a system"),
        pytest.param(lambda text: text.replace("41000001", "06-83726154"), id="phone for an AGB"),
        pytest.param(lambda text: text.replace("zelfstandig", "1993-09-27"), id="birth date for a role"),
        pytest.param(
            lambda text: text.replace("00000000-0000-4000-8000-000000000002", "123456782"), id="BSN for an id"
        ),
        pytest.param(lambda text: text.replace("2027-02-14", "1993-09-27"), id="birth date for the EDD"),
    ],
)
def test_no_damage_brings_a_value_into_the_output(
    run: Run,
    tmp_path: Path,
    csv_text: Callable[..., str],
    row: Row,
    damage: Callable[[str], str],
    options: tuple[str, ...],
) -> None:
    path = tmp_path / "extract.csv"
    sound = csv_text([_planted(row)])
    damaged = damage(sound)
    assert damaged != sound
    path.write_text(damaged, encoding="utf-8", newline="")
    done = run(path, *options)
    assert done[0] in (0, 1, 3)
    assert done[1] + done[2]
    assert_nothing_planted(done)


def test_latin_1_is_told_without_the_line_itself(
    run: Run, tmp_path: Path, csv_text: Callable[..., str], row: Row
) -> None:
    path = tmp_path / "extract.csv"
    path.write_bytes(csv_text([_planted(row, roepnaam="Wimpelientjë")]).encode("latin-1"))
    done = run(path)
    assert (done[0], "[extract.encoding]" in done[2]) == (1, True)
    assert_nothing_planted(done)


def test_a_missing_file_is_one_sentence_and_a_missing_argument_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    code, output, errors = run(tmp_path / "nowhere.csv")
    assert (code, output, errors.count("\n")) == (1, "", 1)
    assert run()[0] == 2
