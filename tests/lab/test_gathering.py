"""Bundles are gone through twice and only shared entries are kept; the result is as if every entry had been kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from dedup.bundle.canonical import canonical_json
from dedup.bundle.columns import ID
from dedup.bundle.container import HEAD, UNSEALED_MAGIC
from dedup.bundle.keys import IngestKey
from dedup.bundle.reader import open_bundle
from dedup.errors import BundleError
from dedup.ingest.rekey import rekey
from dedup.lab.bench.made_up import MadeUp, made_up_batch, write_made_up_bundle
from dedup.lab.gathering import BundleReading, survey_all, take_all
from dedup.lab.linking import find_bundles, link_bundles, read_bundles, result_digest
from dedup.lab.second_key import Numbering, rekey_shards
from dedup.link.candidates import find_blocks
from dedup.link.concatenate import concatenate
from dedup.link.engine import link
from dedup.model.load import load_model

MODEL = load_model(Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml")
SET = MadeUp(records=3_000, seed=5)
KEY = IngestKey.of(bytes(range(32)))


def write(folder, parts):
    """Write bundles of the set's records; a part is a list of batches, a batch a list of record numbers."""
    folder.mkdir()
    for number, part in enumerate(parts):
        batches = [made_up_batch(SET, sorted(batch), MODEL) for batch in part]
        write_made_up_bundle(folder / f"{number}.bundle", batches, SET, MODEL)
    return find_bundles([folder])


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    parts = [[range(400), range(400, 500)], [range(500, 2_000)], [range(2_000, 3_000)], []]
    return write(tmp_path_factory.mktemp("made-up") / "bundles", parts)


def linked(bundles, workers=1, key=KEY):
    return link_bundles(bundles, MODEL, opened_with=None, key=key, threshold=0.5, workers=workers)


@pytest.fixture(scope="module")
def digest(bundles):
    return result_digest(linked(bundles))


def batches_of(path):
    with open_bundle(path, model=MODEL, opened_with=None) as bundle:
        return list(bundle.batches)


