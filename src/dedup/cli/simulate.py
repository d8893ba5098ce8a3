"""`dedup simulate`: made-up extracts with the truth beside them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; it may not hold extracts yet.")],
    registrations: Annotated[int, typer.Option(min=1, help="How many registrations, doubles included.")],
    doubles: Annotated[float, typer.Option(help="Share of registrations that are a second one elsewhere.")] = 0.08,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    providers: Annotated[int | None, typer.Option(help="How many providers; by default one per 475.")] = None,
    ksvs: Annotated[int | None, typer.Option(help="How many KSVs; by default one per four providers.")] = None,
    harsh: Annotated[bool, typer.Option("--harsh", help="Three times as many errors.")] = False,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the snapshot; by default today.")
    ] = None,
    nights: Annotated[int, typer.Option(min=0, help="Also write as many nights up to that day.")] = 0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write made-up extracts of many providers and vendors, and the truth about them.

    Example: dedup simulate ./made-up --registrations 20000 --doubles 0.08 --seed 1
    """
    from zoneinfo import ZoneInfo

    from rich.console import Console

    from dedup.lab.simulate import SimulationSettings, generate, write
    from dedup.regions import read_regions

    asked = SimulationSettings(
        registrations=registrations,
        doubles=doubles,
        seed=seed,
        day=(day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date(),
        providers=providers,
        ksvs=ksvs,
        harsh=harsh,
        nights=nights,
        regions=read_regions(settings_from(config).regions_path),
    )
    with Console(stderr=True).status(f"Making up {registrations:,} registrations") as status:
        simulation = generate(asked)
        status.update(f"Writing them under {folder}")
        write(simulation, folder)
    kinds = simulation.truth["soort"].value_counts().to_dict()
    extracts = simulation.registrations["aanbieder_agb"].nunique()
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "registrations": len(simulation.truth),
                "delivered": len(simulation.registrations),
                "women": int(simulation.truth["vrouw"].nunique()),
                "extracts": int(extracts),
                "nights": [night.day.isoformat() for night in simulation.nights],
                "kinds": kinds,
            }
        )
        return
    typer.echo(
        f"Wrote {len(simulation.truth):,} registrations of {simulation.truth['vrouw'].nunique():,} women in {extracts} "
        f"extracts under {folder / 'extracts'}; {kinds.get('dubbel', 0):,} of them are doubles. "
        f"The truth is in {folder / 'truth.csv'}."
    )
