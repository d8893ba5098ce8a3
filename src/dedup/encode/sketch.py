"""Sketches in bulk: counter blocks in an array that fits the cache, one cipher call, votes counted by a kernel."""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from dedup.encode import kernels
from dedup.encode.blocks import Blocks
from dedup.encode.subkeys import Subkeys
from dedup.encode.tokentable import TokenTable
from dedup.model.linkage import Field, LinkageModel

CIPHER_BLOCK_BYTES = 16
# Two arrays of this many cipher blocks (128 KiB each) lie in a core's second-level cache on any current machine.
CHUNK_BLOCKS = 8192
_MOST_PLANES = 33  # votes are counted in 32 bits


def sketch_entries(
    blocks: Blocks, tokens: TokenTable, model: LinkageModel, fields: tuple[Field, ...], subkeys: Subkeys
) -> NDArray[np.uint8]:
    """Return uint8[e, w]: for each entry the sketches of `fields`, one after another, missing ones zero."""
    width = np.array([field.bits // 8 for field in fields], dtype=np.int64)
    sketch = np.zeros((len(blocks.row), int(width.sum())), dtype=np.uint8)
    if not len(blocks.row):
        return sketch
    size = -(-width // CIPHER_BLOCK_BYTES)  # cipher blocks of a vote
    position = {field.number: place for place, field in enumerate(model.fields)}
    field = np.array([position[field.number] for field in fields], dtype=np.int64)
    sets = (blocks.row.astype(np.int64), field, size, tokens.start, tokens.fields)
    needed = np.empty(len(blocks.row), dtype=np.int64)
    kernels.count_blocks(*sets, needed)
    ends = np.cumsum(needed)

    secret = np.ascontiguousarray(blocks.secret[:, :CIPHER_BLOCK_BYTES]).view(np.uint64)
    hashing = (tokens.token, tokens.hashed, secret, kernels.COUNTER_WORDS, kernels.IV_MASK)
    # ECB over counter blocks is counter mode (NIST SP 800-38A, 6.5), for many counters in one call.
    cipher = Cipher(algorithms.AES(subkeys.sketch), modes.ECB()).encryptor()  # nosec B305 # as said above
    capacity = max(min(CHUNK_BLOCKS, int(ends[-1])), int(needed.max()))
    counters = np.empty(capacity * kernels.IV_WORDS, dtype=np.uint64)
    stream = np.empty((capacity + 1) * kernels.IV_WORDS, dtype=np.uint64)  # one block more, as update_into asks
    counter_bytes, stream_bytes = counters.view(np.uint8).data, stream.view(np.uint8).data
    plane = np.empty((_MOST_PLANES, kernels.IV_WORDS * int(size.max())), dtype=np.uint64)

    first, done = 0, 0
    while first < len(needed):
        last = int(np.searchsorted(ends, done + capacity, side="right"))
        used = (int(ends[last - 1]) - done) * CIPHER_BLOCK_BYTES
        kernels.lay_out((first, last), *sets, *hashing, counters)
        cipher.update_into(counter_bytes[:used], stream_bytes)
        kernels.take_majorities((first, last), *sets, width, stream, plane, plane.view(np.uint8), sketch)
        first, done = last, int(ends[last - 1])
    return sketch
