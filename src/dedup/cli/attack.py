"""`dedup attack`: the published attacks against our own encodings, each beside a control on which it must succeed."""

from __future__ import annotations

import typer

attack = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@attack.callback()
def about() -> None:
    """Attack the encodings as a reader of the literature would; an attack that fails its own control is an error.

    Example: dedup attack gma --people 1000 --json
    """
