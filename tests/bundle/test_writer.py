"""A bundle's body waits in memory or in a file for the manifest that stands before it: its bytes do not tell which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dedup.bundle import writer
from dedup.bundle.writer import write_bundle


def test_a_body_too_large_for_memory_becomes_the_same_bundle(
    tmp_path: Path, model: Any, make_header: Any, make_batch: Any, monkeypatch: pytest.MonkeyPatch
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
