"""`dedup model`: work on linkage models."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import JsonOption, print_json

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def model() -> None:
    """Work on linkage models.

    Example: dedup model fit-u extracts/*.csv --model config/linkage/kraamzorg.toml
    """


@app.command("fit-u")
def fit_u(
    extracts: Annotated[list[Path], typer.Argument(help="Clear extracts, or tables of the model.", show_default=False)],
    model_path: Annotated[Path, typer.Option("--model", help="The model whose u tables are fitted.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the model goes; else it is changed in place.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the sample of pairs.")] = 1,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The day that checks count from.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute how often two different people reach each comparison level, from clear data at its source.

    Only the table of probabilities is written into the model; no value of the data is.

    Example: dedup model fit-u extracts/*.csv --model config/linkage/kraamzorg.toml
    """
    import numpy as np

    from dedup.errors import ExtractError, ModelError
    from dedup.extract.load import load_person_table, load_registrations
    from dedup.lab.fit_u import fit_u as fit
    from dedup.lab.model_file import with_u
    from dedup.model.load import load_model

    linkage_model = load_model(model_path)
    if linkage_model.table is None:
        today = (day or datetime.now(UTC)).date()
        tables = [load_registrations(path, linkage_model, today=today, regions=None)[0] for path in extracts]
    else:
        tables = [load_person_table(path, linkage_model) for path in extracts]
    if not tables:
        raise ExtractError("fit.no-extracts", "Name at least one extract.")
    fitted = fit(tables, linkage_model, np.random.default_rng(seed))
    target = out or model_path
    try:
        target.write_text(with_u(model_path.read_text("utf-8"), fitted), "utf-8")
    except OSError as error:
        raise ModelError("fit.unwritable", f"{target} cannot be written.") from error
    if as_json:
        print_json({name: [list(row) for row in table] for name, table in fitted.items()})
    else:
        typer.echo(
            f"Fitted u of {len(fitted)} comparisons from {sum(len(t.ids) for t in tables):,} records in {target}."
        )
