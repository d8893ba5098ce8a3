"""The second key, at ingest: tokens are hashed again, sketches permuted and masked, so that only distances are left.

For every pass p, under subkeys K(purpose) = HMAC-SHA-256(ingest key, "dedup/v1/ingest/" + purpose + "/" + p), and for
every distinct token t of the pass:

    t'      = AES-256(K("token"), t) xor t      the new token
    s       = AES-256(K("seed"), t) xor t       a secret seed
    stream  = AES-256(K("stream"), s xor 0) || AES-256(K("stream"), s xor 1) || ...

The stream first draws a permutation of the bits of each field of the pass, then gives a mask as long as the entry. A
new sketch is the permuted old one xor the mask; absent fields are zero afterwards. Whoever lacks the ingest key sees,
for each block, an independent random permutation and mask: of the entries of a block only the Hamming distances per
field are left, and of entries of different blocks nothing. `docs/decisions/0008-second-key.md`
has the argument and the figures.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey
from dedup.ingest.kernels import number_blocks, rekey_runs, words_needed
from dedup.model.linkage import LinkageModel, Pass
from dedup.model.records import EncodedRecords, PassEntries, empty_entries

BLOCK_BYTES = 16
_CHUNK_BYTES = 1 << 19  # of stream: small enough for the second-level cache


def rekey(records: EncodedRecords, model: LinkageModel, key: IngestKey) -> EncodedRecords:
    """Return the records under the ingest key: same rows, presence and weeks, new tokens and sketches, sorted again.

    Equal tokens of one pass stay equal and distances per field within a block stay what they were; without the key no
    other relation survives. Deterministic in the key and the records.
    """
    passes = tuple(
        rekey_runs_of(entries, Runs.of(entries.token), linkage_pass, model, records.presence, key)
        for linkage_pass, entries in zip(model.passes, records.passes, strict=True)
    )
    return EncodedRecords(records.presence, records.edd_week, passes)


@dataclass(frozen=True, slots=True)
class Runs:
    """Entries with equal tokens: run i is the entries `order[first[i]:first[i] + length[i]]` of a pass."""

    order: NDArray[np.uint32]
    first: NDArray[np.int64]
    length: NDArray[np.int64]

    @classmethod
    def of(cls, token: NDArray[np.uint8]) -> Runs:
        """Return the runs of tokens uint8[e, 16] that are sorted."""
        count = len(token)
        halves = token.view(np.uint64)
        changes = np.flatnonzero((halves[1:] != halves[:-1]).any(axis=1)) + 1
        first = np.concatenate([np.zeros(min(count, 1), np.int64), changes])
        return cls(np.arange(count, dtype=np.uint32), first, np.diff(first, append=count))


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


def stream_bytes(linkage_pass: Pass, model: LinkageModel) -> int:
    """Return how many bytes of stream every distinct token of a pass takes."""
    return _Layout.of(linkage_pass, model).stream_blocks * BLOCK_BYTES


def rekey_runs_of(
    entries: PassEntries,
    runs: Runs,
    linkage_pass: Pass,
    model: LinkageModel,
    presence: NDArray[np.uint32],
    key: IngestKey,
    *,
    into: PassEntries | None = None,
) -> PassEntries:
    """Return the entries of these runs of a pass under the ingest key, sorted by their new tokens.

    `presence` is that of the records that the entries' rows count. They are written into `into` where that is given:
    room for as many entries as the runs have.
    """
    layout = _Layout.of(linkage_pass, model)
    distinct = entries.token[runs.order[runs.first]]
    new_token = _one_way(_cipher(key, "token", layout.number), distinct)
    seed = _one_way(_cipher(key, "seed", layout.number), distinct)
    by_token = _sorting(new_token)
    first, lengths = runs.first[by_token], runs.length[by_token]
    new_token, seed = new_token[by_token], seed[by_token]
    target = np.cumsum(lengths) - lengths
    out = into or empty_entries(entries.number, int(lengths.sum()), layout.width)
    blocks = layout.stream_blocks
    chunk = max(1, _CHUNK_BYTES // (blocks * BLOCK_BYTES))
    cipher = _cipher(key, "stream", layout.number)
    for at in range(0, len(first), chunk):
        part = slice(at, at + chunk)
        stream = _stream(cipher, seed[part], blocks)
        rekey_runs(
            runs.order, first[part], lengths[part], target[part], new_token[part], stream, stream.view("<u8"),
            entries.row, entries.sketch, presence,
            layout.start, layout.bits, layout.presence_bit, layout.words, out.row, out.token, out.sketch,
        )  # fmt: skip
    return out


def _sorting(token: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the order of distinct tokens uint8[t, 16]; that two agree in their first half is all but impossible."""
    halves = token.view(">u8").astype(np.uint64)
    order = np.argsort(halves[:, 0])
    high = halves[order, 0]
    return np.lexsort((halves[:, 1], halves[:, 0])) if (high[1:] == high[:-1]).any() else order


def _stream(cipher: Cipher[modes.ECB], seed: NDArray[np.uint8], blocks: int) -> NDArray[np.uint8]:
    """Return uint8[tokens, blocks * 16]: counter mode over blocks numbered here, in one call for all tokens."""
    counters = np.zeros((blocks, 2), ">u8")
    counters[:, 1] = np.arange(blocks)
    plain = np.empty((len(seed), blocks, 2), np.uint64)
    number_blocks(seed.view(np.uint64), counters.view(np.uint64), plain)  # both in the same memory order
    # The binding wants room for one more block than it writes.
    room = np.empty(plain.nbytes + BLOCK_BYTES - 1, np.uint8)
    cipher.encryptor().update_into(plain.data.cast("B"), room.data)
    return room[: plain.nbytes].reshape(len(seed), blocks * BLOCK_BYTES)


def _one_way(cipher: Cipher[modes.ECB], token: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return AES(token) xor token: a pseudo-random function that even its key's holder cannot run backwards."""
    encrypted = np.frombuffer(cipher.encryptor().update(token.tobytes()), np.uint8).reshape(token.shape)
    return encrypted ^ token


def _cipher(key: IngestKey, purpose: str, number: int) -> Cipher[modes.ECB]:
    subkey = hmac.digest(key.secret, f"dedup/v1/ingest/{purpose}/{number}".encode("ascii"), "sha256")
    # ECB here is the bare block cipher, from which the functions above are built; no data is encrypted with it.
    return Cipher(algorithms.AES(subkey), modes.ECB())  # nosec B305
