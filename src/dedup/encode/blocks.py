"""Block values, block secrets and block tokens: where a clear value meets the linkage key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numba import njit
from numpy.typing import NDArray

from dedup.encode.hmacs import DIGEST_BYTES, HmacSha256, Messages
from dedup.encode.subkeys import Subkeys
from dedup.extract.values import NormalisedTable, ValueSets
from dedup.model.linkage import Pass
from dedup.model.records import TOKEN_BYTES

SECRET_BYTES = DIGEST_BYTES
MAX_ENTRIES_PER_PASS = 16
MAX_COMPONENT_BYTES = 0xFFFF
LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True, repr=False)
class Blocks:
    """The blocks that records are in under one pass: e entries.

    `row` is uint32[e], `secret` uint8[e, 32] (never leaves the encoder), `token` uint8[e, 16].
    """

    row: NDArray[np.uint32]
    secret: NDArray[np.uint8]
    token: NDArray[np.uint8]


class Components:
    """The components of block values, remembered as long as tables come with the very same distinct values."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[str, ...], Messages]] = {}

    def of(self, attribute: str, values: tuple[str, ...]) -> Messages:
        """Return the UTF-8 bytes of each value.

        A value longer than 65,535 bytes is cut there; every encoder must cut at the same byte.
        """
        known = self._known.get(attribute)
        if known is None or known[0] is not values:
            known = values, Messages.of(value.encode()[:MAX_COMPONENT_BYTES] for value in values)
            self._known[attribute] = known
        return known[1]


def block_secrets(number: int, block_values: Messages, subkeys: Subkeys) -> NDArray[np.uint8]:
    """Return s = HMAC(block key, p‖v), uint8[e, 32], for each block value v of the pass of number p.

    This is the one place where a block value meets the linkage key: an oblivious PRF at the key's custodian
    (RFC 9497) can take its place without any other change.
    """
    return HmacSha256(subkeys.block).digests(block_values, behind=bytes([number]))


def block_tokens(secrets: NDArray[np.uint8], subkeys: Subkeys) -> NDArray[np.uint8]:
    """Return AES-256(token key, s[16:32]), uint8[e, 16], for the secrets s, uint8[e, 32].

    Sketches are keyed by the other half of s, so not even a holder of the token key gets from a token to a sketch's
    key (docs/decisions/0011-block-token.md).
    """
    halves = np.ascontiguousarray(secrets[:, SECRET_BYTES - TOKEN_BYTES :])
    cipher = Cipher(algorithms.AES(subkeys.token), modes.ECB()).encryptor()  # nosec B305 # of parts of HMACs
    return np.frombuffer(cipher.update(halves.data), dtype=np.uint8).reshape(-1, TOKEN_BYTES)


def blocks_of(table: NormalisedTable, linkage_pass: Pass, subkeys: Subkeys) -> Blocks:
    """Return the blocks of every record of the table under one pass, in the order in which entries are sent."""
    blocks = blocks_by_record(table, linkage_pass, subkeys, Components())
    order = order_to_send(np.zeros(len(blocks.row), dtype=np.int64), blocks.row, blocks.token)
    return Blocks(row=blocks.row[order], secret=blocks.secret[order], token=blocks.token[order])


def blocks_by_record(table: NormalisedTable, linkage_pass: Pass, subkeys: Subkeys, components: Components) -> Blocks:
    """Return the blocks of every record of the table under one pass, rows ascending.

    A record with several values of an attribute is in a block for each combination of values, the last attribute's
    values changing fastest, the first `MAX_ENTRIES_PER_PASS` combinations at most; a record without a value of some
    attribute of the pass is in none.
    """
    row, codes = _combinations([table.attributes[name] for name in linkage_pass.attributes])
    columns = [components.of(name, table.attributes[name].values) for name in linkage_pass.attributes]
    secret = block_secrets(linkage_pass.number, _block_values(columns, codes), subkeys)
    return Blocks(row=row, secret=secret, token=block_tokens(secret, subkeys))


