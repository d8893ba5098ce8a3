"""The published vectors of the encoding hold for the fast encoder and for the reference, and are what is published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dedup.bundle.keys import LinkageKey
from dedup.encode import reference, vectors
from dedup.encode.attributes import bundle_attributes, shared
from dedup.encode.blocks import Blocks, block_secrets, block_tokens, blocks_of
from dedup.encode.hmacs import HmacSha256, Messages
from dedup.encode.records import RecordEncoder, encode_table
from dedup.encode.sketch import sketch_entries
from dedup.encode.subkeys import derive_subkeys
from dedup.encode.tokenkeys import keys_of, token_of_key
from dedup.encode.tokens import value_tokens
from dedup.encode.tokentable import hash_tokens
from dedup.errors import ModelError
from dedup.model.linkage import Pass, TokenRule
from dedup.model.load import parse_model

PUBLISHED = Path(__file__).parents[2] / "docs/spec/vectors/encoding-v1.json"
VECTORS = json.loads(PUBLISHED.read_text("utf-8"))
SUBKEYS = derive_subkeys(bytes.fromhex(VECTORS["subkeys"][0]["linkage_key"]))
MODEL = parse_model(VECTORS["model"]["document"])
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


def fast_blocks(number, components, table_of):
    names = [f"a{i}" for i in range(len(components))]
    texts = [vectors.written_out(component) for component in components]
    table = table_of([{name: [text] for name, text in zip(names, texts, strict=True)}])
    return blocks_of(table, Pass(number, tuple(names)), SUBKEYS)


@pytest.mark.parametrize("vector", VECTORS["blocks"], ids=lambda vector: vector["secret"][:8])
def test_block_values_secrets_and_tokens(vector, table_of) -> None:
    blocks = fast_blocks(vector["pass"], vector["components"], table_of)
    assert blocks.secret.tobytes().hex() == vector["secret"]
    assert blocks.token.tobytes().hex() == vector["block_token"]
    if "block_value" in vector:
        number, *value = bytes.fromhex(vector["block_value"])
        assert block_secrets(number, Messages.of([bytes(value)]), SUBKEYS).tobytes().hex() == vector["secret"]


@pytest.mark.parametrize(
    "vector", VECTORS["token_sets"], ids=lambda vector: f"{vector['rule']}-{len(vector['tokens'])}"
)
def test_token_sets(vector) -> None:
    assert made_tokens(vector) == vector["tokens"]


def made_tokens(vector):
    """The token set, both as single tokens and as the keys that stand for them in bulk."""
    rule = TokenRule(vector["rule"])
    tokens = set().union(*(value_tokens(rule, value) for value in vector["values"]))
    if rule is not TokenRule.WHOLE:
        keys, _ = keys_of(rule, 7, vector["values"])
        assert {token_of_key(key) for key in keys.tolist()} == {b"\x07" + token for token in tokens}
    return sorted(token.hex() for token in tokens)


@pytest.mark.parametrize("vector", VECTORS["votes"], ids=lambda vector: str(len(vector["tokens"])))
def test_votes_step_by_step(vector) -> None:
    messages = [bytes([vector["field"]]) + bytes.fromhex(token) for token in vector["tokens"]]
    hashed = [h.tobytes() for h in HmacSha256(SUBKEYS.field).digests(Messages.of(messages))]
    assert [h.hex() for h in hashed] == vector["hashed_tokens"]
    secret = bytes.fromhex(vector["secret"])
    assert [reference.initialisation_vector(secret, h).hex() for h in hashed] == vector["ivs"]
    cast = [vote.hex() for vote in reference.votes(SUBKEYS.sketch, secret, hashed, 256)]
    assert cast == vector["votes"] + ([vector["casting_vote"]] if vector["casting_vote"] else [])


@pytest.mark.parametrize("vector", VECTORS["sketches"], ids=lambda vector: f"{vector['rule']}-{vector['bits']}")
def test_sketches(vector, table_of) -> None:
    assert fast_sketch(vector, table_of) == vector["sketch"]


def made(vector, table_of):
    """What the fast encoder makes of a mistake's inputs, by what it is a mistake of."""
    match vector["of"]:
        case "subkey":
            return getattr(derive_subkeys(bytes.fromhex(vector["linkage_key"])), vector["purpose"]).hex()
        case "block_secret":
            return fast_blocks(vector["pass"], vector["components"], table_of).secret.tobytes().hex()
        case "block_token":
            secret = np.frombuffer(bytes.fromhex(vector["secret"]), dtype=np.uint8).reshape(1, 32)
            return block_tokens(secret, SUBKEYS).tobytes().hex()
        case "tokens":
            return made_tokens(vector)
        case "sketch":
            return fast_sketch(vector, table_of)
        case "first_pass_tokens":
            first = encode_table(table_of([vector["values"]]), MODEL, SUBKEYS).passes[0]
            return [token.tobytes().hex() for token in first.token]
        case "presence":
            return int(encode_table(table_of([vector["values"]]), MODEL, SUBKEYS).presence[0])
        case "sharing":
            return shared([vector["verdeling_id"]], SUBKEYS)[0]
    raise AssertionError(f"no test makes {vector['of']}")


