"""Block values, block secrets and block tokens: where a clear value meets the linkage key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import hmac as keyed
from numpy.typing import NDArray

from dedup.encode.subkeys import Subkeys
from dedup.extract.values import NormalisedTable
from dedup.model.linkage import Pass
from dedup.model.records import TOKEN_BYTES

SECRET_BYTES = 32
MAX_ENTRIES_PER_PASS = 16
MAX_COMPONENT_BYTES = 0xFFFF


@dataclass(frozen=True, slots=True, repr=False)
class Blocks:
    """The blocks that a batch's records are in under one pass: e entries, sorted by token and then row.

    `row` is uint32[e], `secret` uint8[e, 32] (never leaves the encoder), `token` uint8[e, 16].
    """

    row: NDArray[np.uint32]
    secret: NDArray[np.uint8]
    token: NDArray[np.uint8]


class HmacSha256:
    """HMAC-SHA-256 of many short messages under one key: the keyed state is copied, not computed again."""

    def __init__(self, key: bytes) -> None:
        self._start = keyed.HMAC(key, hashes.SHA256())

    def digests(self, messages: Iterable[bytes]) -> list[bytes]:
        """Return the 32-byte digest of each message."""
        copy = self._start.copy
        result = []
        for message in messages:
            state = copy()
            state.update(message)
            result.append(state.finalize())
        return result


def component(value: str) -> bytes:
    """Return one component of a block value: its length as u16 big-endian, then its UTF-8 bytes.

    A value longer than 65,535 bytes is cut there; every encoder must cut at the same byte.
    """
    encoded = value.encode()[:MAX_COMPONENT_BYTES]
    return len(encoded).to_bytes(2, "big") + encoded


def block_secrets(block_values: Sequence[bytes], subkeys: Subkeys) -> list[bytes]:
    """Return s = HMAC(block key, p‖v) for each message p‖v.

    This is the one place where a block value meets the linkage key: an oblivious PRF at the key's custodian
    (RFC 9497) can take its place without any other change.
    """
    return HmacSha256(subkeys.block).digests(block_values)


def blocks_of(table: NormalisedTable, linkage_pass: Pass, subkeys: Subkeys) -> Blocks:
    """Return the blocks of every record of the table under one pass.

    A record with several values of an attribute is in a block for each combination of values, the last attribute's
    values changing fastest, the first `MAX_ENTRIES_PER_PASS` combinations at most; a record without a value of some
    attribute of the pass is in none.
    """
    row, codes = _combinations(table, linkage_pass)
    distinct, entry = _distinct(codes)
    prefix = bytes([linkage_pass.number])
    columns = [[component(value) for value in table.attributes[name].values] for name in linkage_pass.attributes]
    chosen = [[column[code] for code in codes] for column, codes in zip(columns, distinct.T.tolist(), strict=True)]
    secrets = block_secrets([prefix + b"".join(parts) for parts in zip(*chosen, strict=True)], subkeys)
    tokens = HmacSha256(subkeys.token).digests(secrets)

    secret = _matrix(secrets)[entry]
    token = _matrix(tokens)[entry, :TOKEN_BYTES]
    high, low = np.ascontiguousarray(token).view(">u8").reshape(-1, 2).T
    order = np.lexsort((row, low, high))
    return Blocks(row=row[order], secret=secret[order], token=np.ascontiguousarray(token[order]))


def _combinations(table: NormalisedTable, linkage_pass: Pass) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the row (uint32[e]) and value codes (int64[e, attributes]) of each entry, rows ascending."""
    sets = [table.attributes[name] for name in linkage_pass.attributes]
    counts = np.stack([np.diff(values.offsets) for values in sets])
    entries = np.minimum(counts.prod(axis=0), MAX_ENTRIES_PER_PASS)
    row = np.repeat(np.arange(len(entries)), entries)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(entries) - entries, entries)
    codes = np.empty((len(row), len(sets)), dtype=np.int64)
    for k in reversed(range(len(sets))):
        rank, position = np.divmod(rank, counts[k][row])
        codes[:, k] = sets[k].codes[sets[k].offsets[row] + position]
    return row.astype(np.uint32), codes


def _distinct(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the distinct rows of `codes`, and for each row which of them it is (`np.unique` by rows is slower)."""
    key = np.zeros(len(codes), dtype=np.int64)
    for column in codes.T:
        # Ranks stay below the number of rows, so the product of two of them cannot overflow.
        ranks = np.unique(column, return_inverse=True)[1]
        key = np.unique(key * len(codes) + ranks, return_inverse=True)[1]
    _, first, entry = np.unique(key, return_index=True, return_inverse=True)
    return codes[first], entry


def _matrix(digests: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, SECRET_BYTES)
