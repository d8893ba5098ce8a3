"""A seed fixes every byte."""

import hashlib
from datetime import date
from pathlib import Path

import pandas as pd

from dedup.lab.simulate import SimulationSettings, generate, write


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def simulated(folder: Path, day: date, *, seed: int, harsh: bool = False, nights: int = 3) -> dict[str, str]:
    settings = SimulationSettings(registrations=1_500, doubles=0.08, seed=seed, day=day, harsh=harsh, nights=nights)
    write(generate(settings), folder)
    return digests(folder)


def test_same_seed_gives_same_bytes(tmp_path: Path, day: date) -> None:
    first, second = (simulated(tmp_path / name, day, seed=5) for name in ("one", "two"))
    assert len(first) > 12
    assert first == second


def test_another_seed_gives_other_extracts_and_another_truth(tmp_path: Path, day: date) -> None:
    first, second = (simulated(tmp_path / str(seed), day, seed=seed) for seed in (5, 6))
    same = {name for name in first.keys() & second.keys() if first[name] == second[name]}
    assert same <= {"regions.csv"}


def test_harsh_keeps_the_women_and_changes_what_is_written(tmp_path: Path, day: date) -> None:
    mild, harsh = (simulated(tmp_path / str(harsh), day, seed=5, harsh=harsh) for harsh in (False, True))
    one, other = (pd.read_csv(tmp_path / str(harsh) / "truth.csv", dtype=str) for harsh in (False, True))
    assert one.drop(columns="fouten").equals(other.drop(columns="fouten"))
    assert one["fouten"].count() < other["fouten"].count()
    assert {name for name in mild if name.startswith("extracts/") and mild[name] != harsh[name]}
