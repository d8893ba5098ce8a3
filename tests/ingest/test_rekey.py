"""The second key keeps distances within a block and nothing else."""

from __future__ import annotations

import hmac

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dedup.bundle.keys import IngestKey
from dedup.ingest.kernels import MAX_PRODUCT, WORD_ENDS, words_needed
from dedup.ingest.rekey import Runs, rekey, rekey_runs_of
from dedup.model.linkage import Attribute, Field, LinkageModel, Pass, TokenRule
from dedup.model.records import EncodedRecords, PassEntries

KEY = IngestKey.of(bytes(range(32)))
BITS = (256, 16, 40)
MODEL = LinkageModel(
    name="small",
    version=1,
    digest="5a" * 32,
    table=None,
    attributes=(Attribute("a", "text", ("a",)),),
    fields=tuple(Field(i + 1, f"f{i}", "a", TokenRule.WHOLE, bits) for i, bits in enumerate(BITS)),
    passes=(Pass(1, ("a",)), Pass(7, ("a",), omits=("f1",))),
    comparisons=(),
)


def slices(linkage_pass: Pass) -> dict[int, slice]:
    """Return where each field lies in the entries of a pass, by the field's position in the model."""
    found, start = {}, 0
    for position, field in enumerate(MODEL.fields):
        if field.name not in linkage_pass.omits:
            found[position] = slice(start, start + field.bits // 8)
            start += field.bits // 8
    return found


def records_of(n: int, blocks: int, seed: int, *, missing: float = 0.3) -> EncodedRecords:
    """Return n records, each in one of `blocks` blocks of either pass; the passes share their tokens."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 256, (blocks, 16), dtype=np.uint8)
    presence = np.zeros(n, np.uint32)
    for position in range(len(BITS)):
        presence |= (rng.random(n) >= missing).astype(np.uint32) << np.uint32(position)
    passes = []
    for linkage_pass in MODEL.passes:
        token = tokens[rng.integers(0, blocks, n)]
        row = np.arange(n, dtype=np.uint32)
        sketch = rng.integers(0, 256, (n, MODEL.sketch_bytes(linkage_pass)), dtype=np.uint8)
        for position, part in slices(linkage_pass).items():
            sketch[(presence >> np.uint32(position)) & 1 == 0, part] = 0
        order = np.lexsort((row, *token.T[::-1]))
        passes.append(PassEntries(linkage_pass.number, row[order], token[order], sketch[order]))
    return EncodedRecords(presence, np.full(n, -1, np.int32), tuple(passes))


def by_row(entries: PassEntries) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return tokens and sketches in the order of rows."""
    order = np.argsort(entries.row)
    return entries.token[order], entries.sketch[order]


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def plain_stream(number: int, token: bytes, length: int) -> tuple[bytes, bytes]:
    """Return the new token and the stream of a token, block by block as the construction is written down."""

    def aes(purpose: str, block: bytes) -> bytes:
        subkey = hmac.digest(KEY.secret, f"dedup/v1/ingest/{purpose}/{number}".encode(), "sha256")
        return Cipher(algorithms.AES(subkey), modes.ECB()).encryptor().update(block)

    def xor(one: bytes, other: bytes) -> bytes:
        return bytes(a ^ b for a, b in zip(one, other, strict=True))

    seed = xor(aes("seed", token), token)
    blocks = (aes("stream", xor(seed, counter.to_bytes(16, "big"))) for counter in range(-(-length // 16)))
    return xor(aes("token", token), token), b"".join(blocks)


def plain_order(bits: int, stream: bytes) -> list[int]:
    """Return for each new position the old position of its bit; whole numbers of any size make the draws plain."""
    order: list[int] = []
    word, product, random = 0, MAX_PRODUCT + 1, 0  # so that the first bit takes the first word
    for position in range(bits):
        product *= position + 1
        if product > MAX_PRODUCT:
            random = int.from_bytes(stream[8 * word : 8 * word + 8], "little")
            word, product = word + 1, position + 1
        drawn, random = divmod(random * (position + 1), 1 << 64)
        order.append(position)
        order[position], order[drawn] = order[drawn], position
    return order


def test_a_plain_implementation_gives_the_same_and_the_key_undoes_it() -> None:
    before = records_of(12, 5, 2, missing=0.0)
    after = rekey(before, MODEL, KEY)
    for linkage_pass, old, new in zip(MODEL.passes, before.passes, after.passes, strict=True):
        parts = slices(linkage_pass)
        words = {position: words_needed(BITS[position]) for position in parts}
        width = MODEL.sketch_bytes(linkage_pass)
        for token, sketch, new_token, new_sketch in zip(*by_row(old), *by_row(new), strict=True):
            expected_token, stream = plain_stream(old.number, token.tobytes(), 8 * sum(words.values()) + width)
            assert expected_token == new_token.tobytes()
            masks = np.frombuffer(stream[8 * sum(words.values()) :][:width], np.uint8)
            for position, part in parts.items():
                order = plain_order(BITS[position], stream)
                stream = stream[8 * words[position] :]
                old_bits, new_bits = np.unpackbits(sketch[part]), np.unpackbits(new_sketch[part] ^ masks[part])
                np.testing.assert_array_equal(old_bits[order], new_bits)
                undone = np.empty_like(new_bits)
                undone[order] = new_bits
                np.testing.assert_array_equal(undone, old_bits)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 40), blocks=st.integers(1, 8), seed=st.integers(0, 10_000))
def test_distances_within_a_block_survive(n: int, blocks: int, seed: int) -> None:
    before = records_of(n, blocks, seed)
    after = rekey(before, MODEL, KEY)
    for linkage_pass, old, new in zip(MODEL.passes, before.passes, after.passes, strict=True):
        old_token, old_sketch = by_row(old)
        new_token, new_sketch = by_row(new)
        for i in range(n):
            for j in range(i):
                same = bool((old_token[i] == old_token[j]).all())
                assert same == bool((new_token[i] == new_token[j]).all())
                for position, part in slices(linkage_pass).items():
                    both = (before.presence[i] & before.presence[j]) >> position & 1
                    if same and both:
                        assert distance(old_sketch[i, part], old_sketch[j, part]) == distance(
                            new_sketch[i, part], new_sketch[j, part]
                        )


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), blocks=st.integers(1, 20), seed=st.integers(0, 10_000))
def test_the_form_of_the_records_stays(n: int, blocks: int, seed: int) -> None:
    before = records_of(n, blocks, seed)
    after = rekey(before, MODEL, KEY)
    np.testing.assert_array_equal(before.presence, after.presence)
    np.testing.assert_array_equal(before.edd_week, after.edd_week)
    for linkage_pass, entries in zip(MODEL.passes, after.passes, strict=True):
        assert sorted(entries.row) == list(range(n))
        marked = [(*token, row) for token, row in zip(entries.token.tolist(), entries.row.tolist(), strict=True)]
        assert marked == sorted(marked)
        for position, part in slices(linkage_pass).items():
            absent = (after.presence[entries.row] >> np.uint32(position)) & 1 == 0
            assert not entries.sketch[absent, part].any()


