"""`dedup attack`: the published attacks against our own encodings, each beside a control on which it must succeed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dedup.cli.attack_options import DayOption, SeedOption, date_of
from dedup.cli.attack_population import block_graph, frequency, quasi, vendor_key
from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

attack = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ModelOption = Annotated[
    Path | None, typer.Option("--model", help="The linkage model that is attacked; else that of maternity care.")
]


@attack.callback()
def about() -> None:
    """Attack the encodings as a reader of the literature would; an attack that fails its own control is an error.

    Example: dedup attack gma --people 1000 --json
    """


attack.command("frequency")(frequency)
attack.command("block-graph")(block_graph)
attack.command("quasi")(quasi)
attack.command("vendor-key")(vendor_key)


@attack.command("gma")
def gma(
    people: Annotated[int, typer.Option(min=100, help="How many are encoded, and on the attacker's list.")] = 1000,
    overlaps: Annotated[
        list[float] | None, typer.Option("--overlap", min=0.01, max=1.0, help="Share known; else 1, 0.5 and 0.2.")
    ] = None,
    known_pairs: Annotated[int, typer.Option(min=0, help="Right pairs that are given to the attacker.")] = 0,
    seed: SeedOption = 1,
    day: DayOption = None,
    model_path: ModelOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Lay the graph of similar encodings over the graph of a clear list of people, which breaks Bloom filters.

    Example: dedup attack gma --people 1000 --overlap 1 --overlap 0.5 --json
    """
    _one_thread()
    from dedup.lab.attack.gma.run import OVERLAPS, attack_by_graph_matching

    its_own = {"overlaps": overlaps or OVERLAPS, "known_pairs": known_pairs}
    results = _run(attack_by_graph_matching, people, seed, day, model_path, config, **its_own)
    if as_json:
        print_json(results)
        return
    typer.echo("form    graph    overlap  Bloom filters      ours  99.9 % interval  by chance")
    for one in results:
        control, ours = one["control"], one["ours"]
        low, high = ours["interval"]
        typer.echo(
            f"{one['form']:<7} {one['graph']:<8} {one['overlap']:7g}  {control['reidentified']:>5} of "
            f"{control['of']:<5} {ours['reidentified']:9}  {low:6.2f} - {high:<6.2f}  {one['chance']:9.2g}"
        )


@attack.command("chain")
def chain(
    people: Annotated[int, typer.Option(min=1000, help="How many people; a third of them become chains.")] = 20_000,
    seed: SeedOption = 1,
    day: DayOption = None,
    model_path: ModelOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Compare sketches of records that share no block, directly and through a third record that shares one with each.

    Example: dedup attack chain --people 20000 --json
    """
    _one_thread()
    from dedup.lab.attack.chain import attack_by_chains

    results = _run(attack_by_chains, people, seed, day, model_path, config)
    if as_json:
        print_json(results)
        return
    typer.echo(f"AUC, {results[0]['chains']} chains (control, one sketch under pads: {results[0]['control_auc']:.4f})")
    for one in results:
        typer.echo(f"{one['form']:<7} directly                       {_auc(one)}")
        for name in ("one_record_in_two_blocks", "through_an_unlike_third", "through_an_alike_third"):
            typer.echo(f"{one['form']:<7} {name.replace('_', ' '):<30} {_auc(one[name])}")


@attack.command("known-plaintext")
def known_plaintext(
    people: Annotated[int, typer.Option(min=1000, help="How many people; one in a hundred is known.")] = 20_000,
    seed: SeedOption = 1,
    day: DayOption = None,
    model_path: ModelOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Train a classifier on the records of people one knows, and see what it says of the others.

    Example: dedup attack known-plaintext --people 20000 --json
    """
    _one_thread()
    from dedup.lab.attack.known_plaintext import attack_by_known_plaintext

    results = _run(attack_by_known_plaintext, people, seed, day, model_path, config)
    if as_json:
        print_json(results)
        return
    for one in results:
        typer.echo(f"{one['form']}: AUC over {one['of']:,} records, {one['known']} known")
        typer.echo(f"  Bloom filters                    {one['control_auc']:.4f}")
        typer.echo(f"  sketches                         {_auc(one)}")
        typer.echo(f"  presence and number of entries   {_auc(one['presence_and_number_of_entries'])}")


def _auc(measured: dict[str, Any]) -> str:
    low, high = measured["auc_interval"]
    return f"{measured['auc']:.4f}  (99.9 %: {low:.4f} - {high:.4f})"


def _run(
    attack_by: Callable[..., list[dict[str, Any]]],
    people: int,
    seed: int,
    day: datetime | None,
    model_path: Path | None,
    config: Path | None,
    **its_own: Any,
) -> list[dict[str, Any]]:
    from dedup.model.load import load_model

    folder = settings_from(config).config_dir
    model = load_model(model_path or folder / "linkage" / "kraamzorg.toml")
    return attack_by(model, people=people, seed=seed, day=date_of(day), config=folder, tell=_tell, **its_own)


def _one_thread() -> None:
    """Keep numpy's linear algebra on one thread, which for matrices of this size is quicker where cores are shared."""
    import os

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)
