"""Rules that cannot be used are refused with one sentence and a code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from dedup.errors import ConfigError
from dedup.findings.config import load_rules, parse_rules

SHIPPED = Path(__file__).parents[2] / "config" / "rules.toml"


def test_bands_hide_the_probability(rules):
    assert [rules.band_of(probability) for probability in (0.5, 0.9, 0.989, 0.99, 1.0)] == [
        "moderate",
        "high",
        "high",
        "very_high",
        "very_high",
    ]


@pytest.mark.parametrize(
    ("section", "term", "value", "code"),
    [
        ("evidence", "certain_probability", 1.2, "findings.rules-term"),
        ("evidence", "certain_probability", 0.5, "findings.rules-order"),
        ("evidence", "certain_agrements", 2, "findings.rules-term"),
        ("evidence", "never_enough", "address", "findings.rules-term"),
        ("L2_transfer", "legitimate_weeks", -1, "findings.rules-term"),
        ("L2_transfer", "legitimate_weeks", True, "findings.rules-term"),
        ("L2_transfer", "legitimate_days", 14, "findings.rules-term"),
        ("L6_pregnancy", "another_weeks", 4, "findings.rules-order"),
        ("L9_reflection", "bootstrap_exempt", "no", "findings.rules-term"),
        ("L11_unknown", "weeks", 1, "findings.rules-term"),
    ],
)
def test_a_term_that_cannot_be_used_is_refused(section, term, value, code):
    document = tomllib.loads(SHIPPED.read_text("utf-8"))
    document.setdefault(section, {})[term] = value
    with pytest.raises(ConfigError) as error:
        parse_rules(document)
    assert error.value.code == code


def test_a_missing_term_section_or_file_is_refused(tmp_path):
    document = tomllib.loads(SHIPPED.read_text("utf-8"))
    del document["L9_reflection"]["hold_days"]
    with pytest.raises(ConfigError, match="hold_days"):
        parse_rules(document)
    del document["L9_reflection"]
    with pytest.raises(ConfigError, match="L9_reflection"):
        parse_rules(document)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_rules(tmp_path / "rules.toml")
