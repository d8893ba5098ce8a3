"""`dedup bench encode` and `bench link` print what others rely on; peers get the same rows and are scored as we are."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from dedup.extract.load import load_person_table
from dedup.lab.bench.clear import write_clear, write_plain
from dedup.lab.bench.contest import check_models, score_groups
from dedup.lab.bench.environments import cache_folder, peer_python
from dedup.lab.bench.material import made_once, make_febrl, make_persons, make_simulation
from dedup.lab.bench.process import BenchError, measure_command
from dedup.model.load import load_model

ROOT = Path(__file__).parents[3]
DAY = date(2026, 11, 22)
MACHINE = {"processors", "load_average", "memory_bytes", "processor", "python", "system"}


def test_bench_encode_prints_times_of_every_stage(bench):
    result = bench("encode", "--registrations", 600, "--seed", 12, "--date", DAY)
    assert result["records"] in range(560, 601)
    assert set(result["ours"]["stages"]) == set(result["ours"]["cpu_stages"]) == {"read", "encode", "write"}
    assert result["ours"]["seconds"] == pytest.approx(sum(result["ours"]["stages"].values()), abs=0.01)
    assert result["ours"]["records_per_second"] > 0
    assert result["ours"]["peak_rss_bytes"] > 2**20
    assert result["peers"] == {}
    assert set(result["machine"]) == MACHINE


def test_bench_link_keeps_its_data_and_scores_what_it_links(bench, tmp_path):
    """A second run with the same figures starts from the bundles of the first."""
    asked = ("link", "--seed", 12, "--date", DAY, "--data", tmp_path)
    first = bench(*asked, "--registrations", 600)
    bundles = {path.name: path.read_bytes() for path in (tmp_path / "bundles").glob("*.bundle")}
    second = bench(*asked, "--registrations", 600)
    assert bundles == {path.name: path.read_bytes() for path in (tmp_path / "bundles").glob("*.bundle")}
    for result in (first, second):
        table = result["ours"]["table"]
        assert set(table) == {"survey", "ids", "take", "rekey", "blocks", "compare"}
        assert set(result["ours"]["stages"]) == {*table, "weights", "groups", "write"}
        assert all(0 <= row["share_of_limit"] < 1 and row["bytes"] > 0 for row in table.values())
        assert 0 < result["ours"]["linking_seconds"] < sum(result["ours"]["stages"].values()) + 0.01
        assert len(result["ours"]["result_digest"]) == 64
        assert result["ours"]["f1"] >= 0.98
        assert result["ours"]["groups_f1"] >= 0.98
    assert first["ours"]["result_digest"] == second["ours"]["result_digest"]
    assert (first["records"], first["ours"]["f1"]) == (second["records"], second["ours"]["f1"])


def test_bench_scale_links_a_tenth_and_the_whole(bench, tmp_path):
    result = bench("scale", "--registrations", 10_000, "--data", tmp_path)
    assert (result["tenth"]["records"], result["ours"]["records"]) == (1_000, 10_000)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["1000-2", "10000-2"]
    seconds = [result[part]["linking_seconds"] for part in ("tenth", "ours")]
    assert result["time_ratio"] == pytest.approx(seconds[1] / seconds[0], abs=0.01)
    assert result["tenth"]["result_digest"] != result["ours"]["result_digest"]


def test_an_unknown_peer_is_named_before_any_work(bench):
    fault = bench("link", "--registrations", 100, "--peers", "magic", code=1)
    assert (fault["error"], "magic" in fault["message"]) == ("bench.unknown-peer", True)


@pytest.mark.parametrize("peer", ["recordlinkage", "clkhash"])
def test_a_peer_without_a_model_of_the_table_is_named_before_any_work(peer, tmp_path):
    asked = {"records": 100, "seed": 1, "config": ROOT / "config", "day": DAY}
    with pytest.raises(BenchError) as unmodelled:
        check_models(["splink", "reference", peer], make_persons("members", tmp_path / "members", **asked))
    assert (unmodelled.value.code, peer in unmodelled.value.message) == ("bench.no-model", True)
    check_models([peer], make_febrl("febrl3", tmp_path / "febrl", config=ROOT / "config", day=DAY))


def test_the_clear_table_holds_the_values_that_the_encoder_hashes(tmp_path):
    """Several values of one record become a list, a missing value null."""
    material = make_febrl("febrl3", tmp_path, config=ROOT / "config", day=DAY)
    write_clear(material, tmp_path / "clear.parquet")
    clear = pd.read_parquet(tmp_path / "clear.parquet")
    hashed = load_person_table(material.extracts[0], load_model(material.model))
    assert clear["registratie_id"].tolist() == list(hashed.ids)
    for name in ("given_name", "soc_sec_id", "street_code"):
        values = [hashed.attributes[name].of(record) for record in range(len(clear))]
        assert clear[name].fillna("").tolist() == [value[0] if value else "" for value in values]
    names = [hashed.attributes["names"].of(record) for record in range(len(clear))]
    assert [() if several is None else tuple(several) for several in clear["names"]] == names


def test_the_plain_table_has_the_rows_that_were_linked(tmp_path):
    material = make_simulation(tmp_path / "data", registrations=600, seed=12, config=ROOT / "config", day=DAY)
    write_clear(material, tmp_path / "clear.parquet")
    write_plain(material, tmp_path / "all.csv", ["achternaam"])
    write_plain(material, tmp_path / "linked.csv", ["achternaam"], clear=tmp_path / "clear.parquet")
    every, linked = (pd.read_csv(tmp_path / name) for name in ("all.csv", "linked.csv"))
    assert list(every.columns) == ["id", "achternaam"]
    assert set(linked["id"]) == set(pd.read_parquet(tmp_path / "clear.parquet")["registratie_id"])
    assert set(linked["id"]) < set(every["id"])


def test_data_of_other_figures_is_not_taken_for_what_was_asked(tmp_path):
    asked = {"seed": 12, "config": ROOT / "config", "day": DAY}
    one = make_simulation(tmp_path, registrations=600, **asked)
    assert make_simulation(tmp_path, registrations=600, **asked) == one
    with pytest.raises(BenchError) as other:
        make_simulation(tmp_path, registrations=700, **asked)
    assert other.value.code == "bench.other-data"


def test_what_was_made_in_part_is_made_anew_and_what_is_whole_is_kept(tmp_path):
    folder, made = tmp_path / "data", []

    def stopped(partial):
        partial.mkdir()
        (partial / "left-over").touch()
        raise KeyboardInterrupt

    def whole(partial):
        partial.mkdir()
        (partial / "all").touch()
        made.append(partial)

    with pytest.raises(KeyboardInterrupt):
        made_once(folder, stopped)
    assert not folder.exists()
    made_once(folder, whole)
    made_once(folder, whole)
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert [path.name for path in folder.iterdir()] == ["all"]


def test_groups_are_scored_over_all_their_pairs(tmp_path):
    """Women a and b: three of a's pairs are wanted; the groups hold one of them and one wrong pair."""
    ids = ["1", "2", "3", "4"]
    pd.DataFrame({"registratie_id": ids, "vrouw": ["a", "a", "a", "b"]}).to_csv(tmp_path / "truth.csv", index=False)
    groups = pd.DataFrame({"registratie_id": ids, "group": ["x", "x", "y", "y"]})
    groups.to_parquet(tmp_path / "groups.parquet")
    assert score_groups(tmp_path / "truth.csv", tmp_path / "groups.parquet") == pytest.approx(2 * 1 / (3 + 2))


