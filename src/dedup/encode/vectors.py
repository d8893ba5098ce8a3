"""Makes the published test vectors of the encoding from the reference implementation, never from the fast one.

`python -m dedup.encode.vectors > docs/spec/vectors/encoding-v1.json`; a test holds the published file to this module.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from dedup.encode import reference as ref
from dedup.model.digest import SCHEME
from dedup.model.linkage import LinkageModel
from dedup.model.load import parse_model

KEYS = (bytes(range(32)), hashlib.sha256(b"a second linkage key, for test vectors only").digest())

BLOCK_VALUES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, ("19900203", "an")),
    (1, ("1990020", "3an")),
    (2, ("19900203", "an")),
    (3, ("1234ab", "7")),
    (4, ("612345678",)),
    (6, ("frs", "mr", "1234")),
    (255, ("ünïcode", "a" * 300)),
)

TOKEN_SETS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bigrams", ("anna",)),
    ("bigrams", ("x",)),
    ("bigrams", ("jong", "vries")),
    ("bigrams", ("émile", "de wit")),
    ("date", ("19900203",)),
    ("date", ("19900302",)),
    ("date", ("20001111",)),
    ("positions", ("1234ab",)),
    ("positions", ("7",)),
    ("positions", ("9" * 258,)),
    ("whole", ("612345678",)),
    ("whole", ("a@example.org", "b@example.org")),
)

SKETCH_BITS = (8, 16, 32, 64, 96, 192, 256, 4096)

MODEL: Mapping[str, Any] = {
    "model": {"name": "vectors", "version": 1, "min_block_bits": 16},
    "table": {"id_column": "id", "separator": ","},
    "attributes": {
        "born": {"rule": "date", "columns": ["born"], "bits": 13},
        "surnames": {"rule": "words", "columns": ["surname", "other_surname"], "bits": 11},
        "surname_codes": {"rule": "phonetic", "of": "surnames", "bits": 9},
        "postcode": {"rule": "postcode", "columns": ["postcode"], "bits": 18},
        "phone": {"rule": "phone", "columns": ["phone"], "bits": 26},
    },
    "fields": [
        {"number": 1, "name": "surname", "attribute": "surnames", "tokens": "bigrams", "bits": 64},
        {"number": 2, "name": "born", "attribute": "born", "tokens": "date", "bits": 32},
        {"number": 5, "name": "postcode", "attribute": "postcode", "tokens": "positions", "bits": 24},
        {"number": 7, "name": "phone", "attribute": "phone", "tokens": "whole", "bits": 8},
    ],
    "passes": [
        {"number": 1, "attributes": ["born", "surname_codes"], "omits": ["born"]},
        {"number": 4, "attributes": ["phone"], "omits": ["phone"]},
        {"number": 9, "attributes": ["surname_codes", "postcode"]},
    ],
    "comparisons": [{"name": "surname", "kind": "sketch", "fields": ["surname"], "thresholds": [0.5]}],
}

RECORDS: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {
        "born": ("19900203",),
        "surnames": ("jong", "vries"),
        "surname_codes": ("frs", "jng"),
        "postcode": ("1234ab",),
        "phone": ("612345678",),
    },
    {"born": ("19900203",), "surnames": ("fries",), "surname_codes": ("frs",), "postcode": (), "phone": ()},
    {"born": (), "surnames": (), "surname_codes": (), "postcode": ("1234ab",), "phone": ()},
    {
        "born": ("20001111",),
        "surnames": tuple(f"name{letter}" for letter in "abcdefghijklmnopqr"),
        "surname_codes": tuple(f"nm{letter}" for letter in "abcdefghijklmnopqr"),
        "postcode": ("9999zz",),
        "phone": ("+4915123456789",),
    },
)


def published_vectors() -> dict[str, Any]:
    """Return the whole document; byte strings are lower-case hex."""
    model = parse_model(MODEL)
    keys = {purpose: ref.subkey(KEYS[0], purpose) for purpose in ref.PURPOSES}
    return {
        "scheme": SCHEME,
        "subkeys": [_subkeys(key) for key in KEYS],
        "blocks": [_block(keys, number, components) for number, components in BLOCK_VALUES],
        "token_sets": [_token_set(rule, values) for rule, values in TOKEN_SETS],
        "numbers": [_numbers(keys, field, token) for field, token in ((1, b"b_a"), (9, b"w612345678"))],
        "sketches": [_sketch(keys, "bigrams", ("jong", "vries"), bits) for bits in SKETCH_BITS]
        + [_sketch(keys, "date", ("19900203",), 96), _sketch(keys, "whole", (), 32)],
        "mistakes": _mistakes(keys),
        "sharing": [_shared(keys, value) for value in ("verdeling-0001", "é")],
        "model": {"document": MODEL, "digest": model.digest},
        "records": [_record(KEYS[0], model, values) for values in RECORDS],
    }


def _subkeys(key: bytes) -> dict[str, str]:
    return {"linkage_key": key.hex()} | {purpose: ref.subkey(key, purpose).hex() for purpose in ref.PURPOSES}


def _block(keys: Mapping[str, bytes], number: int, components: tuple[str, ...]) -> dict[str, Any]:
    secret = ref.block_secret(keys["block"], number, components)
    return {
        "pass": number,
        "components": list(components),
        "block_value": ref.block_value(number, components).hex(),
        "secret": secret.hex(),
        "block_token": ref.block_token(keys["token"], secret).hex(),
    }


def _token_set(rule: str, values: tuple[str, ...]) -> dict[str, Any]:
    return {"rule": rule, "values": list(values), "tokens": sorted(token.hex() for token in ref.tokens(rule, values))}


def _numbers(keys: Mapping[str, bytes], field: int, token: bytes) -> dict[str, Any]:
    secret = ref.block_secret(keys["block"], *BLOCK_VALUES[0])
    hashed = ref.hmac_sha256(keys["field"], bytes([field]) + token)
    iv = bytes(s ^ h for s, h in zip(secret[:14], hashed[:14], strict=True)) + bytes(2)
    return {
        "secret": secret.hex(),
        "field": field,
        "token": token.hex(),
        "hashed_token": hashed.hex(),
        "iv": iv.hex(),
        "numbers": ref.hash_numbers(keys["sketch"], secret, hashed, 24),
    }


def _sketch(keys: Mapping[str, bytes], rule: str, values: tuple[str, ...], bits: int) -> dict[str, Any]:
    secret = ref.block_secret(keys["block"], *BLOCK_VALUES[0])
    sketch = ref.sketch(keys, secret, 2, ref.tokens(rule, values), bits)
    return {
        "secret": secret.hex(),
        "field": 2,
        "rule": rule,
        "values": list(values),
        "bits": bits,
        "sketch": sketch.hex(),
    }


def _mistakes(keys: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Return sketches that a plausible wrong reading of the specification makes: nobody may arrive at these."""
    secret = ref.block_secret(keys["block"], *BLOCK_VALUES[0])
    tokens = ref.tokens("bigrams", ("jong", "vries"))
    hashed = [ref.hmac_sha256(keys["field"], b"\x02" + token) for token in tokens]
    columns = [ref.hash_numbers(keys["sketch"], secret, h, 72) for h in hashed]
    swapped = [[(n >> 8) | (n & 0xFF) << 8 for n in column] for column in columns]
    right = [min(column[i] for column in columns) & 1 for i in range(64)]
    wrong = {
        "numbers read little-endian": [min(column[i] for column in swapped) & 1 for i in range(64)],
        "the highest bit of the minimum": [min(column[i] for column in columns) >> 15 for i in range(64)],
        "the maximum instead of the minimum": [max(column[i] for column in columns) & 1 for i in range(64)],
        "a counter that starts at 1": [min(column[i + 8] for column in columns) & 1 for i in range(64)],
        "bit i at mask 1<<(i&7)": [bit for start in range(0, 64, 8) for bit in reversed(right[start : start + 8])],
    }
    return [
        {
            "mistake": mistake,
            "secret": secret.hex(),
            "field": 2,
            "rule": "bigrams",
            "values": ["jong", "vries"],
            "bits": 64,
            "wrong_sketch": _packed(bits).hex(),
        }
        for mistake, bits in wrong.items()
    ]


def _packed(bits: list[int]) -> bytes:
    return int("".join(map(str, bits)), 2).to_bytes(len(bits) // 8, "big")


def _shared(keys: Mapping[str, bytes], verdeling_id: str) -> dict[str, str]:
    return {"verdeling_id": verdeling_id, "sharing": ref.hmac_sha256(keys["sharing"], verdeling_id.encode()).hex()}


def _record(key: bytes, model: LinkageModel, values: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    presence, passes = ref.encode_record(key, model, values)
    numbered = zip(model.passes, passes, strict=True)
    return {
        "linkage_key": key.hex(),
        "values": {name: list(items) for name, items in values.items()},
        "presence": presence,
        "passes": [
            {"pass": p.number, "entries": [{"block_token": t.hex(), "sketch": s.hex()} for t, s in entries.items()]}
            for p, entries in numbered
        ],
    }


def document() -> str:
    """Return the published file's text."""
    return json.dumps(published_vectors(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
