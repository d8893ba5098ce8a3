"""`dedup keys credentials` and `dedup keys fetch`: what a vendor needs to upload, and the server's key to seal to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import JsonOption, print_json


def credentials(
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not exist yet.")],
    url: Annotated[str, typer.Option("--url", help="The server's public URL.")],
    vendor: Annotated[str, typer.Option("--vendor", help="The code under which the operator registered you.")],
    signing_key: Annotated[Path, typer.Option("--signing-key", help="Your signing.key; only its path is written.")],
    receipt_keys: Annotated[
        list[Path], typer.Option("--receipt-key", help="The server's receipts.pub; may be given more than once.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Make a vendor's credentials file for `dedup send`: paths and public keys, no secret.

    Example: dedup keys credentials --out credentials.json --url https://dedup.example.nl --vendor acme
    --signing-key keys/signing.key --receipt-key receipts.pub
    """
    from datetime import UTC, datetime

    from dedup.bundle.keyfiles import ReceiptVerifyingKey, read_key
    from dedup.send.credentials import write_credentials

    receipts = [read_key(path, ReceiptVerifyingKey) for path in receipt_keys]
    key_id = write_credentials(
        out, url=url, vendor=vendor, signing_key=signing_key, receipt_keys=receipts, created=datetime.now(UTC)
    )
    named = [key.key_id for key in receipts]
    if as_json:
        print_json({"file": str(out), "signing_key_id": key_id, "receipts_key_ids": named})
    else:
        typer.echo(
            f"Wrote {out}: vendor {vendor} proves who it is with key {key_id}, and believes {', '.join(named)}. "
            "Compare these ids with the operator's by telephone."
        )


def fetch(
    credentials: Annotated[Path, typer.Option("--credentials", help="Made by `dedup keys credentials`.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; one that is there is replaced.")],
    as_json: JsonOption = False,
) -> None:
    """Fetch the server's public sealing key of today, signed with a receipt key that the credentials name.

    Example: dedup keys fetch --credentials credentials.json --out server.pub
    """
    import random
    import secrets
    import time
    from datetime import UTC, datetime

    import httpx

    from dedup.bundle.filewrite import replacing
    from dedup.bundle.keyfiles import key_document
    from dedup.send.credentials import read_credentials, remember_statement
    from dedup.send.patience import Patience
    from dedup.send.server import TIMEOUT, UploadServer

    known = read_credentials(credentials)
    patience = Patience(
        60, time.monotonic, time.sleep, random.SystemRandom().random, lambda told: typer.echo(told, err=True)
    )
    with httpx.Client(timeout=TIMEOUT) as http:
        statement = UploadServer(http, known, patience, lambda: datetime.now(UTC), secrets.token_bytes).connect()
    remember_statement(known, statement)
    key = next(iter(statement.sealing.values()))
    with replacing(out) as file:
        file.write(key_document(key, created=datetime.now(UTC)))
    if as_json:
        print_json({"file": str(out), "sealing_key_id": key.key_id})
    else:
        typer.echo(f"Wrote the server's sealing key {key.key_id} to {out}.")
