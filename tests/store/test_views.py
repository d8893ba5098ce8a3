"""The two views: they join again by row number, and neither says anything of the other."""

import hashlib
import io
import json
import os
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
from dedup.model.linkage import LinkageModel
from dedup.model.load import load_model
from dedup.model.records import EncodedRecords, PassEntries
from dedup.store.objects import ObjectStore
from dedup.store.submissions import ViewDigests
from dedup.store.views import EncodingOrigin, load_attributes, load_link_views, rows_of, save_views
from dedup.store.wrapping import LocalKey

MODEL = load_model(Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml")
ORIGIN = EncodingOrigin(MODEL.digest, "epoch-1", "ingest-1")
Entry = tuple[int, bytes, bytes]


class Views:
    def __init__(self, folder: Path) -> None:
        self.link = ObjectStore(folder / "link", LocalKey("link", bytes(32)))
        self.attributes = ObjectStore(folder / "attributes", LocalKey("attributes", bytes(range(32))))

    def save(self, records: EncodedRecords, provider: str, **changes: Any) -> ViewDigests:
        options = {
            "attributes": columns_of(len(records), provider),
            "model": MODEL,
            "origin": ORIGIN,
            "entropy": os.urandom,
        }
        return save_views(self.link, self.attributes, records=records, **(options | changes))


@pytest.fixture
def views(tmp_path: Path) -> Views:
    return Views(tmp_path)


def columns_of(count: int, provider: str) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [""] * count if kind is AttributeType.TEXT else [-1] * count for name, kind in ATTRIBUTES.items()
    }
    columns["registratie_id"] = [f"{provider}-{row:04}" for row in range(count)]
    columns["aanbieder_agb"] = [provider] * count
    columns["surname_band"] = list(range(count))
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


def by_name(records: EncodedRecords, names: list[str]) -> dict[str, tuple[int, int, list[Entry]]]:
    found: dict[str, tuple[int, int, list[Entry]]] = {
        name: (int(records.presence[row]), int(records.edd_week[row]), []) for row, name in enumerate(names)
    }
    for entries in records.passes:
        for row, token, sketch in zip(entries.row, entries.token, entries.sketch, strict=True):
            found[names[row]][2].append((entries.number, token.tobytes(), sketch.tobytes()))
    return found


@settings(max_examples=15, deadline=None)
@given(counts=st.lists(st.integers(0, 12), max_size=3), seed=st.integers(0, 1000))
def test_what_was_saved_comes_back_whatever_the_row_numbers(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], seed: int
) -> None:
    views = Views(tmp_path_factory.mktemp("views"))
    saved: dict[str, tuple[int, int, list[Entry]]] = {}
    digests = []
    for number, count in enumerate(counts):
        records = random_records(count, seed + number)
        saved |= by_name(records, columns_of(count, f"p{number}")["registratie_id"])
        digests.append(views.save(records, f"p{number}"))
    numbers, records = load_link_views(views.link, [one.link_view for one in digests], model=MODEL)
    attributes = load_attributes(views.attributes, [one.attributes for one in reversed(digests)])
    assert sorted(saved) == list(attributes["registratie_id"])
    assert by_name(records, list(attributes["registratie_id"].to_numpy()[rows_of(numbers, attributes)])) == saved


def test_entries_come_sorted_by_token_and_record(views: Views) -> None:
    digests = [views.save(random_records(20, seed), f"p{seed}").link_view for seed in range(3)]
    _, records = load_link_views(views.link, digests, model=MODEL)
    assert [entries.number for entries in records.passes] == [one.number for one in MODEL.passes]
    for entries in records.passes:
        keys = [(token.tobytes(), int(row)) for token, row in zip(entries.token, entries.row, strict=True)]
        assert keys == sorted(set(keys))


def test_no_views_are_no_records(views: Views) -> None:
    numbers, records = load_link_views(views.link, [], model=MODEL)
    attributes = load_attributes(views.attributes, [])
    assert (len(numbers), len(records), len(attributes), len(rows_of(numbers, attributes))) == (0, 0, 0, 0)
    assert [entries.sketch.shape for entries in records.passes] == [(0, MODEL.sketch_bytes(p)) for p in MODEL.passes]


