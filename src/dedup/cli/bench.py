"""`dedup bench`: measures the commands as their users run them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dedup.lab.bench.contest import Arena
    from dedup.lab.bench.material import Material

bench = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The simulation's; the models were fitted on seed 1.")]
DayOption = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the simulation, which changes its data; else today."),
]

PeersOption = Annotated[
    str, typer.Option("--peers", help="Peers to measure on the same data, with commas; each is installed once.")
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Keep the data in this folder, or use what an earlier run left; else thrown away."),
]


class DataSet(StrEnum):
    """Data whose truth is known."""

    FEBRL3 = "febrl3"
    FEBRL4 = "febrl4"
    PATIENTS = "patients"
    TENANTS = "tenants"
    MEMBERS = "members"
    SIMULATOR = "simulator"


@bench.callback()
def about() -> None:
    """Measure commands as their users run them.

    Example: dedup bench nightly --registrations 100000
    """


@bench.command("nightly")
def nightly(
    registrations: Annotated[int, typer.Option(min=100, help="How many registrations, doubles included.")] = 100_000,
    providers: Annotated[int, typer.Option(min=4, help="How many providers.")] = 200,
    ksvs: Annotated[int, typer.Option(min=1, help="How many KSVs.")] = 50,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the installation in this new folder; else it is thrown away.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure a night, from sealed bundles in the inbox to the reports of all KSVs; encoding is not counted.

    Example: dedup bench nightly --registrations 100000 --providers 200 --json
    """
    import tempfile
    from datetime import UTC

    from dedup.lab.bench.nightly import bench_nightly

    with tempfile.TemporaryDirectory() as scratch:
        result = bench_nightly(
            data or Path(scratch) / "installation",
            registrations=registrations,
            providers=providers,
            ksvs=ksvs,
            config=settings_from(config).config_dir,
            cores=_cores(),
            now=datetime.now(UTC),
            tell=_tell,
        )
    if as_json:
        print_json(result)
        return
    ours = result["ours"]
    typer.echo(
        f"{result['records']:,} registrations of {result['providers']} providers: {ours['seconds']:.1f} s, "
        f"{ours['peak_rss_bytes'] / 2**30:.2f} GiB at its peak, {ours['reports']} report files."
    )
    for stage, seconds in ours["stages"].items():
        typer.echo(f"  {stage:<9} {seconds:6.1f} s")


