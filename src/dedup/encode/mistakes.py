"""Results that plausible wrong readings of docs/spec/encoding-v1.md arrive at: published so that nobody ships one.

Each is a whole wrong computation, made from the reference's parts with one thing changed. `dedup.encode.vectors`
publishes them as `mistakes`: what is computed, from what, and what must not come out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import product
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dedup.encode import reference as ref
from dedup.encode.sketch_mistakes import Keys, aes, sketch_mistakes, xor
from dedup.model.linkage import LinkageModel

Mistake = dict[str, Any]


def all_mistakes(keys: Keys, linkage_key: bytes, model: LinkageModel, record: ref.Values) -> list[Mistake]:
    """Return every published mistake, in a fixed order."""
    secret = ref.block_secret(keys["block"], 1, ("19900203", "an"))
    return [
        *_subkey_mistakes(linkage_key),
        *_block_mistakes(keys),
        *_token_mistakes(),
        *sketch_mistakes(keys, secret),
        *_record_mistakes(keys, model, record),
        *_sharing_mistakes(keys),
    ]


def _subkey_mistakes(key: bytes) -> list[Mistake]:
    wrong = {
        "the purpose without the scheme": ref.hmac_sha256(key, b"block"),
        "no slash before the purpose": ref.hmac_sha256(key, b"dedup/v1block"),
        "the purpose in capitals": ref.hmac_sha256(key, b"dedup/v1/BLOCK"),
        "a line end behind the purpose": ref.hmac_sha256(key, b"dedup/v1/block\n"),
        "the linkage key as hex text": ref.hmac_sha256(key.hex().encode(), b"dedup/v1/block"),
        "SHA-256 of key and label instead of HMAC": hashlib.sha256(key + b"dedup/v1/block").digest(),
        "key and message exchanged": ref.hmac_sha256(b"dedup/v1/block", key),
    }
    return [
        {"mistake": name, "of": "subkey", "linkage_key": key.hex(), "purpose": "block", "wrong": result.hex()}
        for name, result in wrong.items()
    ]


def _block_mistakes(keys: Keys) -> list[Mistake]:
    """Mistakes in block values, secrets and tokens."""
    plain, letters = ("19900203", "an"), ("münster", "a")
    encoded = [part.encode() for part in plain]
    cut = "é" * 40_000  # 80,000 bytes: the cut at 65,535 falls into a character
    long = [{"repeat": "é", "times": 40_000}, "b"]
    values: list[tuple[str, int, Sequence[Any], bytes]] = [
        ("no lengths", 1, plain, b"\x01" + b"".join(encoded)),
        ("a separator instead of lengths", 1, plain, b"\x01" + b"\x00".join(encoded)),
        ("lengths little-endian", 1, plain, b"\x01" + _lengthened(encoded, 2, "little")),
        ("lengths of four bytes", 1, plain, b"\x01" + _lengthened(encoded, 4, "big")),
        ("lengths of one byte", 1, plain, b"\x01" + _lengthened(encoded, 1, "big")),
        ("lengths in characters", 1, letters, b"\x01\x00\x07" + "münster".encode() + b"\x00\x01a"),
        ("Latin-1 instead of UTF-8", 1, letters, b"\x01\x00\x07" + "münster".encode("latin-1") + b"\x00\x01a"),
        ("the pass's number as a digit", 1, plain, b"1" + _lengthened(encoded, 2, "big")),
        ("no pass number", 1, plain, _lengthened(encoded, 2, "big")),
        ("the pass's number in two bytes", 1, plain, b"\x00\x01" + _lengthened(encoded, 2, "big")),
        ("components sorted", 1, plain[::-1], ref.block_value(1, plain)),
        ("the pass's place in the model instead of its number", 9, plain, ref.block_value(3, plain)),
        ("a value cut at 65,535 characters", 1, long, _uncut(cut)),
        ("a value cut before a broken character", 1, long, ref.block_value(1, (cut[:32_767], "b"))),
        ("a length that wraps", 1, long, b"\x01" + (80_000 % 65_536).to_bytes(2, "big") + cut.encode() + b"\x00\x01b"),
    ]
    result = [
        {
            "mistake": name,
            "of": "block_secret",
            "pass": number,
            "components": list(components),
            "wrong": ref.hmac_sha256(keys["block"], value).hex(),
        }
        for name, number, components, value in values
    ]
    secret = ref.block_secret(keys["block"], 1, plain)
    for name, wrong in {
        "the first half of s": aes(keys["token"], secret[:16]),
        "HMAC instead of AES": ref.hmac_sha256(keys["token"], secret)[:16],
        "AES-128 with half of the key": aes(keys["token"][:16], secret[16:]),
        "the subkey for sketches": aes(keys["sketch"], secret[16:]),
        "half of s as it is": secret[16:],
        "deciphered instead of enciphered": _aes_back(keys["token"], secret[16:]),
        "s exclusive-or'd to the result": xor(aes(keys["token"], secret[16:]), secret[16:]),
        "CBC over all of s, the last block": aes(keys["token"], xor(aes(keys["token"], secret[:16]), secret[16:])),
    }.items():
        result.append({"mistake": name, "of": "block_token", "secret": secret.hex(), "wrong": wrong.hex()})
    return result


def _token_mistakes() -> list[Mistake]:
    date = "19900203"
    digits = [b"p" + bytes([i]) + c.encode() for i, c in enumerate(date)]
    roles = [b"y1990", b"m02", b"d03", b"m03", b"d02"]
    far = "9" * 256 + "12"
    wrong: list[tuple[str, str, tuple[str, ...], list[bytes]]] = [
        ("no edges", "bigrams", ("anna",), [b"ban", b"bnn", b"bna"]),
        ("an edge only in front", "bigrams", ("anna",), [b"b_a", b"ban", b"bnn", b"bna"]),
        ("trigrams", "bigrams", ("anna",), [b"b_an", b"bann", b"bnna", b"bna_"]),
        ("no byte for the kind", "bigrams", ("anna",), [b"_a", b"an", b"nn", b"na", b"a_"]),
        ("blanks as edges", "bigrams", ("anna",), [b"b a", b"ban", b"bnn", b"bna", b"ba "]),
        ("values joined before they are cut", "bigrams", ("an", "na"), _bigrams("an na")),
        ("bytes instead of characters", "bigrams", ("é",), [b"b_\xc3", b"b\xc3\xa9", b"b\xa9_"]),
        ("UTF-16 units instead of characters", "bigrams", ("\U0001f476",), [b"b_\xed\xa0\xbd", b"b\xed\xb1\xb6_"]),
        ("positions from 1", "positions", ("7",), [b"p\x017"]),
        ("positions as digits", "positions", ("7",), [b"p07"]),
        ("positions from the end", "positions", ("12",), [b"p\x011", b"p\x002"]),
        ("positions counted in bytes", "positions", ("éa",), [b"p\x00\xc3\xa9", b"p\x02a"]),
        (
            "positions past 255 wrap",
            "positions",
            (far + "1",),
            [*_positions(far[:256]), b"p\x009", b"p\x019", b"p\x021"],
        ),
        ("positions past 255 left out", "positions", ("9" * 256 + "1",), _positions("9" * 256)),
        ("day and month not in each other's role", "date", (date,), digits + roles[:3]),
        ("day, month, year", "date", (date,), [*_positions("03021990"), *roles]),
        ("no positions", "date", (date,), roles),
        ("numbers without leading zeros", "date", (date,), [*digits, b"y1990", b"m2", b"d3", b"m3", b"d2"]),
        ("the value without its kind", "whole", ("612345678",), [b"612345678"]),
        ("an empty value is a token", "whole", (), [b"w"]),
        ("an empty name is a token", "bigrams", (), [b"b__"]),
    ]
    return [
        {
            "mistake": name,
            "of": "tokens",
            "rule": rule,
            "values": list(values),
            "wrong": sorted({token.hex() for token in tokens}),
        }
        for name, rule, values, tokens in wrong
    ]


def _record_mistakes(keys: Keys, model: LinkageModel, values: ref.Values) -> list[Mistake]:
    """Mistakes in presence and in the tokens of a record with more than 16 combinations in the first pass."""
    first = model.passes[0]
    sets = [list(values[name]) for name in first.attributes]
    every = list(product(*sets))
    other = [combination[::-1] for combination in product(*sets[::-1])]

    def tokens(combinations: Sequence[Sequence[str]]) -> list[str]:
        secrets = [ref.block_secret(keys["block"], first.number, chosen) for chosen in combinations]
        return sorted(ref.block_token(keys["token"], secret).hex() for secret in secrets)

    present = [(i, field) for i, field in enumerate(model.fields) if values[field.attribute]]
    result: list[Mistake] = [
        {"mistake": name, "of": "first_pass_tokens", "values": _listed(values), "wrong": wrong}
        for name, wrong in {
            "all combinations": tokens(every),
            "the last 16 combinations": tokens(every[-16:]),
            "the first attribute changes fastest": tokens(other[:16]),
            "the first 15 combinations": tokens(every[:15]),
            "tokens in the order of their combinations": [tokens([chosen])[0] for chosen in every[:16]],
            "the first value alone": tokens(every[:1]),
        }.items()
    ]
    for name, bits in {
        "presence by the field's number": sum(1 << field.number for _, field in present),
        "presence counted from 1": sum(2 << i for i, _ in present),
        "presence from the highest bit": sum(1 << (31 - i) for i, _ in present),
        "presence inverted": ~sum(1 << i for i, _ in present) & 0xFFFFFFFF,
    }.items():
        result.append({"mistake": name, "of": "presence", "values": _listed(values), "wrong": bits})
    return result


def _sharing_mistakes(keys: Keys) -> list[Mistake]:
    shared = ref.hmac_sha256(keys["sharing"], b"verdeling-0001")
    wrong = {
        "verdeling-0001": {
            "hex in capitals": shared.hex().upper(),
            "the first half": shared[:16].hex(),
            "no HMAC": hashlib.sha256(b"verdeling-0001").hexdigest(),
            "the token key": ref.hmac_sha256(keys["token"], b"verdeling-0001").hex(),
        },
        "": {"a missing one hashed": ref.hmac_sha256(keys["sharing"], b"").hex()},
    }
    return [
        {"mistake": name, "of": "sharing", "verdeling_id": value, "wrong": result}
        for value, mistakes in wrong.items()
        for name, result in mistakes.items()
    ]


def _listed(values: ref.Values) -> dict[str, list[str]]:
    return {name: list(items) for name, items in values.items()}


def _lengthened(parts: Sequence[bytes], size: int, order: Any) -> bytes:
    return b"".join(len(part).to_bytes(size, order) + part for part in parts)


def _uncut(value: str) -> bytes:
    """The block value of a reader who cuts at characters, and keeps the length in two bytes."""
    encoded = value[:65_535].encode()
    return b"\x01" + min(len(encoded), 65_535).to_bytes(2, "big") + encoded + b"\x00\x01b"


def _bigrams(value: str) -> list[bytes]:
    padded = f"_{value}_"
    return [b"b" + padded[i : i + 2].encode() for i in range(len(padded) - 1)]


def _positions(value: str) -> list[bytes]:
    return [b"p" + bytes([i]) + character.encode() for i, character in enumerate(value)]


def _aes_back(key: bytes, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).decryptor().update(block)  # nosec B305 # one block
