"""What the sketches promise: an unbiased similarity inside a block, and nothing at all across blocks.

Tolerances are 4.5 standard errors of the binomial distribution of agreeing bits; the keys are fixed, so a run that
passes passes always.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from dedup.bundle.keys import LinkageKey
from dedup.encode.records import encode_batches
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
    [batch] = encode_batches(table_of(records), model_of(bits), KEY)
    entries = batch.records.passes[0]
    return np.unpackbits(entries.sketch[np.argsort(entries.row)], axis=1).astype(bool)


def pair(jaccard):
    """Two sets of ten items in their union, with this Jaccard similarity."""
    shared = round(jaccard * 10)
    rest = 10 - shared
    return list(ALPHABET[: shared + rest // 2]), list(ALPHABET[:shared] + ALPHABET[shared + rest // 2 : 10])


@pytest.mark.parametrize("bits", [32, 64, 96, 192])
@pytest.mark.parametrize("jaccard", [0.0, 0.3, 0.6, 1.0])
def test_the_similarity_is_estimated_without_bias(jaccard, bits, table_of) -> None:
    left, right = pair(jaccard)
    assert len(set(left) & set(right)) / len(set(left) | set(right)) == jaccard
    records = [{"block": [f"b{i:04d}"], "items": items} for i in range(BLOCKS) for items in (left, right)]
    bit = sketches(records, bits, table_of)
    distance = (bit[0::2] ^ bit[1::2]).sum(axis=1)
    estimate = (1.0 - 2.0 * distance / bits).mean()
    share = (1.0 - jaccard) / 2.0
    standard_error = 2.0 * sqrt(share * (1.0 - share) / (bits * BLOCKS))
    assert estimate == pytest.approx(jaccard, abs=STANDARD_ERRORS * standard_error)


def test_one_record_under_two_blocks_agrees_in_half_of_the_bits(table_of) -> None:
    items = list(ALPHABET[:8])
    bit = sketches([{"block": [f"b{i:04d}"], "items": items} for i in range(2 * BLOCKS)], 64, table_of)
    agreement = (bit[0::2] == bit[1::2]).mean()
    assert agreement == pytest.approx(0.5, abs=STANDARD_ERRORS * 0.5 / sqrt(64 * BLOCKS))


@pytest.mark.parametrize("count", [1, 3, 12, 30])
def test_bits_are_balanced_whatever_the_number_of_tokens(count, table_of) -> None:
    items = list(ALPHABET[:count])
    bit = sketches([{"block": [f"b{i:04d}"], "items": items} for i in range(BLOCKS)], 64, table_of)
    assert bit.mean() == pytest.approx(0.5, abs=STANDARD_ERRORS * 0.5 / sqrt(64 * BLOCKS))


def test_another_key_gives_independent_sketches_and_tokens(table_of) -> None:
    records = [{"block": [f"b{i:04d}"], "items": list(ALPHABET[:8])} for i in range(BLOCKS)]
    model, other = model_of(64), LinkageKey.of(b"\x08" * 32)
    [one] = encode_batches(table_of(records), model, KEY)
    [two] = encode_batches(table_of(records), model, other)
    tokens = [{token.tobytes() for token in batch.records.passes[0].token} for batch in (one, two)]
    assert not tokens[0] & tokens[1]
    bits = [
        np.unpackbits(batch.records.passes[0].sketch[np.argsort(batch.records.passes[0].row)], axis=1)
        for batch in (one, two)
    ]
    agreement = (bits[0] == bits[1]).mean()
    assert agreement == pytest.approx(0.5, abs=STANDARD_ERRORS * 0.5 / sqrt(64 * BLOCKS))
