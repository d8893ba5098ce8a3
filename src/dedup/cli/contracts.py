"""`dedup contracts`: the confidential list of contracted providers, kept encrypted at the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

contracts = typer.Typer(no_args_is_help=True, help="Keep the preferred insurers' list of contracted providers.")


@contracts.command("import")
def import_list(
    file: Annotated[
        Path, typer.Argument(metavar="CONTRACTS.csv", help="ksv;aanbieder_agb;naam;verzekeraar;van;tot", exists=True)
    ],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check the list and keep it encrypted, in place of the earlier one; nothing of it is printed but counts.

    Lines that a person must look at are given by number. Remove the file yourself when it is kept.

    Example: dedup contracts import contracts.csv
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from dedup.bundle.serverkeys import load_server_keys
    from dedup.nightly.contracts import keep_contracts
    from dedup.nightly.reporting import names_in
    from dedup.reports.contracts import match_contracts

    settings = settings_from(config)
    keys = load_server_keys(settings.server_home / "keys")
    listed = keep_contracts(settings, keys, file.read_bytes())
    today = datetime.now(ZoneInfo("Europe/Amsterdam")).date()
    held = match_contracts(listed, names_in(settings), today)
    document = {
        "lines": len(listed),
        "hold_today": len(held.table),
        "ksvs": int(held.table["ksv"].nunique()),
        "providers": int(held.table["aanbieder_agb"].nunique()),
        "insurers": len(held.ksvs_of_insurers()),
        "doubtful_lines": [one.line for one in held.doubtful],
    }
    if as_json:
        print_json(document)
        return
    typer.echo(
        f"Kept {document['lines']} lines, encrypted; {document['hold_today']} hold today: {document['providers']} "
        f"providers in {document['ksvs']} KSVs."
    )
    if held.doubtful:
        numbers = ", ".join(str(one.line) for one in held.doubtful)
        typer.echo(f"Look at line {numbers}: the name and the AGB code do not surely belong together.")
