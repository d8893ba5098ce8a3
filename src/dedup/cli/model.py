"""`dedup model`: work on linkage models."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import JsonOption, print_json

if TYPE_CHECKING:
    from dedup.extract.values import NormalisedTable
    from dedup.model.linkage import LinkageModel

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def model() -> None:
    """Work on linkage models.

    Example: dedup model fit-u extracts/*.csv --model config/linkage/kraamzorg.toml
    """


@app.command("check")
def check(
    model_path: Annotated[Path, typer.Argument(help="The linkage model.", show_default=False)],
    tables: Annotated[
        list[Path] | None, typer.Argument(help="Clear tables that it is for.", show_default=False)
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The day that checks of extracts count from."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a linkage model, and with a table also what its rules and passes make of it; counts only are printed.

    Example: dedup model check people.toml people.csv
    """
    import secrets

    from dedup.encode.subkeys import derive_subkeys
    from dedup.lab.model_check import fit_of
    from dedup.model.load import load_model

    linkage_model = load_model(model_path)
    if not tables:
        if as_json:
            print_json({"model": linkage_model.name, "digest": linkage_model.digest})
        else:
            typer.echo(f"{model_path} is a sound model.")
        return
    fit = fit_of(_load(tables, linkage_model, day), linkage_model, derive_subkeys(secrets.token_bytes(32)))
    if as_json:
        print_json({"model": linkage_model.name, "digest": linkage_model.digest, **fit.to_json()})
        return
    typer.echo(f"{fit.rows:,} rows")
    typer.echo(f"{'attribute':<20} {'filled':>7} {'distinct':>9} {'bits':>6} {'declared':>9}")
    for of in fit.attributes:
        typer.echo(
            f"{of.attribute.name:<20} {of.filled:>7.1%} {of.distinct:>9,} {of.bits:>6.1f} {of.attribute.bits:>9g}"
        )
    typer.echo(f"{'pass':<20} {'reached':>7} {'blocks':>9} {'pairs':>9} {'largest block':>14}")
    for found in fit.passes:
        typer.echo(
            f"{found.linkage_pass.number:<20} {found.reached:>7.1%} {found.blocks:>9,} {found.pairs:>9,} "
            f"{found.largest:>14,}"
        )
    for hint in fit.hints():
        typer.echo(hint)


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
    from dedup.lab.fit_u import fit_u as fit
    from dedup.lab.model_file import with_u
    from dedup.model.load import load_model

    linkage_model = load_model(model_path, without_u=True)
    tables = _load(extracts, linkage_model, day)
    if not tables:
        raise ExtractError("fit.no-extracts", "Name at least one extract.")
    fitted = fit(tables, linkage_model, np.random.default_rng(seed))
    target = out or model_path
    try:
        target.write_text(with_u(model_path.read_text("utf-8-sig"), fitted), "utf-8")
    except OSError as error:
        raise ModelError("fit.unwritable", f"{target} cannot be written.") from error
    if as_json:
        print_json({name: [list(row) for row in table] for name, table in fitted.items()})
    else:
        typer.echo(
            f"Fitted u of {len(fitted)} comparisons from {sum(len(t.ids) for t in tables):,} records in {target}."
        )


def _load(paths: list[Path], model: LinkageModel, day: datetime | None) -> list[NormalisedTable]:
    """Read and normalise extracts, or tables of the model."""
    from dedup.extract.load import load_person_table, load_registrations

    if model.table is None:
        today = (day or datetime.now(UTC)).date()
        return [load_registrations(path, model, today=today, regions=None)[0] for path in paths]
    return [load_person_table(path, model) for path in paths]