def test_two_submissions_agree_on_a_block() -> None:
    """A bundle is keyed by itself; the entries of a block have to fit those of every other bundle."""
    whole = rekey(records_of(30, 4, 1), MODEL, KEY)
    before = records_of(30, 4, 1)
    for row in (0, 7, 29):
        passes = tuple(
            PassEntries(p.number, np.zeros(1, np.uint32), p.token[p.row == row], p.sketch[p.row == row])
            for p in before.passes
        )
        alone = rekey(EncodedRecords(before.presence[[row]], before.edd_week[[row]], passes), MODEL, KEY)
        for one, entries in zip(alone.passes, whole.passes, strict=True):
            np.testing.assert_array_equal(one.token, entries.token[entries.row == row])
            np.testing.assert_array_equal(one.sketch, entries.sketch[entries.row == row])


def test_blocks_are_independent() -> None:
    """The same sketch in many blocks: half of the bits agree, as for strangers; so it is between passes and keys."""
    n = 200
    rng = np.random.default_rng(5)
    token = np.unique(rng.integers(0, 256, (n, 16), dtype=np.uint8), axis=0)
    sketch = np.tile(rng.integers(0, 256, MODEL.sketch_bytes(MODEL.passes[0]), dtype=np.uint8), (n, 1))
    row = np.arange(n, dtype=np.uint32)
    narrow = np.delete(sketch, slice(32, 34), axis=1)
    records = EncodedRecords(
        np.full(n, 7, np.uint32),
        np.full(n, -1, np.int32),
        (PassEntries(1, row, token, sketch), PassEntries(7, row, token, narrow)),
    )
    mine, others = rekey(records, MODEL, KEY), rekey(records, MODEL, IngestKey.of(bytes(32)))
    first, second = by_row(mine.passes[0])[1], by_row(mine.passes[1])[1]
    foreign = by_row(others.passes[0])[1]
    bits = sketch.shape[1] * 8
    for one, other in ((first[1:], first[:-1]), (first, sketch), (first, foreign), (first[:, :32], second[:, :32])):
        share = distance(one, other) / one.size / 8
        assert abs(share - 0.5) < 5 * 0.5 / (n * one.shape[1] * 8) ** 0.5, bits
    assert not (by_row(mine.passes[0])[0] == by_row(mine.passes[1])[0]).all(axis=1).any()