def test_the_result_is_that_of_linking_every_entry(bundles):
    """Keyed again as the nightly run does, bundle by bundle, with all that is alone in its block."""
    batches = [batch for path in bundles for batch in batches_of(path)]
    every = link(concatenate([rekey(batch.records, MODEL, KEY) for batch in batches], MODEL), MODEL, threshold=0.5)
    result = linked(bundles)
    assert [name for batch in batches for name in batch.attributes[ID]] == result.ids.to_arrow().to_pylist()
    assert len(every.pairs) > 3_000
    for name in ("left", "right", "probability", "levels", "edd_weeks_apart"):
        np.testing.assert_array_equal(getattr(every.pairs, name), getattr(result.linkage.pairs, name))
    np.testing.assert_array_equal(every.groups, result.linkage.groups)
    assert every.weights.rounds == result.linkage.weights.rounds


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_threads_and_the_ingest_key_change_nothing(bundles, digest, workers):
    assert result_digest(linked(bundles, workers, IngestKey.generate())) == digest


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_bundles_and_how_records_are_spread_change_nothing(tmp_path, digest, seed):
    """The set's records thrown into seven bundles of two batches, bundles in any order."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 7, SET.records)
    parts = []
    for number in range(7):
        own = np.flatnonzero(which == number).tolist()
        parts.append([own[: len(own) // 3], own[len(own) // 3 :]])
    found = write(tmp_path / "spread", parts)
    assert result_digest(linked([found[i] for i in rng.permutation(7)], workers=2)) == digest


def test_other_records_give_another_digest(bundles, digest):
    assert result_digest(linked(bundles[:2])) != digest


def test_few_entries_are_kept_and_none_that_is_shared(bundles):
    with ThreadPoolExecutor(2) as pool:
        ids, records, _ = read_bundles(bundles, MODEL, None, KEY, pool, lambda _stage: None)
    every = [batch.records for path in bundles for batch in batches_of(path)]
    assert len(ids) == len(records) == SET.records
    for index, entries in enumerate(records.passes):
        tokens = np.concatenate([one.passes[index].token for one in every])
        _, counts = np.unique(tokens, axis=0, return_counts=True)
        assert counts[counts > 1].sum() == len(entries.row) < len(tokens)


def taken_of(bundles, **how):
    reading = BundleReading.of(MODEL, None, **how)
    with ThreadPoolExecutor(1) as pool:
        surveyed, shared = survey_all(bundles, reading, pool)
        return take_all(surveyed, reading, shared, pool)


def test_bundles_that_are_held_and_bundles_that_are_read_again_give_the_same(bundles):
    held, again = (taken_of(bundles, hold=hold) for hold in (1 << 30, 0))
    for index in range(len(MODEL.passes)):
        for one, other in zip(held.pop(index), again.pop(index), strict=True):
            assert len(one.row) > 0
            for name in ("row", "token", "sketch"):
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_shards_hold_blocks_whole_and_change_no_entry(bundles):
    one, many = (taken_of(bundles, shards=shards) for shards in (1, 64))
    numbering = Numbering(np.full(SET.records, 0xFFFF, np.uint32), np.arange(SET.records, dtype=np.uint32)[::-1].copy())
    for index, linkage_pass in enumerate(MODEL.passes):
        keyed = []
        for shards in (one.pop(index), many.pop(index)):
            with ThreadPoolExecutor(2) as pool:
                entries, tokens = rekey_shards(shards, linkage_pass, MODEL, numbering, KEY, pool)
            order = np.lexsort((entries.row, *entries.token.T[::-1]))
            assert len(np.unique(entries.token, axis=0)) == tokens == len(find_blocks(entries, 200, grouped=True).start)
            keyed.append((len(shards), *(getattr(entries, name)[order] for name in ("row", "token", "sketch"))))
        (few, *expected), (more, *found) = keyed
        assert (few, more) == (1, 64)
        assert len(expected[0]) > 0
        for left, right in zip(expected, found, strict=True):
            np.testing.assert_array_equal(left, right)


def test_hardly_an_entry_is_taken_for_nothing(bundles):
    """The tables of bits say of one entry in twenty that it is shared although it is not."""
    reading = BundleReading.of(MODEL, None)
    with ThreadPoolExecutor(1) as pool:
        surveyed, shared = survey_all(bundles, reading, pool)
        taken = take_all(surveyed, reading, shared, pool)
    for index in range(len(MODEL.passes)):
        tokens = np.concatenate([shard.token for shard in taken.pop(index)])
        _, counts = np.unique(tokens, axis=0, return_counts=True)
        alone = int(shared.shards[index].sum()) - int(counts[counts > 1].sum())
        assert int((counts == 1).sum()) < 0.1 * alone
    with pytest.raises(ValueError, match="once"):
        taken.pop(0)


def test_a_bundle_that_is_replaced_between_the_readings_is_refused(tmp_path):
    path = write(tmp_path / "one", [[range(20)]])[0]
    reading = BundleReading.of(MODEL, None, hold=0)
    with ThreadPoolExecutor(1) as pool:
        surveyed, shared = survey_all([path], reading, pool)
        write_made_up_bundle(path, [made_up_batch(SET, range(20, 40), MODEL)], SET, MODEL)
        with pytest.raises(BundleError) as caught:
            take_all(surveyed, reading, shared, pool)
    assert caught.value.code == "link.bundle-changed"


def test_one_id_in_two_bundles_is_refused(tmp_path):
    with pytest.raises(BundleError) as caught:
        linked(write(tmp_path / "twice", [[range(20)], [range(19, 30)]]))
    assert caught.value.code == "link.id-twice"


def test_bundles_of_two_epochs_are_refused(tmp_path):
    paths = write(tmp_path / "epochs", [[range(20)], [range(20, 30)]])
    other = dataclasses.replace(SET, epoch_key_id="another")
    write_made_up_bundle(paths[1], [made_up_batch(SET, range(20, 30), MODEL)], other, MODEL)
    with pytest.raises(BundleError) as caught:
        linked(paths)
    assert caught.value.code == "link.epochs"


def write_with_id(path, number, text):
    """Write a bundle of three rows whose id of this number is other bytes, with a manifest that vouches for them."""
    batch = made_up_batch(SET, range(3), MODEL)
    write_made_up_bundle(path, [batch], SET, MODEL)
    data = path.read_bytes()
    _, length = HEAD.unpack_from(data)
    manifest, body = json.loads(data[HEAD.size : HEAD.size + length]), data[HEAD.size + length :]
    body = body.replace(f'"{batch.attributes[ID][number]}"'.encode(), text)
    assert len(body) == manifest["body_bytes"]
    stated = canonical_json(manifest | {"body_sha256": hashlib.sha256(body).hexdigest()})
    path.write_bytes(HEAD.pack(UNSEALED_MAGIC, len(stated)) + stated + body)


@pytest.mark.parametrize(
    "second",
    [
        b'"000000000000-0000-4000-8000-00000000"',  # stands twice
        b'"000000000009-0000-4000-8000-00000000"',  # out of order
        b'"Jansen, M. 1-0000-4000-8000-00000000"',
        b'"                                    "',
        b'"000000000001\\"000-4000-8000-00000000"',
        b'"000000000001-0000-4000]8000-00000000"',
        b"1000000000001-0000-4000-8000-000000000",
        b'"000000000001-0000-4000-8","000000000"',
    ],
)
def test_ids_that_break_their_rule_are_refused(tmp_path, second):
    path = tmp_path / "a.bundle"
    write_with_id(path, 1, second)
    with pytest.raises(BundleError) as caught:
        linked([path])
    assert caught.value.code == "bundle.batch-malformed"
    assert "Jansen" not in caught.value.message


def test_an_id_that_keeps_its_rule_is_taken(tmp_path):
    path = tmp_path / "a.bundle"
    write_with_id(path, 1, b'"000000000001-zzZZ-4000-8000-00000000"')
    assert linked([path]).ids.text(1) == "000000000001-zzZZ-4000-8000-00000000"