def _block_values(columns: Sequence[Messages], codes: NDArray[np.int32]) -> Messages:
    """Return the block value of each entry: the chosen component of each attribute, behind its length as u16."""
    text = np.concatenate([column.text for column in columns])
    first_value = np.cumsum([0, *(len(column.end) for column in columns)])
    first_byte = np.cumsum([0, *(len(column.text) for column in columns)])
    start = np.concatenate([[0], *(column.end + begin for column, begin in zip(columns, first_byte, strict=False))])
    chosen = codes + first_value[:-1, None]
    end = np.cumsum((start[chosen + 1] - start[chosen] + LENGTH_BYTES).sum(axis=0))
    values = np.empty(int(end[-1]) if len(end) else 0, dtype=np.uint8)
    _join(text, start, chosen, values)
    values.flags.writeable = False
    return Messages(values, end)


def order_to_send(batch: NDArray[np.int64], row: NDArray[np.uint32], token: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the order by batch, token and row of entries whose batches and rows ascend.

    It leaves out entries that have row and token of another. Two combinations of one record have one token only where
    they differ in what `Components` cuts off.
    """
    high, low = token.view(">u8").astype(np.uint64).T
    # A batch's number, the first bits of a token and the entry's number are sorted as one, much faster than places.
    batch_bits = np.uint64(int(batch.max(initial=0)).bit_length())
    number = np.uint64((1 << len(row).bit_length()) - 1)
    first_bits = (batch.astype(np.uint64) << (np.uint64(64) - batch_bits) | high >> batch_bits) & ~number
    order = (np.sort(first_bits | np.arange(len(row), dtype=np.uint64)) & number).astype(np.intp)
    before, after = order[:-1], order[1:]
    same = first_bits[after] == first_bits[before]
    if (same & ((high[after] != high[before]) | (low[after] != low[before]))).any():  # as seldom as those bits are many
        order = np.lexsort((row, low, high, batch))
        before, after = order[:-1], order[1:]
        same = (high[after] == high[before]) & (low[after] == low[before])
    again = same & (row[after] == row[before])
    return np.delete(order, np.flatnonzero(again) + 1) if again.any() else order


def _combinations(sets: Sequence[ValueSets]) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """Return the row (uint32[e]) and value codes (int32[attributes, e]) of each entry, rows ascending."""
    offsets = np.stack([values.offsets for values in sets])
    entries = np.minimum(np.diff(offsets, axis=1).prod(axis=0), MAX_ENTRIES_PER_PASS)
    starts = np.cumsum([0, *(len(values.codes) for values in sets[:-1])])
    row = np.empty(int(entries.sum()), dtype=np.uint32)
    chosen = np.empty((len(sets), len(row)), dtype=np.int32)
    _combine(offsets + starts[:, None], np.concatenate([values.codes for values in sets]), entries, row, chosen)
    return row, chosen


@njit(cache=True)
def _combine(
    start: NDArray[np.int64],
    codes: NDArray[np.int32],
    entries: NDArray[np.int64],
    row: NDArray[np.uint32],
    chosen: NDArray[np.int32],
) -> None:
    at = 0
    for r in range(len(entries)):
        for rank in range(entries[r]):
            rest = rank
            for k in range(start.shape[0] - 1, -1, -1):
                count = start[k, r + 1] - start[k, r]
                chosen[k, at] = codes[start[k, r] + rest % count]
                rest //= count
            row[at] = r
            at += 1


@njit(cache=True)
def _join(text: NDArray[np.uint8], start: NDArray[np.int64], chosen: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
    """Write the components of each entry, `chosen` ([attributes, e]), each behind its length."""
    at = 0
    for e in range(chosen.shape[1]):
        for k in range(chosen.shape[0]):
            first, last = start[chosen[k, e]], start[chosen[k, e] + 1]
            out[at] = (last - first) >> 8
            out[at + 1] = (last - first) & 0xFF
            at += LENGTH_BYTES
            for i in range(first, last):
                out[at] = text[i]
                at += 1