def test_positions_of_bits_are_hidden() -> None:
    """Two entries of a block that differ in one bit differ afterwards in one bit, at any place of the field alike."""
    n_blocks = 4000
    rng = np.random.default_rng(9)
    token = np.repeat(np.unique(rng.integers(0, 256, (n_blocks, 16), dtype=np.uint8), axis=0), 2, axis=0)
    row = np.arange(2 * n_blocks, dtype=np.uint32)
    sketch = np.zeros((2 * n_blocks, MODEL.sketch_bytes(MODEL.passes[0])), np.uint8)
    sketch[1::2, 33] = 0x10  # bit 11 of the field of 16 bits
    empty = PassEntries(7, np.empty(0, np.uint32), np.empty((0, 16), np.uint8), np.empty((0, 37), np.uint8))
    records = EncodedRecords(
        np.full(len(row), 7, np.uint32), np.full(len(row), -1, np.int32), (PassEntries(1, row, token, sketch), empty)
    )
    after = by_row(rekey(records, MODEL, KEY).passes[0])[1]
    difference = np.unpackbits(after[::2] ^ after[1::2], axis=1)
    assert (difference.sum(axis=1) == 1).all()
    places = difference[:, 256:272].sum(axis=0)
    assert places.sum() == n_blocks
    expected = n_blocks / 16
    chi_squared = ((places - expected) ** 2 / expected).sum()
    assert chi_squared < 44.3  # 15 degrees of freedom, one in ten thousand


def test_large_blocks_are_keyed_alike() -> None:
    """More records than are shuffled at a time, and more tokens than a chunk holds."""
    before = records_of(3000, 700, 3, missing=0.0)
    after = rekey(before, MODEL, KEY)
    old_token, old_sketch = by_row(before.passes[0])
    new_sketch = by_row(after.passes[0])[1]
    _, block = np.unique(old_token, axis=0, return_inverse=True)
    order = np.argsort(block, kind="stable")
    same = block[order][1:] == block[order][:-1]
    old_gap = np.bitwise_count(old_sketch[order][1:] ^ old_sketch[order][:-1])[:, :32].sum(axis=1)
    new_gap = np.bitwise_count(new_sketch[order][1:] ^ new_sketch[order][:-1])[:, :32].sum(axis=1)
    np.testing.assert_array_equal(old_gap[same], new_gap[same])
    giant = rekey(records_of(300, 1, 4, missing=0.0), MODEL, KEY).passes[0]
    original = records_of(300, 1, 4, missing=0.0).passes[0]
    gaps = [np.bitwise_count(p.sketch[1:, :32] ^ p.sketch[:-1, :32]).sum(axis=1) for p in (original, giant)]
    np.testing.assert_array_equal(*gaps)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 60), blocks=st.integers(1, 20), seed=st.integers(0, 10_000))
def test_chosen_runs_are_keyed_as_they_are_among_all(n: int, blocks: int, seed: int) -> None:
    """Runs of entries in any order; what is not chosen is left out, and the rest has the bytes it would have had."""
    rng = np.random.default_rng(seed)
    before = records_of(n, blocks, seed)
    for linkage_pass, entries, whole in zip(MODEL.passes, before.passes, rekey(before, MODEL, KEY).passes, strict=True):
        shuffle = rng.permutation(n)
        shuffled = PassEntries(entries.number, *(a[shuffle] for a in (entries.row, entries.token, entries.sketch)))
        sorted_runs = Runs.of(entries.token)
        place = np.argsort(shuffle)
        chosen = np.flatnonzero(rng.random(len(sorted_runs.first)) < 0.5)
        runs = Runs(place.astype(np.uint32), sorted_runs.first[chosen], sorted_runs.length[chosen])
        keyed = rekey_runs_of(shuffled, runs, linkage_pass, MODEL, before.presence, KEY)
        rows = np.concatenate(
            [np.empty(0, np.uint32)]
            + [entries.row[sorted_runs.first[run] :][: sorted_runs.length[run]] for run in chosen.tolist()]
        )
        expected = np.isin(whole.row, rows)  # every record has one entry in each pass
        np.testing.assert_array_equal(whole.row[expected], keyed.row)
        np.testing.assert_array_equal(whole.token[expected], keyed.token)
        np.testing.assert_array_equal(whole.sketch[expected], keyed.sketch)


def test_every_word_of_stream_serves_ranges_within_the_bound() -> None:
    start = 0
    for end in WORD_ENDS[:-1].tolist():
        product = 1
        for position in range(start, end):
            product *= position + 1
        assert product <= MAX_PRODUCT
        start = end
    assert [words_needed(bits) for bits in (8, 14, 15, 16, 23, 24)] == [1, 1, 2, 2, 2, 3]
    with pytest.raises(ValueError, match="bits"):
        words_needed(5000)