@bench.command("quality")
def quality(
    data: Annotated[
        DataSet, typer.Argument(help="FEBRL tables, made-up person tables, or the simulator.", show_default=False)
    ],
    registrations: Annotated[
        int, typer.Option(min=100, help="How many registrations or records to make up; FEBRL has its own number.")
    ] = 20_000,
    seed: SeedOption = 2,
    day: DayOption = None,
    harsh: Annotated[bool, typer.Option("--harsh", help="Simulate three times as many errors.")] = False,
    required_only: Annotated[
        bool, typer.Option("--required-only", help="Simulate without phone, e-mail and insurance number.")
    ] = False,
    keys: Annotated[int, typer.Option(min=1, help="How many fresh linkage keys; the worst counts.")] = 5,
    peers: PeersOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure how well encoded records are linked, under several fresh linkage keys.

    Example: dedup bench quality simulator --registrations 20000 --seed 2 --required-only
    """
    import tempfile
    from datetime import UTC

    from dedup.lab.bench.contest import LINKERS
    from dedup.lab.bench.quality import bench_quality

    now = datetime.now(UTC)
    contestants = _names(peers, LINKERS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wanted = {"registrations": registrations, "seed": seed, "harsh": harsh, "required_only": required_only}
        material = _material(data, folder / "data", day or now, config, wanted)
        result = {"data": data.value} | bench_quality(
            material,
            folder,
            keys=keys,
            peers=contestants,
            arena=_arena(config),
            processes=_cores(),
            now=now,
            tell=_tell,
        )
    if as_json:
        print_json(result)
        return
    typer.echo(f"{data.value}: {result['records']:,} records; precision, recall, F1, blocked recall, calibration error")
    for number, scores in enumerate(result["keys"], start=1):
        typer.echo(f"  key {number}: {_scores(scores)}")
    typer.echo(f"  worst: {_scores(result['worst'])}")
    for group, recall in result["worst"]["recall_by_group"].items():
        typer.echo(f"  recall of {group:<12} {recall:.4f}")
    for peer, scores in result["peers"].items():
        typer.echo(f"  {peer}: {_scores(scores)}")


@bench.command("encode")
def encode(
    registrations: Annotated[int, typer.Option(min=100, help="How many registrations to simulate.")] = 20_000,
    providers: Annotated[int | None, typer.Option(min=4, help="How many extracts; by default one per 475.")] = None,
    seed: SeedOption = 2,
    day: DayOption = None,
    peers: PeersOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure encoding on one processor, from the bytes of extracts to the bytes of bundles.

    Example: dedup bench encode --registrations 20000 --peers clkhash
    """
    import tempfile
    from datetime import UTC

    from dedup.lab.bench.contest import ENCODERS
    from dedup.lab.bench.encode import bench_encode

    now = datetime.now(UTC)
    contestants = _names(peers, ENCODERS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wanted = {"registrations": registrations, "seed": seed, "providers": providers}
        material = _material(DataSet.SIMULATOR, folder / "data", day or now, config, wanted)
        result = bench_encode(material, folder, peers=contestants, arena=_arena(config), now=now, tell=_tell)
    _print_contest(result, as_json=as_json)


@bench.command("link")
def link(
    registrations: Annotated[int, typer.Option(min=100, help="How many registrations to simulate.")] = 200_000,
    seed: SeedOption = 2,
    day: DayOption = None,
    data: DataOption = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Threads; else one a processor.")] = None,
    peers: PeersOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure linking, from bundles to groups, against peers that link the clear rows of the same people.

    Example: dedup bench link --registrations 200000 --peers splink,recordlinkage
    """
    import tempfile
    from datetime import UTC

    from dedup.lab.bench.contest import LINKERS
    from dedup.lab.bench.link import bench_link

    now = datetime.now(UTC)
    contestants = _names(peers, LINKERS)
    with tempfile.TemporaryDirectory() as scratch:
        folder = data or Path(scratch)
        wanted = {"registrations": registrations, "seed": seed}
        material = _material(DataSet.SIMULATOR, folder, day or now, config, wanted)
        result = bench_link(
            material,
            folder,
            peers=contestants,
            arena=_arena(config),
            cores=_cores(),
            workers=workers or _cores(),
            now=now,
            tell=_tell,
        )
    _print_contest(result, as_json=as_json)
    if not as_json:
        _print_table(result["ours"])


@bench.command("scale")
def scale(
    registrations: Annotated[int, typer.Option(min=10_000, help="How many made-up records.")] = 10_000_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is made up.")] = 2,
    data: DataOption = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Threads; else one a processor.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Measure how linking grows: so many made-up records against a tenth of them; 10 million take 9 GB of disk.

    Example: dedup bench scale --registrations 10000000 --data /var/tmp/scale
    """
    import tempfile

    from dedup.lab.bench.scale import bench_scale

    with tempfile.TemporaryDirectory() as scratch:
        result = bench_scale(
            data or Path(scratch),
            records=registrations,
            seed=seed,
            model=settings_from(config).config_dir / "linkage" / "kraamzorg.toml",
            processes=_cores(),
            workers=workers or _cores(),
            tell=_tell,
        )
    if as_json:
        print_json(result)
        return
    for linked in (result["tenth"], result["ours"]):
        typer.echo(f"{linked['records']:,} records, {linked['peak_rss_bytes'] / 2**30:.2f} GiB at its peak.")
        _print_table(linked)
    typer.echo(
        f"Ten times as many take {result['time_ratio']} times as long ({result['cpu_ratio']} of processor time)."
    )


def _print_table(ours: dict[str, Any]) -> None:
    """Print what each stage worked on and how near it comes to what the machine can do."""
    typer.echo(f"From opening bundles to groups: {ours['linking_seconds']:.2f} s on {ours['workers']} threads.")
    for stage, row in ours["table"].items():
        typer.echo(
            f"  {stage:<9} {ours['stages'][stage]:7.2f} s {ours['cpu_stages'][stage]:7.2f} s of processor "
            f"{row['bytes'] / 1e6:8.0f} MB, {row['share_of_limit']:6.1%} of the limit for {row['limit']}"
        )
    typer.echo(f"Result digest {ours['result_digest']}")


def _print_contest(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    ours = result["ours"]
    typer.echo(
        f"{result['records']:,} records: {ours['seconds']:.2f} s ({ours['cpu_seconds']:.2f} s of processor), "
        f"{ours['records_per_second']:,} records/s, {ours['peak_rss_bytes'] / 2**30:.2f} GiB at its peak."
    )
    for stage, seconds in ours["stages"].items():
        typer.echo(f"  {stage:<9} {seconds:7.2f} s")
    for peer, theirs in result["peers"].items():
        f1 = f", F1 {theirs['f1']:.4f} (ours {ours['f1']:.4f})" if "f1" in theirs else ""
        typer.echo(
            f"{peer}: {theirs['seconds']:.2f} s ({theirs['cpu_seconds']:.2f} s of processor); "
            f"we take {theirs['ratio']:.2f} of its time ({theirs['cpu_ratio']:.2f} of its processor time){f1}."
        )


def _material(data: DataSet, folder: Path, day: datetime, config: Path | None, wanted: dict[str, Any]) -> Material:
    """Make the data that was asked for; `wanted` is what `make_simulation` is told about it."""
    from zoneinfo import ZoneInfo

    from dedup.lab.bench.material import PERSONS, make_febrl, make_persons, make_simulation

    settings = settings_from(config)
    today = (day if day.tzinfo is None else day.astimezone(ZoneInfo("Europe/Amsterdam"))).date()
    if data.value in PERSONS:
        records, seed = wanted["registrations"], wanted["seed"]
        return make_persons(data.value, folder, records=records, seed=seed, config=settings.config_dir, day=today)
    if data is not DataSet.SIMULATOR:
        return make_febrl(data.value, folder, config=settings.config_dir, day=today)
    _tell(f"Simulating {wanted['registrations']:,} registrations.")
    return make_simulation(folder, config=settings.config_dir, day=today, **wanted)


def _arena(config: Path | None) -> Arena:
    import os

    from dedup.lab.bench.contest import Arena
    from dedup.lab.bench.environments import cache_folder

    return Arena(config=settings_from(config).config_dir, cache=cache_folder(os.environ), tell=_tell)


def _names(peers: str, known: Sequence[str]) -> list[str]:
    """Return the peers that were named; raises `BenchError` for one that cannot do this."""
    from dedup.lab.bench.contest import check_peers

    named = [name.strip() for name in peers.split(",") if name.strip()]
    check_peers(named, known)
    return named


def _scores(scores: dict[str, Any]) -> str:
    names = ("precision", "recall", "f1", "blocked_recall", "calibration_error")
    return "  ".join("-".rjust(7) if scores[name] is None else f"{scores[name]:.5f}" for name in names)


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)
