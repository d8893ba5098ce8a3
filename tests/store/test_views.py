"""What is kept of a snapshot: the halves join again with both keys, and neither says anything of the other."""

import hashlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.errors import StoreError
from dedup.fields import ATTRIBUTES, AttributeType
from dedup.link.concatenate import reorder
from dedup.link.engine import link
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import EncodedRecords, PassEntries
from dedup.store.house import open_store
from dedup.store.link_views import EncodingOrigin, get_link_view, put_link_view, together
from dedup.store.objects import ObjectStore
from dedup.store.submissions import LinkDigests, ViewDigests
from dedup.store.views import load_attributes, load_records, rows_of, save_views
from dedup.store.wrapping import BothKeys, LocalKey

MODEL = load_model(Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml")
KEYS = (("link", bytes(32)), ("attributes", bytes(range(32))), ("other", bytes([7]) * 32))
ORIGIN = EncodingOrigin(MODEL.digest, "epoch-1", "ingest-1")
Entry = tuple[int, bytes, bytes]


class Views:
    """A store of its own, and what it takes to keep snapshots in it."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(
            folder,
            f"sqlite:///{folder}/registry.sqlite",
            link_view_key=LocalKey("link", bytes(32)),
            attribute_key=LocalKey("attributes", bytes(range(32))),
        )

    def save(self, records: EncodedRecords, provider: str, **changes: Any) -> ViewDigests:
        options = {
            "attributes": columns_of(len(records), provider),
            "model": MODEL,
            "origin": ORIGIN,
            "entropy": os.urandom,
        }
        return save_views(self.store, provider, records=records, **(options | changes))

    def save_pooled(self, records: EncodedRecords, provider: str) -> ViewDigests:
        """Save one snapshot and pool it, alone: it has a link view from then on."""
        digests = self.save(records, provider)
        return replace(digests, link=self.pool([digests], {provider}))

    def load(self, digests: list[ViewDigests], model: LinkageModel = MODEL) -> tuple[Any, EncodedRecords]:
        links = [one.link for one in digests]
        snapshots = {name for link in links for name in get_link_view(self.store, link).snapshots}
        return load_records(self.store, links, snapshots, model=model)

    def pool(self, digests: list[ViewDigests], snapshots: set[str]) -> LinkDigests:
        content = together([get_link_view(self.store, one.link) for one in digests], snapshots)
        return put_link_view(self.store, content, entropy=os.urandom)


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    opened = Views(tmp_path / "store")
    yield opened
    opened.store.close()


def columns_of(count: int, provider: str) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [""] * count if kind is AttributeType.TEXT else [-1] * count for name, kind in ATTRIBUTES.items()
    }
    columns["registratie_id"] = [f"{provider}-{row:04}" for row in range(count)]
    columns["aanbieder_agb"] = [provider] * count
    columns["indicatie_uren"] = list(range(count))
    columns["first_seen"] = [date(2026, 11, 1)] * count
    columns["tokens_changed"] = [None] * count
    return columns


def random_records(count: int, seed: int, model: LinkageModel = MODEL, blocks: int = 7) -> EncodedRecords:
    """Records with zero to three entries in each pass, many of them in the same few blocks."""
    rng = np.random.default_rng(seed)
    passes = []
    for linkage_pass in model.passes:
        pairs = sorted(
            {
                (hashlib.sha256(bytes([linkage_pass.number, int(block)])).digest()[:16], row)
                for row in range(count)
                for block in rng.integers(0, blocks, int(rng.integers(0, 4)))
            }
        )
        token = np.frombuffer(b"".join(token for token, _ in pairs), np.uint8).reshape(-1, 16)
        sketch = rng.integers(0, 256, (len(pairs), model.sketch_bytes(linkage_pass)), dtype=np.uint8)
        passes.append(PassEntries(linkage_pass.number, np.array([r for _, r in pairs], np.uint32), token, sketch))
    return EncodedRecords(
        rng.integers(0, 512, count, dtype=np.uint32), rng.integers(-1, 5000, count, dtype=np.int32), tuple(passes)
    )


def without_absent(records: EncodedRecords, model: LinkageModel = MODEL) -> EncodedRecords:
    """The records with absent fields zero, as the second key leaves them."""
    passes = []
    for linkage_pass, entries in zip(model.passes, records.passes, strict=True):
        sketch, end = entries.sketch.copy(), 0
        for field in model.pass_fields(linkage_pass):
            start, end = end, end + field.bits // 8
            present = records.presence[entries.row] >> np.uint32(model.fields.index(field)) & 1
            sketch[:, start:end] *= present[:, None].astype(np.uint8)
        passes.append(replace(entries, sketch=sketch))
    return replace(records, passes=tuple(passes))


def by_name(records: EncodedRecords, names: list[str]) -> dict[str, tuple[int, int, list[Entry]]]:
    found: dict[str, tuple[int, int, list[Entry]]] = {
        name: (int(records.presence[row]), int(records.edd_week[row]), []) for row, name in enumerate(names)
    }
    for entries in records.passes:
        for row, token, sketch in zip(entries.row, entries.token, entries.sketch, strict=True):
            found[names[row]][2].append((entries.number, token.tobytes(), sketch.tobytes()))
    return found


def names_of(views: Views, numbers: Any, digests: list[ViewDigests]) -> list[str]:
    attributes = load_attributes(views.store.attributes, [one.attributes for one in reversed(digests)])
    return list(attributes["registratie_id"].to_numpy()[rows_of(numbers, attributes)])


@settings(max_examples=15, deadline=None)
@given(counts=st.lists(st.integers(0, 12), max_size=3), seed=st.integers(0, 1000), pooled=st.booleans())
def test_what_was_saved_comes_back_whatever_the_row_numbers(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], seed: int, pooled: bool
) -> None:
    """And whether or not the snapshots were pooled on the way."""
    views = Views(tmp_path_factory.mktemp("views") / "store")
    saved: dict[str, tuple[int, int, list[Entry]]] = {}
    digests = []
    for number, count in enumerate(counts):
        records = without_absent(random_records(count, seed + number))
        saved |= by_name(records, columns_of(count, f"p{number}")["registratie_id"])
        digests.append(views.save(records, f"p{number}"))
    names = {f"p{number}" for number in range(len(counts))}
    links = [views.pool(digests, names)] if pooled and digests else [one.link for one in digests]
    numbers, records = load_records(views.store, links, names, model=MODEL)
    assert by_name(records, names_of(views, numbers, digests)) == saved
    views.store.close()


def test_entries_come_sorted_by_token_and_record(views: Views) -> None:
    _, records = views.load([views.save(random_records(20, seed), f"p{seed}") for seed in range(3)])
    assert [entries.number for entries in records.passes] == [one.number for one in MODEL.passes]
    for entries in records.passes:
        keys = [(token.tobytes(), int(row)) for token, row in zip(entries.token, entries.row, strict=True)]
        assert keys == sorted(set(keys))
        assert entries.token.flags.c_contiguous
        assert entries.sketch.flags.c_contiguous


def test_no_views_are_no_records(views: Views) -> None:
    numbers, records = views.load([])
    attributes = load_attributes(views.store.attributes, [])
    assert (len(numbers), len(records), len(attributes), len(rows_of(numbers, attributes))) == (0, 0, 0, 0)
    assert [entries.sketch.shape for entries in records.passes] == [(0, MODEL.sketch_bytes(p)) for p in MODEL.passes]


def parquet(data: bytearray) -> Any:
    return pq.read_table(io.BytesIO(data))


def bags_in(views: Views, digests: ViewDigests) -> dict[tuple[int, int], list[bytes]]:
    """What lies in a link view: for each pass and field of the model its sketches."""
    assert digests.link.link_view is not None
    table = parquet(views.store.link_views.get(digests.link.link_view))
    bags = {}
    for row in table.to_pylist():
        width = MODEL.fields[row["field"]].bits // 8
        stored = row["sketches"]
        bags[row["pass"], row["field"]] = [stored[at : at + width] for at in range(0, len(stored), width)]
    return bags


def bags_of(records: EncodedRecords) -> dict[tuple[int, int], list[bytes]]:
    """The sketches that a link view must hold, those of one pass and field in the order of tokens."""
    bags = {}
    for linkage_pass, entries in zip(MODEL.passes, records.passes, strict=True):
        end = 0
        for field in MODEL.pass_fields(linkage_pass):
            start, end, bit = end, end + field.bits // 8, MODEL.fields.index(field)
            present = (records.presence[entries.row] >> np.uint32(bit) & 1).astype(bool)
            bags[entries.number, bit] = [sketch.tobytes() for sketch in entries.sketch[present, start:end]]
    return bags


def test_the_link_view_holds_single_sketches_and_nothing_else(views: Views) -> None:
    records = random_records(30, 1)
    digests = views.save_pooled(records, "12345678")
    content = views.store.link_views.get(digests.link.link_view)
    assert parquet(content).column_names == ["pass", "field", "sketches"]
    assert b"12345678" not in content
    assert not any(token.tobytes() in content for entries in records.passes for token in entries.token)
    stored, expected = bags_in(views, digests), bags_of(records)
    assert {at: sorted(bag) for at, bag in stored.items()} == {at: sorted(bag) for at, bag in expected.items()}
    attributes = parquet(views.store.attributes.get(digests.attributes))
    assert attributes.column_names == ["row_number", *ATTRIBUTES, "first_seen", "tokens_changed"]


def test_a_snapshot_that_is_not_pooled_yet_has_no_link_view(views: Views) -> None:
    """Its entries lie under both keys, so nobody sees in a link view whose they are."""
    assert views.save(random_records(5, 1), "p").link.link_view is None
    assert views.store.link_views.names() == set()


@pytest.mark.parametrize("pooled", [False, True])
def test_the_map_is_read_with_both_keys_only(views: Views, tmp_path: Path, pooled: bool) -> None:
    save = views.save_pooled if pooled else views.save
    digests = save(random_records(5, 1), "p")
    folder = tmp_path / "store" / "joined"
    link, attributes, other = (LocalKey(name, key) for name, key in KEYS)
    for wrapper in (link, attributes, BothKeys(link, other), BothKeys(other, attributes)):
        with pytest.raises(StoreError) as refused:
            ObjectStore(folder, wrapper).get(digests.link.entry_map)
        assert refused.value.code in {"store.wrong-key", "store.object-altered"}
    assert ObjectStore(folder, BothKeys(link, attributes)).get(digests.link.entry_map)


def test_the_order_of_a_bag_says_nothing(views: Views) -> None:
    """Neither of the order in which records came, nor of that of another field of the same entries."""
    records = random_records(400, 1, blocks=200)
    records = replace(records, presence=np.full(400, 511, np.uint32))
    expected = bags_of(records)
    for digests in (views.save_pooled(records, "p") for _ in range(2)):
        stored = bags_in(views, digests)
        orders = {}
        for at, bag in stored.items():
            place = {sketch: position for position, sketch in enumerate(bag)}
            if len(place) > 500:
                orders[at] = [place[sketch] for sketch in expected[at]]
        assert len(orders) > 10
        for at, order in orders.items():
            # Some 600 in random order: a rank correlation of 0.2 or more has a chance of less than 1 in a million.
            assert abs(np.corrcoef(order, range(len(order)))[0, 1]) < 0.2
            others = [other for to, other in orders.items() if to > at and len(other) == len(order)]
            assert all(abs(np.corrcoef(order, other)[0, 1]) < 0.2 for other in others)


def test_the_engine_finds_what_it_would_have_found_before(views: Views) -> None:
    records = without_absent(random_records(200, 3, blocks=40))
    digests = views.save_pooled(records, "p")
    numbers, stored = views.load([digests])
    place = np.argsort([int(name[-4:]) for name in names_of(views, numbers, [digests])])
    one, other = (link(which, MODEL, threshold=0.5).pairs for which in (records, reorder(stored, place)))
    assert len(one) > 100
    for column in ("left", "right", "probability", "levels", "edd_weeks_apart"):
        assert np.array_equal(getattr(one, column), getattr(other, column))


def test_what_no_longer_counts_is_not_in_the_pool(views: Views) -> None:
    digests = [views.save(random_records(10, seed), f"p{seed}") for seed in range(3)]
    pool = views.pool(digests, {"p0", "p2"})
    content = get_link_view(views.store, pool)
    assert sorted(content.snapshots[at] for at in set(content.snapshot.tolist())) == ["p0", "p2"]
    numbers, records = load_records(views.store, [pool], {"p0", "p2"}, model=MODEL)
    names = names_of(views, numbers, [digests[0], digests[2]])
    assert {name[:2] for name in names} == {"p0", "p2"}
    gone = {
        token.tobytes() + sketch.tobytes()
        for entries in views.load([digests[1]])[1].passes
        for token, sketch in zip(entries.token, entries.sketch, strict=True)
    }
    assert not gone & {
        token.tobytes() + sketch.tobytes()
        for entries in records.passes
        for token, sketch in zip(entries.token, entries.sketch, strict=True)
    }
    only, _ = load_records(views.store, [pool], {"p2"}, model=MODEL)
    assert set(only.tolist()) == set(
        parquet(views.store.attributes.get(digests[2].attributes))["row_number"].to_pylist()
    )


def test_the_order_of_one_half_says_nothing_of_the_other(views: Views) -> None:
    digests = views.save(random_records(200, 1), "12345678")
    numbers, _ = views.load([digests])
    attributes = parquet(views.store.attributes.get(digests.attributes))
    assert numbers.tolist() == sorted(numbers.tolist())
    assert attributes["registratie_id"].to_pylist() == sorted(attributes["registratie_id"].to_pylist())
    place = {number: position for position, number in enumerate(numbers.tolist())}
    moved = [place[number] for number in attributes["row_number"].to_pylist()]
    # 200 rows in random order: a rank correlation of 0.3 or more has a chance of less than 1 in 10,000.
    assert abs(np.corrcoef(moved, range(200))[0, 1]) < 0.3


def test_row_numbers_are_new_each_time(views: Views) -> None:
    records = random_records(50, 1)
    first, second = (set(views.load([views.save(records, "p")])[0].tolist()) for _ in range(2))
    assert first.isdisjoint(second)


def test_row_numbers_that_collide_are_drawn_again(views: Views) -> None:
    draws = [bytes(16), bytes(range(16))]
    digests = views.save(random_records(2, 1), "p", entropy=lambda n: draws.pop(0) if draws else os.urandom(n))
    numbers, _ = views.load([digests])
    assert (draws, len(set(numbers.tolist()))) == ([], 2)


def code_of(views: Views, digests: list[ViewDigests], model: LinkageModel = MODEL) -> str:
    with pytest.raises(StoreError) as refused:
        views.load(digests, model)
    return refused.value.code


@pytest.mark.parametrize("origin", [("other", "ingest-1"), ("epoch-1", "other")])
def test_views_of_another_epoch_or_ingest_key_are_never_mixed(views: Views, origin: tuple[str, str]) -> None:
    ours = views.save(random_records(3, 1), "p")
    theirs = views.save(random_records(3, 2), "q", origin=EncodingOrigin(MODEL.digest, *origin))
    assert code_of(views, [ours, theirs]) == "store.mixed-origins"


def test_views_of_another_model_are_refused(views: Views) -> None:
    digests = views.save(random_records(3, 1), "p", origin=EncodingOrigin("0" * 64, "epoch-1", "ingest-1"))
    assert code_of(views, [digests]) == "store.other-model"


def test_a_registration_in_two_views_is_noticed(views: Views) -> None:
    ours, theirs = (views.save(random_records(3, seed), f"p{seed}") for seed in (1, 2))
    pool = replace(ours, link=views.pool([ours, theirs], {"p1", "p2"}))
    assert code_of(views, [ours, pool]) == "store.view-twice"


def test_a_view_and_a_map_that_were_not_made_together_are_noticed(views: Views) -> None:
    ours, theirs = (views.save_pooled(random_records(3, seed), f"p{seed}") for seed in (1, 2))
    wrong = replace(ours, link=replace(ours.link, entry_map=theirs.link.entry_map))
    assert code_of(views, [wrong]) == "store.views-differ"


def test_entries_and_attributes_that_do_not_belong_together_are_noticed(views: Views) -> None:
    ours, theirs = (views.save(random_records(3, seed), f"p{seed}") for seed in (1, 2))
    numbers, _ = views.load([ours])
    for wrong in ([theirs.attributes], [], [ours.attributes, theirs.attributes]):
        with pytest.raises(StoreError) as refused:
            rows_of(numbers, load_attributes(views.store.attributes, wrong))
        assert refused.value.code == "store.views-differ"


def test_the_origin_is_written_into_the_link_view(views: Views) -> None:
    digests = views.save_pooled(random_records(1, 1), "p")
    metadata = parquet(views.store.link_views.get(digests.link.link_view)).schema.metadata
    assert json.loads(metadata[b"dedup"]) == {
        "model_digest": MODEL.digest,
        "epoch_key_id": "epoch-1",
        "ingest_key_id": "ingest-1",
    }
