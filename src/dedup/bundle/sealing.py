"""Sealing: HPKE for a key, AES-256-GCM in numbered chunks for a body that may be large.

HPKE is RFC 9180 in base mode with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; what a ciphertext is for stands
in `info`. The chunks follow STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015): the nonce holds the chunk's
number and whether it is the last, so that chunks cannot be dropped, swapped, repeated or cut off unnoticed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from dedup.errors import BundleError

SUITE_NAME = "HPKE-P256-SHA256-A256GCM"
CHUNK_BYTES = 256 << 10
TAG_BYTES = 16
CONTENT_KEY_BYTES = 32
SEALED_KEY_BYTES = 65 + CONTENT_KEY_BYTES + TAG_BYTES
PREFIX_BYTES = 7
_SUITE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def bundle_info(sealing_key_id: str, signing_key_id: str, submission_id: str) -> bytes:
    """Return the HPKE `info` of a bundle's content key: the key cannot be moved to another signer or submission."""
    return "\n".join(["dedup/v1/bundle", sealing_key_id, signing_key_id, submission_id]).encode("ascii")


def seal_secret(secret: bytes, to: ec.EllipticCurvePublicKey, info: bytes) -> bytes:
    """Return the HPKE encapsulation (65 bytes) followed by the ciphertext of `secret` (its length + 16)."""
    return _SUITE.encrypt(secret, to, info)


def open_secret(sealed: bytes, opened_with: ec.EllipticCurvePrivateKey, info: bytes) -> bytes:
    """Undo `seal_secret`; raises `ValueError` when the key or `info` is another, or a bit was changed."""
    try:
        return _SUITE.decrypt(sealed, opened_with, info)
    except (InvalidTag, ValueError) as error:
        raise ValueError("cannot be opened") from error


def seal_chunks(plain: Iterable[bytes], content_key: bytes, associated: bytes) -> Iterator[bytes]:
    """Encrypt a stream of byte strings of any lengths into sealed chunks; `associated` is bound to each."""
    cipher = AESGCM(content_key)
    number, pending = 0, bytearray()
    for part in plain:
        pending += part
        # The last chunk is never empty, so a full chunk waits until something follows it.
        while len(pending) > CHUNK_BYTES:
            yield cipher.encrypt(_nonce(associated, number, last=False), bytes(pending[:CHUNK_BYTES]), associated)
            del pending[:CHUNK_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(associated, number, last=True), bytes(pending), associated)


def open_chunks(file: BinaryIO, length: int, content_key: bytes, associated: bytes) -> Iterator[bytes]:
    """Decrypt `length` bytes of sealed chunks from `file`; raises `BundleError` (`bundle.altered`)."""
    cipher = AESGCM(content_key)
    number, left = 0, length
    while left:
        sealed = file.read(min(left, CHUNK_BYTES + TAG_BYTES))
        if not sealed:
            raise BundleError("bundle.truncated", "The bundle ends before its body does.")
        left -= len(sealed)
        try:
            plain = cipher.decrypt(_nonce(associated, number, last=not left), sealed, associated)
        except (InvalidTag, ValueError) as error:
            raise BundleError("bundle.altered", "The bundle's body was altered, or sealed wrongly.") from error
        yield plain
        number += 1


def _nonce(associated: bytes, number: int, *, last: bool) -> bytes:
    # The content key serves one bundle only, so number and flag alone keep nonces apart; the prefix fills 12 bytes.
    return associated[:PREFIX_BYTES] + struct.pack(">IB", number, last)
