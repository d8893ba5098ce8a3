"""The encoding again, slowly and step by step as docs/spec/encoding-v1.md tells it: the measure of the fast encoder.

It shares no code with the fast path, works on one record at a time, and makes the published test vectors.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise, product

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dedup.model.linkage import Field, LinkageModel, Pass

PURPOSES = ("block", "token", "field", "sketch", "sharing")
MAX_COMBINATIONS = 16

Values = Mapping[str, Sequence[str]]  # attribute -> the record's normalised values


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA-256 (RFC 2104), 32 bytes."""
    return hmac.digest(key, message, "sha256")


def subkey(linkage_key: bytes, purpose: str) -> bytes:
    """Section 2: the subkey of a purpose."""
    return hmac_sha256(linkage_key, b"dedup/v1/" + purpose.encode("ascii"))


def block_value(pass_number: int, components: Sequence[str]) -> bytes:
    """Section 3: p, then each component with its length."""
    message = bytes([pass_number])
    for value in components:
        encoded = value.encode("utf-8")[:65535]
        message += len(encoded).to_bytes(2, "big") + encoded
    return message


def block_secret(block_key: bytes, pass_number: int, components: Sequence[str]) -> bytes:
    """Section 3: the 32-byte secret that keys a block's hash functions."""
    return hmac_sha256(block_key, block_value(pass_number, components))


def block_token(token_key: bytes, secret: bytes) -> bytes:
    """Section 3: the 16 bytes that records of one block share."""
    return Cipher(algorithms.AES(token_key), modes.ECB()).encryptor().update(secret[16:])  # nosec B305 # one block


def tokens(rule: str, values: Sequence[str]) -> set[bytes]:
    """Section 4: the token set of a field."""
    result: set[bytes] = set()
    for value in values:
        if rule == "bigrams":
            padded = "_" + value + "_"
            for left, right in pairwise(padded):
                result.add(b"b" + (left + right).encode("utf-8"))
        elif rule == "positions":
            result |= _positions(value)
        elif rule == "date":
            result |= _positions(value)
            year, month, day = value[:4], value[4:6], value[6:]
            result |= {b"y" + year.encode(), b"m" + month.encode(), b"d" + day.encode()}
            result |= {b"m" + day.encode(), b"d" + month.encode()}
        elif rule == "whole":
            result.add(b"w" + value.encode("utf-8"))
    return result


def _positions(value: str) -> set[bytes]:
    return {b"p" + bytes([min(i, 255)]) + character.encode("utf-8") for i, character in enumerate(value)}


def initialisation_vector(secret: bytes, hashed_token: bytes) -> bytes:
    """Section 5: where the stream of a token starts in a block."""
    return bytes(s ^ h for s, h in zip(secret[:14], hashed_token[:14], strict=True)) + b"\x00\x00"


def stream(sketch_key: bytes, iv: bytes, count: int) -> bytes:
    """Section 5: the first `count` bytes of AES-256 in counter mode."""
    return Cipher(algorithms.AES(sketch_key), modes.CTR(iv)).encryptor().update(bytes(count))


def votes(sketch_key: bytes, secret: bytes, hashed_tokens: Sequence[bytes], bits: int) -> list[bytes]:
    """Section 5: what is counted, an odd number of byte strings of which the first `bits` bits matter."""
    size = 16 * -(-bits // 128)
    ivs = [initialisation_vector(secret, hashed) for hashed in hashed_tokens]
    found = [stream(sketch_key, iv, size) for iv in ivs]
    if len(ivs) % 2 == 0:
        found.append(stream(sketch_key, min(ivs)[:14] + b"\x80\x00", size))
    return found


def sketch(keys: Mapping[str, bytes], secret: bytes, field_number: int, token_set: set[bytes], bits: int) -> bytes:
    """Section 5: a field's sketch under one block; zero when the token set is empty."""
    if not token_set:
        return bytes(bits // 8)
    hashed = [hmac_sha256(keys["field"], bytes([field_number]) + token) for token in token_set]
    cast = votes(keys["sketch"], secret, hashed, bits)
    packed = bytearray(bits // 8)
    for i in range(bits):
        mask = 0x80 >> (i & 7)
        if 2 * sum(bool(vote[i >> 3] & mask) for vote in cast) > len(cast):
            packed[i >> 3] |= mask
    return bytes(packed)


def pass_entries(
    keys: Mapping[str, bytes], model: LinkageModel, linkage_pass: Pass, values: Values
) -> dict[bytes, bytes]:
    """Section 6: a record's entries in one pass, token -> sketches, in ascending order of tokens."""
    fields = [field for field in model.fields if field.name not in linkage_pass.omits]
    entries = {}
    combinations = product(*(values[name] for name in linkage_pass.attributes))
    for components in islice(combinations, MAX_COMBINATIONS):
        secret = block_secret(keys["block"], linkage_pass.number, components)
        entries[block_token(keys["token"], secret)] = b"".join(_field_sketch(keys, secret, f, values) for f in fields)
    return dict(sorted(entries.items()))


def _field_sketch(keys: Mapping[str, bytes], secret: bytes, field: Field, values: Values) -> bytes:
    return sketch(keys, secret, field.number, tokens(field.tokens.value, values[field.attribute]), field.bits)


def presence(model: LinkageModel, values: Values) -> int:
    """Section 6: bit i is set where the model's i-th field, counted from 0, has a value."""
    return sum(1 << i for i, field in enumerate(model.fields) if values[field.attribute])


def encode_record(linkage_key: bytes, model: LinkageModel, values: Values) -> tuple[int, list[dict[bytes, bytes]]]:
    """Return a record's presence bits and its entries of each pass of the model."""
    keys = {purpose: subkey(linkage_key, purpose) for purpose in PURPOSES}
    return presence(model, values), [pass_entries(keys, model, p, values) for p in model.passes]
