"""Sketches in bulk: counter blocks in an array that fits the cache, one cipher call, minima by a compiled kernel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from dedup.encode import kernels
from dedup.encode.blocks import Blocks, HmacSha256
from dedup.encode.subkeys import Subkeys
from dedup.encode.tokens import value_tokens
from dedup.extract.values import NormalisedTable
from dedup.model.linkage import Field, LinkageModel

CIPHER_BLOCK_BYTES = 16
# Two arrays of this many cipher blocks (128 KiB each) lie in a core's second-level cache on any current machine.
CHUNK_BLOCKS = 8192


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The hashed tokens of all fields of a batch, each distinct token of a field hashed once.

    Indices are int32. `field_start` is [fields, n + 1]: record r's values of field f are `value_of[field_start[f, r] :
    field_start[f, r + 1]]`; value v's tokens are `token_of[value_start[v] : value_start[v + 1]]`; token t's
    HMAC(field key, f‖t), cut to 16 bytes, is `hashed[t]` as two native words. `presence` is uint32[n].
    """

    field_start: NDArray[np.int32]
    value_of: NDArray[np.int32]
    value_start: NDArray[np.int32]
    token_of: NDArray[np.int32]
    hashed: NDArray[np.uint64]
    presence: NDArray[np.uint32]


def hash_tokens(table: NormalisedTable, model: LinkageModel, subkeys: Subkeys) -> TokenTable:
    """Turn every distinct value of every field into hashed tokens."""
    n = len(table.ids)
    presence = np.zeros(n, dtype=np.uint32)
    field_start = np.empty((len(model.fields), n + 1), dtype=np.int32)
    value_of: list[NDArray[np.int32]] = []
    counts: list[int] = []
    token_of: list[int] = []
    messages: dict[bytes, int] = {}
    records_values = 0
    for bit, field in enumerate(model.fields):
        values = table.attributes[field.attribute]
        field_start[bit] = values.offsets + records_values
        value_of.append(values.codes + np.int32(len(counts)))
        records_values += len(values.codes)
        presence |= (np.diff(values.offsets) > 0).astype(np.uint32) << np.uint32(bit)
        prefix = bytes([field.number])
        for value in values.values:
            tokens = value_tokens(field.tokens, value)
            counts.append(len(tokens))
            token_of += [messages.setdefault(prefix + token, len(messages)) for token in tokens]
    digests = b"".join(HmacSha256(subkeys.field).digests(messages))
    hashed = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 4)[:, : kernels.IV_WORDS]
    return TokenTable(
        field_start=field_start,
        value_of=np.concatenate(value_of),
        value_start=np.cumsum([0, *counts], dtype=np.int32),
        token_of=np.array(token_of, dtype=np.int32),
        hashed=np.ascontiguousarray(hashed),
        presence=presence,
    )


def sketch_entries(
    blocks: Blocks, tokens: TokenTable, model: LinkageModel, fields: tuple[Field, ...], subkeys: Subkeys
) -> NDArray[np.uint8]:
    """Return uint8[e, w]: for each entry the sketches of `fields`, one after another, missing ones zero."""
    bits = np.array([field.bits for field in fields], dtype=np.int64)
    sketch = np.zeros((len(blocks.row), int(bits.sum()) // 8), dtype=np.uint8)
    if not len(blocks.row):
        return sketch
    start = np.ascontiguousarray(tokens.field_start[[model.fields.index(field) for field in fields]])
    row = blocks.row.astype(np.int64)
    walk = (row, bits, start, tokens.value_of, tokens.value_start)
    needed = np.empty(len(row), dtype=np.int64)
    kernels.count_blocks(*walk, needed)
    ends = np.cumsum(needed)

    secret = np.ascontiguousarray(blocks.secret[:, :CIPHER_BLOCK_BYTES]).view(np.uint64)
    hashing = (tokens.token_of, tokens.hashed, secret, kernels.COUNTER_WORDS, kernels.IV_MASK)
    # ECB over counter blocks is counter mode (NIST SP 800-38A, 6.5), for many counters in one call.
    cipher = Cipher(algorithms.AES(subkeys.sketch), modes.ECB()).encryptor()  # nosec B305
    capacity = max(CHUNK_BLOCKS, int(needed.max()))
    counters = np.empty(capacity * kernels.IV_WORDS, dtype=np.uint64)
    stream = np.empty((capacity + 1) * CIPHER_BLOCK_BYTES, dtype=np.uint8)  # one block more, as update_into asks
    counter_bytes, stream_bytes = counters.view(np.uint8).data, stream.data
    minimum = np.empty(int(bits.max()), dtype=np.uint16)

    first, done = 0, 0
    while first < len(row):
        last = int(np.searchsorted(ends, done + capacity, side="right"))
        used = (int(ends[last - 1]) - done) * CIPHER_BLOCK_BYTES
        kernels.lay_out((first, last), *walk, *hashing, counters)
        cipher.update_into(counter_bytes[:used], stream_bytes)
        kernels.take_minima((first, last), *walk, stream.view(np.uint16), minimum, sketch)
        first, done = last, int(ends[last - 1])
    return sketch
