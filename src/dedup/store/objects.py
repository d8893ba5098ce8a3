"""Encrypted objects: one file each, named by its own SHA-256, under a data key of its own.

The name is the digest of the *ciphertext*. Every object has a fresh random data key, so two objects with equal
content have unrelated names: a name says nothing about what is inside, and a backup can be checked without any key.

Layout: `DDOBJ1` 00 00, one byte length and the key id in ASCII, the wrapped data key (40 bytes, or 48 under two keys);
then chunks of 1 MiB of plaintext in AES-256-GCM, each with its 16-byte tag. A chunk's nonce is seven zero bytes, its
number from 0 (four bytes, big-endian) and a byte that is 1 on the last chunk; all that stands before the first chunk is
every chunk's associated data. A data key encrypts one object only, so nonces never repeat. (Construction: STREAM, by
Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015.)
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NewType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dedup.errors import StoreError
from dedup.store.durable import make_private_folder, publish, remove_temporary_files, temporary_file
from dedup.store.failpoints import reach
from dedup.store.wrapping import DATA_KEY_BYTES, KeyWrapper

ObjectDigest = NewType("ObjectDigest", str)

MAGIC = b"DDOBJ1\0\0"
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
SUFFIX = ".object"


class ObjectStore:
    """The objects in one folder, all under one key-encryption key."""

    def __init__(self, folder: Path, wrapper: KeyWrapper) -> None:
        self._folder = make_private_folder(folder)
        self._wrapper = wrapper

    def put(self, data: bytes | memoryview) -> ObjectDigest:
        """Encrypt and keep `data`; when this returns, the object survives a crash. Returns its name."""
        data_key = secrets.token_bytes(DATA_KEY_BYTES)
        key_id = self._wrapper.key_id.encode("ascii")
        header = MAGIC + bytes([len(key_id)]) + key_id + self._wrapper.wrap(data_key)
        digest = hashlib.sha256(header)
        with temporary_file(self._folder) as (temporary, file):
            file.write(header)
            for chunk in _encrypted(memoryview(data).cast("B"), data_key, header):
                digest.update(chunk)
                file.write(chunk)
        reach("objects.written")
        name = ObjectDigest(digest.hexdigest())
        publish(temporary, self._path(name))
        reach("objects.renamed")
        return name

    def get(self, name: ObjectDigest) -> bytearray:
        """Return an object's content.

        Raises `StoreError`: `store.object-missing`, `store.object-altered`, or `store.wrong-key`.
        """
        try:
            stored = self._path(name).read_bytes()
        except FileNotFoundError as error:
            message = f"The store's object {name[:12]} is missing; restore it from a backup."
            raise StoreError("store.object-missing", message) from error
        if hashlib.sha256(stored).hexdigest() != name:
            raise _altered(name)
        wrapped_bytes = self._wrapper.wrapped_bytes
        start = len(MAGIC) + 1 + int.from_bytes(stored[len(MAGIC) : len(MAGIC) + 1]) + wrapped_bytes
        header = stored[:start]
        if not header.startswith(MAGIC) or len(stored) < start + TAG_BYTES:
            raise _altered(name)
        data_key = self._wrapper.unwrap(header[-wrapped_bytes:])
        try:
            return _decrypted(memoryview(stored)[start:], data_key, header)
        except InvalidTag as error:
            raise _altered(name) from error

    def remove(self, name: ObjectDigest) -> None:
        """Remove an object; one that is gone already is no fault."""
        self._path(name).unlink(missing_ok=True)

    def names(self) -> set[ObjectDigest]:
        """Return the names of all objects in the folder."""
        return {ObjectDigest(path.stem) for path in self._folder.glob(f"*{SUFFIX}")}

    def recover(self, referenced: Collection[ObjectDigest]) -> int:
        """Remove half-written files and objects that nothing refers to; return how many files that were.

        Only the holder of the run lock may call this. Raises `StoreError` (`store.object-missing`) when an object that
        is referred to is not there.
        """
        present = self.names()
        lost = set(referenced) - present
        if lost:
            message = (
                f"{len(lost)} objects of the store are missing from {self._folder.name}; restore them from a backup."
            )
            raise StoreError("store.object-missing", message)
        orphans = present - set(referenced)
        for orphan in orphans:
            self.remove(orphan)
        return len(orphans) + remove_temporary_files(self._folder)

    def _path(self, name: ObjectDigest) -> Path:
        return self._folder / f"{name}{SUFFIX}"


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + bytes([last])


def _encrypted(data: memoryview, data_key: bytes, header: bytes) -> Iterator[bytes]:
    cipher = AESGCM(data_key)
    chunks = max(1, -(-len(data) // CHUNK_BYTES))
    for number in range(chunks):
        chunk = data[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
        yield cipher.encrypt(_nonce(number, last=number == chunks - 1), chunk, header)


def _decrypted(stored: memoryview, data_key: bytes, header: bytes) -> bytearray:
    cipher = AESGCM(data_key)
    step = CHUNK_BYTES + TAG_BYTES
    chunks = -(-len(stored) // step)
    if len(stored) - (chunks - 1) * step < TAG_BYTES:
        raise InvalidTag  # the last chunk is shorter than its own tag
    data = bytearray(len(stored) - chunks * TAG_BYTES)
    for number in range(chunks):
        chunk = stored[number * step : (number + 1) * step]
        target = memoryview(data)[number * CHUNK_BYTES : number * CHUNK_BYTES + len(chunk) - TAG_BYTES]
        cipher.decrypt_into(_nonce(number, last=number == chunks - 1), chunk, header, target)
    return data


def _altered(name: ObjectDigest) -> StoreError:
    return StoreError("store.object-altered", f"The store's object {name[:12]} was altered; restore it from a backup.")