def parquet(data: bytearray) -> Any:
    return pq.read_table(io.BytesIO(data))


def test_the_link_view_holds_no_attribute_and_the_attribute_store_no_entry(views: Views) -> None:
    digests = views.save(random_records(5, 1), "12345678")
    link = parquet(views.link.get(digests.link_view))
    assert link.column_names == ["row_number", "edd_week", "presence", *(f"pass_{p.number}" for p in MODEL.passes)]
    assert b"12345678" not in views.link.get(digests.link_view)
    attributes = parquet(views.attributes.get(digests.attributes))
    assert attributes.column_names == ["row_number", *ATTRIBUTES, "first_seen", "tokens_changed"]


def test_the_order_of_one_view_says_nothing_of_the_other(views: Views) -> None:
    digests = views.save(random_records(200, 1), "12345678")
    link = parquet(views.link.get(digests.link_view))["row_number"].to_pylist()
    attributes = parquet(views.attributes.get(digests.attributes))
    assert link == sorted(link)
    assert attributes["registratie_id"].to_pylist() == sorted(attributes["registratie_id"].to_pylist())
    place = {number: position for position, number in enumerate(link)}
    moved = [place[number] for number in attributes["row_number"].to_pylist()]
    # 200 rows in random order: a rank correlation of 0.3 or more has a chance of less than 1 in 10,000.
    assert abs(np.corrcoef(moved, range(200))[0, 1]) < 0.3


def test_row_numbers_are_new_each_time(views: Views) -> None:
    records = random_records(50, 1)
    first, second = (
        set(load_link_views(views.link, [views.save(records, "p").link_view], model=MODEL)[0].tolist())
        for _ in range(2)
    )
    assert first.isdisjoint(second)


def test_row_numbers_that_collide_are_drawn_again(views: Views) -> None:
    draws = [bytes(16), bytes(range(16))]
    digests = views.save(random_records(2, 1), "p", entropy=lambda _: draws.pop(0))
    numbers, _ = load_link_views(views.link, [digests.link_view], model=MODEL)
    assert (draws, len(set(numbers.tolist()))) == ([], 2)


def code_of(views: Views, digests: list[ViewDigests], model: LinkageModel = MODEL) -> str:
    with pytest.raises(StoreError) as refused:
        load_link_views(views.link, [one.link_view for one in digests], model=model)
    return refused.value.code


@pytest.mark.parametrize("origin", [("other", "ingest-1"), ("epoch-1", "other")])
def test_views_of_another_epoch_or_ingest_key_are_never_mixed(views: Views, origin: tuple[str, str]) -> None:
    ours = views.save(random_records(3, 1), "p")
    theirs = views.save(random_records(3, 2), "q", origin=EncodingOrigin(MODEL.digest, *origin))
    assert code_of(views, [ours, theirs]) == "store.mixed-origins"


def test_views_of_another_model_are_refused(views: Views) -> None:
    digests = views.save(random_records(3, 1), "p", origin=EncodingOrigin("0" * 64, "epoch-1", "ingest-1"))
    assert code_of(views, [digests]) == "store.other-model"


def test_a_view_named_twice_is_noticed(views: Views) -> None:
    digests = views.save(random_records(3, 1), "p")
    assert code_of(views, [digests, digests]) == "store.view-twice"


def test_views_that_do_not_belong_together_are_noticed(views: Views) -> None:
    ours, theirs = (views.save(random_records(3, seed), f"p{seed}") for seed in (1, 2))
    numbers, _ = load_link_views(views.link, [ours.link_view], model=MODEL)
    for wrong in ([theirs.attributes], [], [ours.attributes, theirs.attributes]):
        with pytest.raises(StoreError) as refused:
            rows_of(numbers, load_attributes(views.attributes, wrong))
        assert refused.value.code == "store.views-differ"


def test_the_origin_is_written_into_the_link_view(views: Views) -> None:
    digests = views.save(random_records(1, 1), "p")
    metadata = parquet(views.link.get(digests.link_view)).schema.metadata
    assert json.loads(metadata[b"dedup"]) == {
        "scheme": "dedup/v1",
        "model_digest": MODEL.digest,
        "epoch_key_id": "epoch-1",
        "ingest_key_id": "ingest-1",
    }
