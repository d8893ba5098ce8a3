"""Key-encryption keys: the one protocol by which an object's data key is wrapped, wherever the key itself lives.

A key in a file is `LocalKey`. A key in Vault or a hardware module is another class with the same two methods: the
store never sees the key, only data keys that it hands over and gets back.
"""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from dedup.errors import StoreError

DATA_KEY_BYTES = 32
WRAPPED_KEY_BYTES = DATA_KEY_BYTES + 8


class KeyWrapper(Protocol):
    """Wraps data keys under one key-encryption key."""

    @property
    def key_id(self) -> str:
        """The id that is written beside what was wrapped."""

    def wrap(self, data_key: bytes) -> bytes:
        """Return the wrapped data key, `WRAPPED_KEY_BYTES` long."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the data key; raises `StoreError` (`store.wrong-key`) when another key wrapped it."""


class LocalKey:
    """A 32-byte key in this process's memory; wraps with AES key wrap (RFC 3394)."""

    def __init__(self, key_id: str, secret: bytes) -> None:
        self._key_id = key_id
        self._secret = secret

    def __repr__(self) -> str:
        return f"LocalKey({self._key_id!r})"

    @property
    def key_id(self) -> str:
        """The id that is written beside what was wrapped."""
        return self._key_id

    def wrap(self, data_key: bytes) -> bytes:
        """Return the wrapped data key."""
        return aes_key_wrap(self._secret, data_key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the data key; raises `StoreError` (`store.wrong-key`) when another key wrapped it."""
        try:
            return aes_key_unwrap(self._secret, wrapped)
        except InvalidUnwrap as error:
            message = f"An object of the store was not encrypted under the key {self._key_id}."
            raise StoreError("store.wrong-key", message) from error
