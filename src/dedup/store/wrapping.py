"""Key-encryption keys: the one protocol by which an object's data key is wrapped, wherever the key itself lives.

A key in a file is `LocalKey`. A key in Vault or a hardware module is another class with the same two methods: the
store never sees the key, only data keys that it hands over and gets back. `BothKeys` puts two of them one round the
other, for what nobody may read who has only one.
"""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from dedup.errors import StoreError

DATA_KEY_BYTES = 32
WRAPPING_BYTES = 8  # what AES key wrap adds


class KeyWrapper(Protocol):
    """Wraps data keys under one key-encryption key."""

    @property
    def key_id(self) -> str:
        """The id that is written beside what was wrapped."""

    @property
    def wrapped_bytes(self) -> int:
        """How long a wrapped data key is."""

    def wrap(self, data_key: bytes) -> bytes:
        """Return the wrapped data key."""

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

    @property
    def wrapped_bytes(self) -> int:
        """How long a wrapped data key is."""
        return DATA_KEY_BYTES + WRAPPING_BYTES

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


class BothKeys:
    """Two keys, one round the other: a data key that was wrapped comes back only to whoever has both.

    What `inner` wraps is wrapped again by `outer`. Either may be kept anywhere, as any `KeyWrapper`.
    """

    def __init__(self, inner: KeyWrapper, outer: KeyWrapper) -> None:
        self._inner = inner
        self._outer = outer

    @property
    def key_id(self) -> str:
        """The ids of both keys."""
        return f"{self._inner.key_id}+{self._outer.key_id}"

    @property
    def wrapped_bytes(self) -> int:
        """How long a wrapped data key is: the outer key wraps what the inner one made."""
        return self._inner.wrapped_bytes + self._outer.wrapped_bytes - DATA_KEY_BYTES

    def wrap(self, data_key: bytes) -> bytes:
        """Return the data key, wrapped twice."""
        return self._outer.wrap(self._inner.wrap(data_key))

    def unwrap(self, wrapped: bytes) -> bytes:
        """Return the data key; raises `StoreError` (`store.wrong-key`) when either key is another one."""
        return self._inner.unwrap(self._outer.unwrap(wrapped))
