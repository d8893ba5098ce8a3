"""Sketches that plausible wrong readings of docs/spec/encoding-v1.md, section 5, arrive at.

See `dedup.encode.mistakes`. A sketch here is made of 256 bits of stream a vote, cut to the field's size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dedup.encode import reference as ref

Keys = Mapping[str, bytes]
Case = tuple[str, tuple[str, ...], int]

ODD: Case = ("bigrams", ("jansen",), 256)  # seven tokens: no casting vote
TIED: Case = ("bigrams", ("vries",), 256)  # six tokens: a casting vote
SHARED: Case = ("bigrams", ("jansen", "janssen"), 64)  # tokens that both values have
NOTHING: Case = ("whole", (), 32)
FIELD = 2
CASTING = b"\x80\x00"
VOTE_BYTES = 32


def sketch_mistakes(keys: Keys, secret: bytes) -> list[dict[str, Any]]:
    """Return the published mistakes of sketches in a block of this secret."""
    every = [
        *_counting(keys, secret),
        *_streams(keys, secret),
        *_hashes(keys, secret),
        *_casting_votes(keys, secret),
        *_sets(keys, secret),
    ]
    return [
        {
            "mistake": name,
            "of": "sketch",
            "secret": secret.hex(),
            "field": FIELD,
            "rule": rule,
            "values": list(values),
            "bits": bits,
            "wrong": result[: bits // 8].hex(),
        }
        for name, (rule, values, bits), result in every
    ]


def _counting(keys: Keys, secret: bytes) -> Iterable[tuple[str, Case, bytes]]:
    ivs = [_iv(keys, secret, token) for token in ref.tokens(*ODD[:2])]
    votes = [_vote(keys, iv) for iv in ivs]
    right = majority(votes)
    yield "bits of a byte from its other end", ODD, bytes(int(f"{byte:08b}"[::-1], 2) for byte in right)
    yield "the bytes of the sketch in the other order", ODD, right[::-1]
    yield "the minority", ODD, bytes(255 - byte for byte in right)
    yield "exclusive or of the votes", ODD, reduce(xor, votes)
    yield "the OR of the votes, a Bloom filter", ODD, reduce(_either, votes)
    yield "1-bit min-hash over 16-bit numbers", ODD, _min_hash(keys["sketch"], ivs, ODD[2])


def _streams(keys: Keys, secret: bytes) -> Iterable[tuple[str, Case, bytes]]:
    hashed = [_hashed(keys, token) for token in ref.tokens(*ODD[:2])]
    ivs = [ref.initialisation_vector(secret, h) for h in hashed]

    def sketch(changed: Iterable[bytes], purpose: str = "sketch") -> bytes:
        return majority([ref.stream(keys[purpose], iv, VOTE_BYTES) for iv in changed])

    yield "a counter that starts at 1", ODD, sketch(iv[:15] + b"\x01" for iv in ivs)
    yield "a counter that starts in the IV's last bytes", ODD, sketch(xor(secret[:16], h[:16]) for h in hashed)
    yield "a little-endian counter", ODD, majority([_little_endian(keys["sketch"], iv) for iv in ivs])
    yield "a counter of four bytes", ODD, sketch(iv[:12] + bytes(4) for iv in ivs)
    yield "the other half of s", ODD, sketch(xor(secret[16:30], h[:14]) + bytes(2) for h in hashed)
    yield "s alone as IV", ODD, sketch(secret[:14] + bytes(2) for _ in ivs)
    yield "h alone as IV, so no block", ODD, sketch(h[:14] + bytes(2) for h in hashed)
    yield "the last bytes of h", ODD, sketch(xor(secret[:14], h[18:]) + bytes(2) for h in hashed)
    yield "the subkey for tokens as cipher key", ODD, sketch(ivs, "token")


def _hashes(keys: Keys, secret: bytes) -> Iterable[tuple[str, Case, bytes]]:
    tokens = ref.tokens(*ODD[:2])

    def sketch(messages: Iterable[bytes], purpose: str = "field") -> bytes:
        hashed = [ref.hmac_sha256(keys[purpose], message) for message in messages]
        return majority([_vote(keys, ref.initialisation_vector(secret, h)) for h in hashed])

    yield "no field's number in h", ODD, sketch(tokens)
    yield "the field's number as a digit", ODD, sketch(b"2" + token for token in tokens)
    yield "the token before the field's number", ODD, sketch(token + bytes([FIELD]) for token in tokens)
    yield "the subkey for tokens in h", ODD, sketch((bytes([FIELD]) + token for token in tokens), "token")


def _casting_votes(keys: Keys, secret: bytes) -> Iterable[tuple[str, Case, bytes]]:
    tokens = ref.tokens(*TIED[:2])
    ivs = sorted(_iv(keys, secret, token) for token in tokens)
    votes = [_vote(keys, iv) for iv in ivs]

    def sketch(iv: bytes, counter: bytes = CASTING) -> bytes:
        return majority([*votes, _vote(keys, iv[:14] + counter)])

    least_hash = min(_hashed(keys, token) for token in tokens)
    odd = [_iv(keys, secret, token) for token in ref.tokens(*ODD[:2])]
    odd_votes = [*(_vote(keys, iv) for iv in odd), _vote(keys, min(odd)[:14] + CASTING)]
    yield "a casting vote for an odd number of tokens too", ODD, majority(odd_votes)
    yield "no casting vote, a tie is 0", TIED, majority(votes)
    yield "no casting vote, a tie is 1", TIED, majority([*votes, b"\xff" * VOTE_BYTES])
    yield "the casting vote is the same vote again", TIED, sketch(ivs[0], b"\x00\x00")
    yield "the casting vote of the largest IV", TIED, sketch(ivs[-1])
    yield "the casting vote of the smallest h", TIED, sketch(ref.initialisation_vector(secret, least_hash))
    yield "IVs compared from their last byte", TIED, sketch(min(ivs, key=lambda iv: iv[:14][::-1]))
    yield "the casting vote of the smallest token", TIED, sketch(_iv(keys, secret, min(tokens)))
    yield "the casting vote counted from 0080", TIED, sketch(ivs[0], b"\x00\x80")
    yield "the casting vote behind the first one", TIED, sketch(ivs[0], b"\x00\x02")
    yield "a token left out where their number is even", TIED, majority(votes[1:])


def _sets(keys: Keys, secret: bytes) -> Iterable[tuple[str, Case, bytes]]:
    twice = [token for value in SHARED[1] for token in sorted(ref.tokens(SHARED[0], (value,)))]
    yield (
        "a token that two values have votes twice",
        SHARED,
        majority([_vote(keys, _iv(keys, secret, t)) for t in twice]),
    )
    yield "the bits of an empty set are 1", NOTHING, b"\xff" * VOTE_BYTES
    yield "an empty set has the token of the empty value", NOTHING, _vote(keys, _iv(keys, secret, b"w"))


def majority(votes: Sequence[bytes]) -> bytes:
    """Return, bit by bit, 1 where more than half of the votes are; a tie is 0."""
    width = 8 * len(votes[0])
    rows = [f"{int.from_bytes(vote, 'big'):0{width}b}" for vote in votes]
    bits = ["1" if 2 * column.count("1") > len(votes) else "0" for column in map("".join, zip(*rows, strict=True))]
    return int("".join(bits), 2).to_bytes(width // 8, "big")


def xor(one: bytes, other: bytes) -> bytes:
    """Return the bytes of the shorter one exclusive-or'd with the other's."""
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def aes(key: bytes, block: bytes) -> bytes:
    """Return one enciphered block, or several by themselves."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)  # nosec B305 # one block


def _either(one: bytes, other: bytes) -> bytes:
    return bytes(a | b for a, b in zip(one, other, strict=True))


def _hashed(keys: Keys, token: bytes) -> bytes:
    return ref.hmac_sha256(keys["field"], bytes([FIELD]) + token)


def _iv(keys: Keys, secret: bytes, token: bytes) -> bytes:
    return ref.initialisation_vector(secret, _hashed(keys, token))


def _vote(keys: Keys, iv: bytes) -> bytes:
    return ref.stream(keys["sketch"], iv, VOTE_BYTES)


def _little_endian(key: bytes, iv: bytes) -> bytes:
    return b"".join(aes(key, iv[:14] + j.to_bytes(2, "little")) for j in range(VOTE_BYTES // 16))


def _min_hash(key: bytes, ivs: Sequence[bytes], bits: int) -> bytes:
    streams = [ref.stream(key, iv, 2 * bits) for iv in ivs]
    least = [min(int.from_bytes(stream[2 * i : 2 * i + 2], "big") for stream in streams) for i in range(bits)]
    return int("".join(str(number & 1) for number in least), 2).to_bytes(bits // 8, "big")
