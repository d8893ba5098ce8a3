"""What the commands of `dedup attack` share: the options that each of them takes, and the day that they stand for."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the made-up people, of keys and of guesses.")]
DayOption = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d"], help="Day of the simulation, which changes its people; else today."),
]


def date_of(day: datetime | None) -> date:
    """Return the day that `DayOption` names, today's in the Netherlands where it names none."""
    return (day or datetime.now(ZoneInfo("Europe/Amsterdam"))).date()
