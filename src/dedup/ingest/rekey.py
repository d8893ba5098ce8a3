"""The second key, at ingest: tokens are hashed again, sketches permuted and masked, so that only distances are left.

For every pass p and every distinct token t of it, under the subkeys K(purpose) = HMAC(ingest key, "dedup/v1/ingest/" +
purpose):

    t' || s  = HMAC(K("token"), p || t)         two halves of 16 bytes: the new token, and a secret seed of its own
    stream   = AES-256-CTR(K("stream"), first 14 bytes of s, then a 16-bit block counter from 0)

The stream first draws a permutation of the bits of each field of the pass, then gives a mask as long as the entry. A
new sketch is the permuted old one xor the mask; absent fields are zero afterwards. Whoever lacks the ingest key sees,
for each block, an independent random permutation and mask: of the entries of a block only the Hamming distances per
field are left, and of entries of different blocks nothing. `docs/keys.md` has the argument in full.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey
from dedup.ingest.kernels import counter_blocks, rekey_runs, words_needed
from dedup.ingest.manyhmac import hmac_tokens
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import TOKEN_BYTES, EncodedRecords, PassEntries

BLOCK_BYTES = 16
_CHUNK_BYTES = 1 << 19  # of stream: small enough for the second-level cache


def rekey(records: EncodedRecords, model: LinkageModel, key: IngestKey) -> EncodedRecords:
    """Return the records under the ingest key: same rows, presence and weeks, new tokens and sketches, sorted again.

    Equal tokens of one pass stay equal and distances per field within a block stay what they were; without the key no
    other relation survives. Deterministic in the key and the records.
    """
    token_key, stream_key = (_subkey(key, purpose) for purpose in ("token", "stream"))
    cipher = Cipher(algorithms.AES(stream_key), modes.ECB())  # counter mode, over blocks that we number ourselves
    passes = tuple(
        _rekey_pass(entries, _Layout.of(linkage_pass, model), records.presence, token_key, cipher)
        for linkage_pass, entries in zip(model.passes, records.passes, strict=True)
    )
    return EncodedRecords(records.presence, records.edd_week, passes)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a pass's fields lie: first byte, bits and presence bit of each, and the stream that a token needs."""

    number: int
    start: NDArray[np.int64]
    bits: NDArray[np.int64]
    presence_bit: NDArray[np.int64]
    words: NDArray[np.int64]  # 64-bit words of stream that a field's permutation draws from
    width: int

    @classmethod
    def of(cls, linkage_pass: Pass, model: LinkageModel) -> _Layout:
        fields = model.pass_fields(linkage_pass)
        bits = np.array([field.bits for field in fields], np.int64)
        return cls(
            number=linkage_pass.number,
            start=np.cumsum(bits // 8) - bits // 8,
            bits=bits,
            presence_bit=np.array([model.fields.index(field) for field in fields], np.int64),
            words=np.array([words_needed(field.bits) for field in fields], np.int64),
            width=model.sketch_bytes(linkage_pass),
        )

    @property
    def stream_blocks(self) -> int:
        return -(-(int(self.words.sum()) * 8 + self.width) // BLOCK_BYTES)


def _rekey_pass(
    entries: PassEntries, layout: _Layout, presence: NDArray[np.uint32], token_key: bytes, cipher: Cipher[modes.ECB]
) -> PassEntries:
    count = len(entries.row)
    first = _run_starts(entries.token)
    digests = hmac_tokens(token_key, layout.number, entries.token[first])
    halves = digests.view(">u8")
    order = np.lexsort((halves[:, 1], halves[:, 0]))  # of the runs, by their new token
    lengths = np.diff(first, append=count)[order]
    target = np.cumsum(lengths) - lengths
    row = np.empty(count, np.uint32)
    token = np.empty((count, TOKEN_BYTES), np.uint8)
    sketch = np.empty((count, layout.width), np.uint8)
    blocks = layout.stream_blocks
    chunk = max(1, _CHUNK_BYTES // (blocks * BLOCK_BYTES))
    encryptor = cipher.encryptor()
    plain = np.empty((chunk, blocks, 2), np.uint64)
    # The binding wants room for one more block than it writes.
    room = np.empty(plain.nbytes + BLOCK_BYTES - 1, np.uint8)
    for at in range(0, len(order), chunk):
        part = order[at : at + chunk]
        digest = np.ascontiguousarray(digests[part])
        counter_blocks(digest, plain)
        used = len(part) * blocks * BLOCK_BYTES
        encryptor.update_into(plain.data.cast("B")[:used], room.data)
        stream = room[:used].reshape(len(part), blocks * BLOCK_BYTES)
        rekey_runs(
            first[part], lengths[at : at + chunk], target[at : at + chunk], digest, stream, stream.view("<u8"),
            entries.row, entries.sketch, presence,
            layout.start, layout.bits, layout.presence_bit, layout.words, row, token, sketch,
        )  # fmt: skip
    return PassEntries(entries.number, row, token, sketch)


def _run_starts(token: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the positions at which a new token starts, in entries that are sorted by token."""
    if not len(token):
        return np.empty(0, np.int64)
    halves = token.view(np.uint64)
    changes = (halves[1:] != halves[:-1]).any(axis=1)
    return np.concatenate([[0], np.flatnonzero(changes) + 1]).astype(np.int64)


def _subkey(key: IngestKey, purpose: str) -> bytes:
    return hmac.digest(key.secret, f"dedup/v1/ingest/{purpose}".encode("ascii"), "sha256")
