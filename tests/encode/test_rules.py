"""The rules that a model may name are the rules that the source side has."""

from __future__ import annotations

from dedup.encode import blocks, reference
from dedup.extract.normalise.rules import DERIVED_RULES
from dedup.extract.normalise.rules import RULES as COLUMN_RULES
from dedup.model.rules import RULES


def test_every_rule_of_the_source_may_be_named_and_no_other() -> None:
    assert {name for name, traits in RULES.items() if not traits.derived} == set(COLUMN_RULES)
    assert {name for name, traits in RULES.items() if traits.derived} == set(DERIVED_RULES)


def test_the_fast_encoder_and_the_reference_cut_combinations_alike() -> None:
    assert blocks.MAX_ENTRIES_PER_PASS == reference.MAX_COMBINATIONS
