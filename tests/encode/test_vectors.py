"""The published vectors of the encoding hold for the fast encoder and for the reference, and are what is published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dedup.bundle.keys import LinkageKey
from dedup.encode import reference, vectors
from dedup.encode.attributes import bundle_attributes
from dedup.encode.blocks import Blocks, HmacSha256, block_secrets, blocks_of
from dedup.encode.records import encode_batches
from dedup.encode.sketch import hash_tokens, sketch_entries
from dedup.encode.subkeys import derive_subkeys
from dedup.encode.tokens import value_tokens
from dedup.model.linkage import Pass, TokenRule
from dedup.model.load import parse_model

PUBLISHED = Path(__file__).parents[2] / "docs/spec/vectors/encoding-v1.json"
VECTORS = json.loads(PUBLISHED.read_text("utf-8"))
SUBKEYS = derive_subkeys(bytes.fromhex(VECTORS["subkeys"][0]["linkage_key"]))
TOKEN_RULES = {"bigrams": "words", "date": "date", "positions": "text", "whole": "words"}


def sketch_model(vector, number):
    """A model of one field, as a sketch's vector has it."""
    return parse_model(
        {
            "model": {"name": "one", "version": 1, "min_block_bits": 1},
            "table": {"id_column": "id"},
            "attributes": {
                "value": {"rule": TOKEN_RULES[vector["rule"]], "columns": ["value"], "bits": 8},
            },
            "fields": [
                {"number": number, "name": "f", "attribute": "value", "tokens": vector["rule"], "bits": vector["bits"]}
            ],
            "passes": [{"number": 1, "attributes": ["value"]}],
            "comparisons": [{"name": "f", "kind": "sketch", "fields": ["f"], "thresholds": [0.5]}],
        }
    )


def fast_sketch(vector, table_of):
    model = sketch_model(vector, vector["field"])
    table = table_of([{"value": vector["values"]}])
    secret = np.frombuffer(bytes.fromhex(vector["secret"]), dtype=np.uint8).reshape(1, 32)
    blocks = Blocks(np.zeros(1, dtype=np.uint32), secret, np.zeros((1, 16), dtype=np.uint8))
    return sketch_entries(blocks, hash_tokens(table, model, SUBKEYS), model, model.fields, SUBKEYS).tobytes().hex()


def test_the_published_file_is_what_the_reference_makes() -> None:
    assert PUBLISHED.read_text("utf-8") == vectors.document()


@pytest.mark.parametrize("vector", VECTORS["subkeys"])
def test_subkeys(vector) -> None:
    subkeys = derive_subkeys(bytes.fromhex(vector["linkage_key"]))
    assert {name: getattr(subkeys, name).hex() for name in reference.PURPOSES} == {
        name: vector[name] for name in reference.PURPOSES
    }


@pytest.mark.parametrize("vector", VECTORS["blocks"])
def test_block_values_secrets_and_tokens(vector, table_of) -> None:
    names = [f"a{i}" for i in range(len(vector["components"]))]
    table = table_of([{name: [value] for name, value in zip(names, vector["components"], strict=True)}])
    blocks = blocks_of(table, Pass(vector["pass"], tuple(names)), SUBKEYS)
    assert blocks.secret.tobytes().hex() == vector["secret"]
    assert blocks.token.tobytes().hex() == vector["block_token"]
    assert block_secrets([bytes.fromhex(vector["block_value"])], SUBKEYS)[0].hex() == vector["secret"]


@pytest.mark.parametrize("vector", VECTORS["token_sets"])
def test_token_sets(vector) -> None:
    tokens = set().union(*(value_tokens(TokenRule(vector["rule"]), value) for value in vector["values"]))
    assert sorted(token.hex() for token in tokens) == vector["tokens"]


@pytest.mark.parametrize("vector", VECTORS["numbers"])
def test_a_tokens_numbers(vector) -> None:
    hashed = HmacSha256(SUBKEYS.field).digests([bytes([vector["field"]]) + bytes.fromhex(vector["token"])])[0]
    assert hashed.hex() == vector["hashed_token"]
    numbers = reference.hash_numbers(SUBKEYS.sketch, bytes.fromhex(vector["secret"]), hashed, len(vector["numbers"]))
    assert numbers == vector["numbers"]


@pytest.mark.parametrize("vector", VECTORS["sketches"], ids=lambda vector: str(vector["bits"]))
def test_sketches(vector, table_of) -> None:
    assert fast_sketch(vector, table_of) == vector["sketch"]


@pytest.mark.parametrize("vector", VECTORS["mistakes"], ids=lambda vector: vector["mistake"])
def test_nobody_arrives_at_a_mistaken_sketch(vector, table_of) -> None:
    right = next(v["sketch"] for v in VECTORS["sketches"] if v["bits"] == 64)
    assert fast_sketch(vector, table_of) == right
    assert vector["wrong_sketch"] != right


def test_block_values_do_not_run_together() -> None:
    secrets = [vector["secret"] for vector in VECTORS["blocks"]]
    assert len(set(secrets)) == len(secrets)


@pytest.mark.parametrize("vector", VECTORS["sharing"])
def test_verdeling_id(vector) -> None:
    [digest] = HmacSha256(SUBKEYS.sharing).digests([vector["verdeling_id"].encode()])
    assert digest.hex() == vector["sharing"]


def test_the_models_digest() -> None:
    assert parse_model(VECTORS["model"]["document"]).digest == VECTORS["model"]["digest"]


def test_whole_records(table_of) -> None:
    model = parse_model(VECTORS["model"]["document"])
    key = LinkageKey.of(bytes.fromhex(VECTORS["records"][0]["linkage_key"]))
    [batch] = encode_batches(table_of([vector["values"] for vector in VECTORS["records"]]), model, key)
    assert batch.records.presence.tolist() == [vector["presence"] for vector in VECTORS["records"]]
    for row, vector in enumerate(VECTORS["records"]):
        encoded = [
            {
                "pass": entries.number,
                "entries": [
                    {"block_token": token.tobytes().hex(), "sketch": bits.tobytes().hex()}
                    for token, bits in zip(
                        entries.token[entries.row == row], entries.sketch[entries.row == row], strict=True
                    )
                ],
            }
            for entries in batch.records.passes
        ]
        assert encoded == vector["passes"]


def test_a_generic_table_sends_its_ids_alone(table_of) -> None:
    assert bundle_attributes(table_of([{"a": ["x"]}]), SUBKEYS) == {"registratie_id": ["000000"]}
