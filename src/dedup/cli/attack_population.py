"""The attacks of `dedup attack` that are made on everybody who is registered: by counting, by structure, by keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dedup.cli.attack_options import DayOption, SeedOption, date_of
from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

if TYPE_CHECKING:
    import numpy as np

    from dedup.lab.attack.population import Population
    from dedup.model.linkage import LinkageModel

Attack = Callable[["Population", "LinkageModel", "np.random.Generator"], list[dict[str, Any]]]

PeopleOption = Annotated[int, typer.Option("--people", min=1_000, help="How many registrations, doubles included.")]


def frequency(
    people: PeopleOption = 20_000,
    seed: SeedOption = 1,
    day: DayOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Count block tokens and compare with a phone book that knows how often every value occurs.

    Example: dedup attack frequency --people 20000 --json
    """
    from dedup.lab.attack.frequency import frequency_attack

    lines = _run(frequency_attack, people, seed, day, config)
    _show(lines, as_json, lambda line: f"{line['form']:<6}  {' + '.join(line['pass'])}")


def block_graph(
    people: PeopleOption = 20_000,
    seed: SeedOption = 1,
    day: DayOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Lay blocks that are known in clear over those of a stolen link view, and of all that the server holds.

    Example: dedup attack block-graph --people 20000 --json
    """
    from dedup.lab.attack.block_graph import block_graph_attack

    lines = _run(block_graph_attack, people, seed, day, config)
    _show(lines, as_json, _what_was_stolen)


def quasi(
    people: PeopleOption = 20_000,
    seed: SeedOption = 1,
    day: DayOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Count the registrations that are unique in the attributes that a bundle carries in clear.

    Example: dedup attack quasi --people 200000 --json
    """
    from dedup.lab.attack.quasi import quasi_attack

    lines = _run(lambda population, _model, _rng: quasi_attack(population), people, seed, day, config)
    _show(lines, as_json, lambda line: f"in threes or fewer {line['few']['share']:.1%}  {line['name']}")


def vendor_key(
    people: PeopleOption = 20_000,
    seed: SeedOption = 1,
    day: DayOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read a stolen store with the linkage key, with the ingest key, and with both, which is a total break.

    Example: dedup attack vendor-key --people 20000 --json
    """
    from dedup.lab.attack.vendor_key import vendor_key_attack

    lines = _run(vendor_key_attack, people, seed, day, config)
    _show(
        lines,
        as_json,
        lambda line: (
            f"{' and '.join(line['keys'])} key, {line['overlap']:.0%} of the people: {line['reads']}"
            + (f", {line['form']}, label {line['label']}" if "label" in line else "")
        ),
    )


def _what_was_stolen(line: dict[str, Any]) -> str:
    return f"{line['form']}, label {line['label']}, knows {line['overlap']:.0%} of {line['known']}"


def _run(attack: Attack, people: int, seed: int, day: datetime | None, config: Path | None) -> list[dict[str, Any]]:
    import numpy as np

    from dedup.lab.attack.population import draw_population
    from dedup.model.load import load_model

    settings = settings_from(config)
    model = load_model(settings.model_path)
    typer.echo(f"Making up {people:,} registrations.", err=True)
    population = draw_population(people, seed=seed, day=date_of(day), config=settings.config_dir, model=model)
    typer.echo("Attacking.", err=True)
    return attack(population, model, np.random.default_rng(seed))


def _show(lines: list[dict[str, Any]], as_json: bool, what: Callable[[dict[str, Any]], str]) -> None:
    if as_json:
        print_json(lines)
        return
    for line in lines:
        ours, control = line["ours"], line["control"]
        typer.echo(
            f"{ours['reidentified']:>8,} of {ours['of']:,} ({ours['share']:.2%}; by chance {line['chance']:.1f}; "
            f"control {control['reidentified']:,} of {control['of']:,})  {what(line)}"
        )