@pytest.mark.parametrize("vector", VECTORS["mistakes"], ids=lambda vector: f"{vector['of']}: {vector['mistake']}")
def test_nobody_arrives_at_a_mistake(vector, table_of) -> None:
    assert made(vector, table_of) != vector["wrong"]
    assert type(made(vector, table_of)) is type(vector["wrong"])


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["refused"])
def test_what_no_encoder_may_take_is_refused(vector) -> None:
    if "linkage_key" in vector:
        with pytest.raises(ValueError, match="32 bytes"):
            derive_subkeys(bytes.fromhex(vector["linkage_key"]))
    else:
        with pytest.raises(ModelError) as refusal:
            parse_model(vector["document"])
        assert vector["code"] in refusal.value.message or vector["code"] == refusal.value.code


def test_there_are_many_vectors_and_a_quarter_of_them_tells_what_is_wrong() -> None:
    negative = len(VECTORS["mistakes"]) + len(VECTORS["refused"])
    every = sum(len(members) for members in VECTORS.values() if isinstance(members, list))
    assert every >= 200
    assert negative >= every / 4


def test_no_two_vectors_of_a_kind_are_the_same() -> None:
    for members in VECTORS.values():
        if isinstance(members, list):
            texts = [json.dumps(member, sort_keys=True) for member in members]
            assert len(set(texts)) == len(texts)


def test_block_values_do_not_run_together() -> None:
    # Only what is cut off may differ without effect.
    short = [
        v for v in VECTORS["blocks"] if not any(isinstance(c, dict) and c["times"] > 65_535 for c in v["components"])
    ]
    assert len({vector["secret"] for vector in short}) == len(short)


@pytest.mark.parametrize("vector", VECTORS["sharing"])
def test_verdeling_id(vector) -> None:
    assert shared([vector["verdeling_id"], ""], SUBKEYS) == [vector["sharing"], ""]


def test_the_models_digest() -> None:
    assert parse_model(VECTORS["model"]["document"]).digest == VECTORS["model"]["digest"]


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: str(vector["presence"]))
def test_whole_records(vector, table_of) -> None:
    key = LinkageKey.of(bytes.fromhex(vector["linkage_key"]))
    [batch] = RecordEncoder(MODEL, key).batches(table_of([vector["values"]]))
    assert batch.records.presence.tolist() == [vector["presence"]]
    encoded = [
        {
            "pass": entries.number,
            "entries": [
                {"block_token": token.tobytes().hex(), "sketch": bits.tobytes().hex()}
                for token, bits in zip(entries.token, entries.sketch, strict=True)
            ],
        }
        for entries in batch.records.passes
    ]
    assert encoded == vector["passes"]


def test_a_generic_table_sends_its_ids_alone(table_of) -> None:
    assert bundle_attributes(table_of([{"a": ["x"]}]), SUBKEYS) == {"registratie_id": ["000000"]}
