"""Makes the published test vectors of the encoding from the reference implementation, never from the fast one.

`python -m dedup.encode.vectors > docs/spec/vectors/encoding-v1.json`; a test holds the published file to this module.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from dedup.encode import reference as ref
from dedup.encode.mistakes import all_mistakes
from dedup.encode.vector_inputs import (
    BLOCK_VALUES,
    KEYS,
    MIXED,
    MODEL,
    RECORDS,
    REFUSED_KEYS,
    REFUSED_MODELS,
    SKETCHES,
    TOKEN_SETS,
    VOTES,
    Component,
)
from dedup.model.digest import SCHEME
from dedup.model.linkage import LinkageModel
from dedup.model.load import parse_model

LONG = 1024  # bytes of a block value from which on its digest is published


def published_vectors() -> dict[str, Any]:
    """Return the whole document; byte strings are lower-case hex."""
    model = parse_model(MODEL)
    keys = {purpose: ref.subkey(KEYS[0], purpose) for purpose in ref.PURPOSES}
    return {
        "scheme": SCHEME,
        "subkeys": [_subkeys(key) for key in KEYS],
        "blocks": [_block(keys, number, components) for number, components in BLOCK_VALUES],
        "token_sets": [_token_set(rule, values) for rule, values in TOKEN_SETS],
        "votes": [_votes(keys, field, rule, values) for field, rule, values in VOTES],
        "sketches": [_sketch(keys, i, *sketch) for i, sketch in enumerate(SKETCHES)],
        "sharing": [_shared(keys, value) for value in ("verdeling-0001", "verdeling-0002", "7", "é", "x" * 300)],
        "model": {"document": MODEL, "digest": model.digest},
        "records": [_record(KEYS[i % 2], model, values) for i, values in enumerate(RECORDS)],
        "mistakes": all_mistakes(keys, KEYS[0], model, MIXED),
        "refused": [
            *(_refused_model(*refused) for refused in REFUSED_MODELS),
            *({"refused": f"a key of {len(key)} bytes", "linkage_key": key.hex()} for key in REFUSED_KEYS),
        ],
    }


def written_out(component: Component) -> str:
    """Return a component as text, repeated as often as it says."""
    return component if isinstance(component, str) else str(component["repeat"]) * int(component["times"])


def _subkeys(key: bytes) -> dict[str, str]:
    return {"linkage_key": key.hex()} | {purpose: ref.subkey(key, purpose).hex() for purpose in ref.PURPOSES}


def _block(keys: Mapping[str, bytes], number: int, components: tuple[Component, ...]) -> dict[str, Any]:
    texts = [written_out(component) for component in components]
    value = ref.block_value(number, texts)
    secret = ref.block_secret(keys["block"], number, texts)
    return {
        "pass": number,
        "components": list(components),
        **({"block_value": value.hex()} if len(value) < LONG else {"block_value_sha256": sha256(value).hexdigest()}),
        "secret": secret.hex(),
        "block_token": ref.block_token(keys["token"], secret).hex(),
    }


def _token_set(rule: str, values: tuple[str, ...]) -> dict[str, Any]:
    return {"rule": rule, "values": list(values), "tokens": sorted(token.hex() for token in ref.tokens(rule, values))}


def _votes(keys: Mapping[str, bytes], field: int, rule: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Every step of a sketch of 256 bits: h, IV and vote of each token, and the casting vote if there is one."""
    secret = ref.block_secret(keys["block"], 1, ("19900203", "an"))
    tokens = sorted(ref.tokens(rule, values))
    hashed = [ref.hmac_sha256(keys["field"], bytes([field]) + token) for token in tokens]
    cast = ref.votes(keys["sketch"], secret, hashed, 256)
    return {
        "secret": secret.hex(),
        "field": field,
        "tokens": [token.hex() for token in tokens],
        "hashed_tokens": [h.hex() for h in hashed],
        "ivs": [ref.initialisation_vector(secret, h).hex() for h in hashed],
        "votes": [vote.hex() for vote in cast[: len(tokens)]],
        "casting_vote": cast[-1].hex() if len(cast) > len(tokens) else "",
        "sketch": ref.sketch(keys, secret, field, set(tokens), 256).hex(),
    }


def _sketch(
    keys: Mapping[str, bytes], place: int, field: int, rule: str, values: tuple[str, ...], bits: int
) -> dict[str, Any]:
    number, components = BLOCK_VALUES[place % 6]
    secret = ref.block_secret(keys["block"], number, [written_out(component) for component in components])
    return {
        "secret": secret.hex(),
        "field": field,
        "rule": rule,
        "values": list(values),
        "bits": bits,
        "sketch": ref.sketch(keys, secret, field, ref.tokens(rule, values), bits).hex(),
    }


def _refused_model(what: str, code: str, path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    document: Any = json.loads(json.dumps(MODEL))
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return {"refused": what, "code": code, "document": document}


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
