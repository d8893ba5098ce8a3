"""Scores on small cases that can be checked by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from dedup.lab.evaluate import evaluate
from dedup.lab.evaluate_findings import confusion
from dedup.lab.linked_files import records_path
from dedup.lab.truth import EvaluationError, read_truth

TRUTH = """registratie_id,vrouw,zwangerschap,soort,groep
a,W1,Z1,basis,nederlands
b,W1,Z1,dubbel,nederlands
c,W2,Z2,basis,turks
d,W2,Z3,L6_volgende_zwangerschap,turks
e,W3,Z4,basis,pools
f,W4,Z5,zus,pools
g,W1,Z1,dubbel,nederlands
"""
PAIRS = [
    ("a", "b", 0.9, 0),  # right
    ("c", "d", 0.8, 30),  # right for the woman, wrong for the pregnancy
    ("e", "f", 0.7, 2),  # sisters: wrong
    ("a", "c", 0.1, -1),
]


@pytest.fixture
def files(tmp_path):
    truth, pairs = tmp_path / "truth.csv", tmp_path / "pairs.parquet"
    truth.write_text(TRUTH)
    pd.DataFrame(PAIRS, columns=["left", "right", "probability", "edd_weeks_apart"]).to_parquet(pairs)
    pd.DataFrame({"registratie_id": list("abcdef")}).to_parquet(records_path(pairs))
    return truth, pairs


def test_scores_of_the_same_woman(files):
    """g was in no bundle: it counts as not linked and in recall_of_all, not in recall."""
    truth, pairs = files
    result = evaluate(truth, pairs_path=pairs, findings_path=None)
    expected = {
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
        "best_f1": 1.0,
        "best_threshold": 0.8,
        "blocked_recall": 1.0,
        "calibration_error": pytest.approx((0.1 + 0.2 + 0.7 + 0.1) / 4),
        "recall_by_group": {"nederlands": 1.0, "turks": 1.0},
        "not_linked": 1,
        "recall_of_all": 0.5,
        "missed_by_kind": {},
        "false_by_kind": {"zus": 1},
    }
    assert {key: result[key] for key in expected} == expected


def test_missed_and_false_pairs_by_what_was_wrong(files):
    """b and g lie beside a; c and d were compared and held to be two; only of the first is there anything to learn."""
    truth, pairs = files
    wrong = {"b": "achternaam", "d": "voornaam+adres", "f": "adres", "g": "geboortedatum+adres"}
    lines = TRUTH.splitlines()
    rows = [lines[0] + ",fouten", *(f"{line},{wrong.get(line[0], '')}" for line in lines[1:])]
    truth.write_text("\n".join(rows) + "\n")
    frame = pd.read_parquet(pairs)
    frame.loc[frame["left"] == "c", "probability"] = 0.4
    frame.to_parquet(pairs)
    pd.DataFrame({"registratie_id": list("abcdefg")}).to_parquet(records_path(pairs))
    result = evaluate(truth, pairs_path=pairs, findings_path=None)
    assert result["missed_by_errors"] == {
        "achternaam+adres+geboortedatum": {"pairs": 1, "no_block": 1, "compared": 0},
        "adres+geboortedatum": {"pairs": 1, "no_block": 1, "compared": 0},
        "adres+voornaam": {"pairs": 1, "no_block": 0, "compared": 1},
    }
    assert result["false_by_errors"] == {"adres": 1}


def test_a_truth_that_tells_of_no_errors_lists_none(files):
    result = evaluate(files[0], pairs_path=files[1], findings_path=None)
    assert (result["missed_by_errors"], result["false_by_errors"]) == ({}, {})


def test_scores_of_the_same_pregnancy(files):
    """More than four weeks between EDDs is another pregnancy, whatever the probability."""
    truth, pairs = files
    result = evaluate(truth, pairs_path=pairs, findings_path=None, unit="zwangerschap")
    assert {key: result[key] for key in ("precision", "recall", "f1", "true_pairs")} == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "true_pairs": 1,
    }


def test_the_order_within_a_pair_does_not_matter(files, tmp_path):
    truth, pairs = files
    swapped = tmp_path / "swapped.parquet"
    pd.read_parquet(pairs).rename(columns={"left": "right", "right": "left"}).to_parquet(swapped)
    pd.read_parquet(records_path(pairs)).to_parquet(records_path(swapped))
    assert evaluate(truth, pairs_path=pairs, findings_path=None) == evaluate(
        truth, pairs_path=swapped, findings_path=None
    )


def test_nothing_found_scores_nothing(files):
    truth, pairs = files
    pd.read_parquet(pairs).iloc[:0].to_parquet(pairs)
    result = evaluate(truth, pairs_path=pairs, findings_path=None)
    assert (result["precision"], result["recall"], result["f1"], result["best_f1"]) == (None, 0.0, 0.0, 0.0)


def test_confusion_by_kind_and_class(files):
    """A true pair without a finding is `none`; a pair of two women is set apart."""
    findings = pd.DataFrame(
        {
            "finding": ["1", "1", "2", "2", "3", "3"],
            "registratie_id": ["a", "b", "c", "d", "e", "f"],
            "class": ["certain", "certain", "legitimate:L6", "legitimate:L6", "likely", "likely"],
            "code": ["", "", "L6", "L6", "", ""],
        }
    )
    assert confusion(read_truth(files[0]), findings) == {
        "L6_volgende_zwangerschap": {"legitimate:L6": 1},
        "dubbel": {"certain": 1, "none": 2},
        "zus (not_the_same)": {"likely": 1},
    }


def test_rules_are_scored_over_what_the_extracts_send(files, tmp_path):
    """g objected: the pairs that she would have been in are not held against anyone."""
    (tmp_path / "extracts").mkdir()
    rows = "".join(f"{name};{'bezwaar' if name == 'g' else 'ja'}\n" for name in "abcdefg")
    (tmp_path / "extracts" / "41990001.csv").write_text("registratie_id;deelname\n" + rows)
    findings = tmp_path / "findings.parquet"
    pd.DataFrame(
        [
            ("1", "a", "certain", ""), ("1", "b", "certain", ""),
            ("2", "c", "legitimate:L6", "L6"), ("2", "d", "legitimate:L6", "L6"),
            ("3", "e", "likely", ""), ("3", "f", "likely", ""),
        ],
        columns=["finding", "registratie_id", "class", "code"],
    ).to_parquet(findings)  # fmt: skip
    without = evaluate(files[0], pairs_path=None, findings_path=findings)
    result = evaluate(files[0], pairs_path=None, findings_path=findings, extracts=tmp_path)
    assert without["confusion"]["dubbel"] == {"certain": 1, "none": 2}
    assert result["confusion"]["dubbel"] == {"certain": 1}
    assert result["not_sent"] == 1
    assert result["rules"] == {
        "legitimate": {"pairs": 1, "right": 1, "share": 1.0, "certain": 0, "likely": 0},
        "doubles": {"pairs": 1, "certain_or_likely": 1, "share": 1.0},
        "look_alikes": {"registrations": 1, "certain": 0, "likely": 1, "share_likely": 1.0},
    }
    with pytest.raises(EvaluationError, match="no extracts"):
        evaluate(files[0], pairs_path=None, findings_path=findings, extracts=tmp_path / "nowhere")


def test_a_truth_of_ids_and_people_is_enough(tmp_path, files):
    short = tmp_path / "short.csv"
    short.write_text("registratie_id,vrouw\na,1\nb,1\nc,2\nd,2\ne,3\nf,4\n")
    result = evaluate(short, pairs_path=files[1], findings_path=None)
    assert (result["recall"], result["recall_by_group"], result["not_linked"]) == (1.0, {}, 0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("registratie_id,naam\na,b\n", "evaluate.truth-columns"),
        ("registratie_id,vrouw\na,1\na,2\n", "evaluate.truth-twice"),
        ("registratie_id,vrouw\na,1\n", "evaluate.unknown-id"),
        ("", "evaluate.truth-unreadable"),
    ],
)
def test_a_truth_that_does_not_fit_is_one_clear_error(files, text, code):
    files[0].write_text(text)
    with pytest.raises(EvaluationError) as caught:
        evaluate(files[0], pairs_path=files[1], findings_path=None)
    assert caught.value.code == code


def test_files_that_cannot_be_scored_are_errors(files, tmp_path):
    with pytest.raises(EvaluationError, match="Name a file"):
        evaluate(files[0], pairs_path=None, findings_path=None)
    with pytest.raises(EvaluationError, match="cannot be read as Parquet"):
        evaluate(files[0], pairs_path=tmp_path / "none.parquet", findings_path=None)
    with pytest.raises(EvaluationError, match="has no column finding"):
        evaluate(files[0], pairs_path=None, findings_path=files[1])
