"""What the sketches promise: a similarity by a known law inside a block, and nothing at all across blocks.

Tolerances are 4.5 standard errors of the binomial distribution of agreeing bits; the keys are fixed, so a run that
passes passes always.
"""

from __future__ import annotations

from math import asin, pi, sqrt

import numpy as np
import pytest

from dedup.bundle.keys import LinkageKey
from dedup.encode.records import RecordEncoder
from dedup.lab.agreement import expected_similarity
from dedup.model.load import parse_model

KEY = LinkageKey.of(b"\x07" * 32)
BLOCKS = 400
STANDARD_ERRORS = 4.5
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def model_of(bits):
    return parse_model(
        {
            "model": {"name": "statistics", "version": 1, "min_block_bits": 1},
            "table": {"id_column": "id"},
            "attributes": {
                "block": {"rule": "text", "columns": ["block"], "bits": 20},
                "items": {"rule": "words", "columns": ["items"], "bits": 1},
            },
            "fields": [{"number": 1, "name": "items", "attribute": "items", "tokens": "whole", "bits": bits}],
            "passes": [{"number": 1, "attributes": ["block"]}],
            "comparisons": [{"name": "items", "kind": "sketch", "fields": ["items"], "thresholds": [0.5]}],
        }
    )


def sketches(records, bits, table_of):
    """The sketch bits of records that are in one block each, in the records' order: bool[n, bits]."""
    [batch] = RecordEncoder(model_of(bits), KEY).batches(table_of(records))
    entries = batch.records.passes[0]
    return np.unpackbits(entries.sketch[np.argsort(entries.row)], axis=1).astype(bool)


def pairs(one, other, common):
    """For every block two sets of these sizes that share so many items, other items in every block."""
    for block in range(BLOCKS):
        items = [f"{block}{letter}" for letter in ALPHABET]
        for chosen in (items[:one], items[:common] + items[one : one + other - common]):
            yield {"block": [f"b{block:04d}"], "items": chosen}


SIZES = [(1, 1, 0), (2, 2, 1), (6, 6, 0), (6, 6, 5), (8, 8, 6), (7, 8, 6), (13, 13, 11), (8, 14, 7), (9, 9, 9)]


@pytest.mark.parametrize("bits", [64, 256])
@pytest.mark.parametrize(("one", "other", "common"), SIZES)
def test_the_similarity_is_on_average_what_the_law_says(one, other, common, bits, table_of) -> None:
    bit = sketches(list(pairs(one, other, common)), bits, table_of)
    found = 1.0 - 2.0 * (bit[0::2] ^ bit[1::2]).mean(axis=1)
    expected = expected_similarity(one, other, common)
    assert found.mean() == pytest.approx(expected, abs=STANDARD_ERRORS * max(found.std(), 1e-9) / sqrt(BLOCKS))


@pytest.mark.parametrize(("one", "other", "common"), SIZES)
def test_the_law_is_the_angle_between_the_sets(one, other, common) -> None:
    angle = 2.0 / pi * asin(common / sqrt(one * other))
    assert expected_similarity(one, other, common) == pytest.approx(angle, abs=0.035)


def test_a_short_sketch_is_the_beginning_of_a_long_one(table_of) -> None:
    records = [{"block": [f"b{i:04d}"], "items": list(ALPHABET[: i % 9 + 1])} for i in range(90)]
    short, long = (sketches(records, bits, table_of) for bits in (64, 256))
    assert (short == long[:, :64]).all()


def test_one_record_under_two_blocks_agrees_in_half_of_the_bits(table_of) -> None:
    items = list(ALPHABET[:8])
    bit = sketches([{"block": [f"b{i:04d}"], "items": items} for i in range(2 * BLOCKS)], 64, table_of)
    agreement = (bit[0::2] == bit[1::2]).mean()
    assert agreement == pytest.approx(0.5, abs=STANDARD_ERRORS * 0.5 / sqrt(64 * BLOCKS))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 12, 30])
def test_bits_are_balanced_whatever_the_number_of_tokens(count, table_of) -> None:
    items = list(ALPHABET[:count])
    bit = sketches([{"block": [f"b{i:04d}"], "items": items} for i in range(BLOCKS)], 64, table_of)
    assert bit.mean() == pytest.approx(0.5, abs=STANDARD_ERRORS * 0.5 / sqrt(64 * BLOCKS))


def test_another_key_gives_independent_sketches_and_tokens(table_of) -> None:
    records = [{"block": [f"b{i:04d}"], "items": list(ALPHABET[:8])} for i in range(BLOCKS)]
    model, other = model_of(64), LinkageKey.of(b"\x08" * 32)
    [one] = RecordEncoder(model, KEY).batches(table_of(records))
    [two] = RecordEncoder(model, other).batches(table_of(records))
    tokens = [{token.tobytes() for token in batch.records.passes[0].token} for batch in (one, two)]
    assert not tokens[0] & tokens[1]
    bits = [
        np.unpackbits(batch.records.passes[0].sketch[np.argsort(batch.records.passes[0].row)], axis=1)
        for batch in (one, two)
    ]
    agreement = (bits[0] == bits[1]).mean()
    assert agreement == pytest.approx(0.5, abs=STANDARD_ERRORS * 0.5 / sqrt(64 * BLOCKS))
