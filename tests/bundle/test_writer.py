"""A bundle is written whole or not at all; a larger one takes no more memory, and a held body the same bytes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dedup.bundle import writer
from dedup.bundle.payload import BundleBatch, write_batch
from dedup.bundle.reader import open_bundle
from dedup.bundle.sealing import CHUNK_BYTES
from dedup.bundle.writer import write_bundle
from dedup.model.linkage import LinkageModel

from .reading import Make, code_of, read_all


def test_a_failed_write_leaves_the_target_as_it_was(
    tmp_path: Path, model: LinkageModel, party: Any, make_batch: Make, make_header: Make
) -> None:
    path = tmp_path / "a.bundle"
    path.write_bytes(b"before")

    def failing() -> Iterator[BundleBatch]:
        yield make_batch(model, 3)
        raise RuntimeError("the extract broke off")

    keys = {"seal_to": party.server.public(), "sign_with": party.vendor}
    with pytest.raises(RuntimeError, match="broke off"):
        write_bundle(path, header=make_header(), statistics={}, batches=failing(), model=model, **keys)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_one_key_without_the_other_is_refused(
    tmp_path: Path, model: LinkageModel, party: Any, make_header: Make
) -> None:
    arguments: dict[str, Any] = {"header": make_header(), "statistics": {}, "batches": [], "model": model}
    for keys in ({"seal_to": party.server.public(), "sign_with": None}, {"seal_to": None, "sign_with": party.vendor}):
        assert code_of(lambda keys=keys: write_bundle(tmp_path / "a", **arguments, **keys)) == "bundle.seal-and-sign"


def test_a_bundle_of_many_chunks_is_read_back(
    tmp_path: Path, model: LinkageModel, party: Any, make_batch: Make, make_header: Make
) -> None:
    path = tmp_path / "large.bundle"
    batches = [make_batch(model, 2000, first=2000 * i, seed=i) for i in range(3)]
    keys = {"seal_to": party.server.public(), "sign_with": party.vendor}
    manifest = write_bundle(path, header=make_header(), statistics={}, batches=batches, model=model, **keys)
    assert manifest.body_bytes > 3 * CHUNK_BYTES
    assert [write_batch(b, model) for b in batches] == [write_batch(b, model) for b in read_all(path, model, party)]


def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, model: LinkageModel, party: Any, make_batch: Make, make_header: Make
) -> None:
    keys = {"seal_to": party.server.public(), "sign_with": party.vendor}
    peaks = []
    for count in (12, 36):
        path = tmp_path / f"{count}.bundle"
        batches = (make_batch(model, 400, first=400 * i, seed=i) for i in range(count))
        tracemalloc.start()
        write_bundle(path, header=make_header(), statistics={}, batches=batches, model=model, **keys)
        with open_bundle(path, model=model, opened_with=party.server, trusted=party.trusted) as bundle:
            assert sum(len(batch.records) for batch in bundle.batches) == 400 * count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0], peaks


def test_a_body_too_large_for_memory_becomes_the_same_bundle(
    tmp_path: Path, model: LinkageModel, make_header: Make, make_batch: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(name: str) -> bytes:
        write_bundle(
            tmp_path / name,
            header=make_header(),
            statistics={"rows": 9},
            batches=[make_batch(model, 5), make_batch(model, 4, first=5)],
            model=model,
            seal_to=None,
            sign_with=None,
        )
        return (tmp_path / name).read_bytes()

    small = written("small")
    monkeypatch.setattr(writer, "SMALL_BODY_BYTES", len(small) // 2)
    assert written("large") == small
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large", "small"]