def test_a_process_is_measured_without_the_memory_of_the_one_that_starts_it():
    held = bytearray(200 << 20)
    measured = measure_command([sys.executable, "-c", "print('done')"], name="nothing")
    assert (measured.output, len(held)) == ("done\n", 200 << 20)
    assert measured.peak_rss_bytes < 100 << 20


def test_a_process_gets_as_many_processors_as_it_is_given():
    code = "import os; print(len(os.sched_getaffinity(0)))"
    assert measure_command([sys.executable, "-c", code], name="counting", cores=1).output == "1\n"


def test_a_process_that_fails_is_not_measured():
    with pytest.raises(BenchError) as failed:
        measure_command([sys.executable, "-c", "raise SystemExit(7)"], name="failing")
    assert (failed.value.code, "7" in failed.value.message) == ("bench.failed", True)


def test_a_peer_without_a_lock_is_not_installed(tmp_path):
    with pytest.raises(BenchError) as unlocked:
        peer_python("splink", config=tmp_path, cache=tmp_path / "cache", tell=print)
    assert unlocked.value.code == "bench.no-lock"
    assert not (tmp_path / "cache").exists()


def test_environments_are_kept_where_the_user_keeps_caches(tmp_path):
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "dedup" / "bench"
    assert cache_folder({}) == Path.home() / ".cache" / "dedup" / "bench"


@pytest.mark.parametrize("peer", ["splink", "recordlinkage", "clkhash"])
def test_every_lock_holds_hashes_and_no_addresses(peer):
    lines = (ROOT / "config" / "bench" / f"{peer}.lock").read_text("utf-8").splitlines()
    pinned = [line for line in lines if line and line[0] not in "# "]
    assert any(line.startswith(f"{peer}==") for line in pinned)
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert not any("://" in line for line in lines)


@pytest.mark.trial
@pytest.mark.parametrize(("peer", "least"), [("splink", 0.999), ("recordlinkage", 0.998), ("clkhash", 0.995)])
def test_peers_link_febrl_4_as_their_makers_say(bench, peer, least):
    """A peer that does badly here is used badly, and no measure for us."""
    scores = bench("quality", "febrl4", "--keys", 1, "--peers", peer)["peers"][peer]
    assert scores["best_f1"] >= least


@pytest.mark.trial
def test_peers_take_part_in_the_contests(bench):
    encoded = bench("encode", "--registrations", 2_000, "--peers", "clkhash")
    assert set(encoded["peers"]["clkhash"]) >= {"seconds", "ratio", "cpu_ratio", "stages", "bytes"}
    linked = bench("link", "--registrations", 5_000, "--peers", "splink,recordlinkage")
    for peer in ("splink", "recordlinkage"):
        assert linked["peers"][peer]["f1"] >= 0.98
        assert set(linked["peers"][peer]) >= {"seconds", "ratio", "cpu_ratio", "stages", "groups_f1", "peak_rss_bytes"}
