"""`dedup serve`: the web server that vendors upload to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import ConfigOption, settings_from, this_command

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dedup.settings import Settings

DEFAULT_METRICS_PORT = 9464


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port to listen on.", min=1, max=65535)] = 8443,
    certificate: Annotated[
        Path | None, typer.Option("--tls-cert", help="The certificate chain; without it, a proxy has to do TLS.")
    ] = None,
    certificate_key: Annotated[Path | None, typer.Option("--tls-key", help="The certificate's private key.")] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Serve a throw-away installation for vendors to try against.")
    ] = False,
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the sandbox is: new, empty, or an earlier one.")
    ] = Path("sandbox"),
    openapi: Annotated[
        bool, typer.Option("--openapi", help="Print the API's OpenAPI document, and serve nothing.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Take uploads of vendors until it is told to stop.

    With --sandbox it makes keys, a vendor and an extract, says what to type, and opens bundles by itself
    (docs/vendors.md).

    Example: dedup serve --config config --host 0.0.0.0 --port 8443 --tls-cert fullchain.pem --tls-key privkey.pem
    """
    from contextlib import ExitStack, closing
    from datetime import UTC, datetime

    if openapi:
        _print_openapi()
        return
    from dedup.errors import ConfigError
    from dedup.service.server import serve as serve_until_stopped
    from dedup.service.serving import open_service

    if (certificate is None) != (certificate_key is None):
        raise ConfigError("config.tls", "--tls-cert and --tls-key belong together; name both, or neither.")
    settings = settings_from(config)
    default = f"{'https' if certificate else 'http'}://{host}:{port}"
    with ExitStack() as open_until_stopped:
        if sandbox:
            settings = open_until_stopped.enter_context(_sandbox(folder, settings, default))
        service = open_service(
            settings,
            issuer=settings.text("service", "issuer", default),
            clock=lambda: datetime.now(UTC),
        )
        open_until_stopped.enter_context(closing(service.store))
        typer.echo(f"Serving {service.issuer} on {host}:{port}.")
        serve_until_stopped(
            service,
            host=host,
            port=port,
            metrics_port=settings.count("service", "metrics_port", DEFAULT_METRICS_PORT),
            proxies=settings.text("service", "proxies", ""),
            certificate=certificate,
            certificate_key=certificate_key,
        )


def _sandbox(folder: Path, settings: Settings, url: str) -> AbstractContextManager[Settings]:
    """Make or take up a sandbox, say what to type first, and open its bundles while it is served."""
    from datetime import UTC, datetime

    from dedup.lab.opening import opening_bundles
    from dedup.lab.sandbox import first_steps, open_sandbox

    made = open_sandbox(folder, config=settings.config_dir, url=url, now=datetime.now(UTC))
    typer.echo(
        f"A sandbox in {folder}, with made-up data; remove it when you are done. In another terminal, type here:\n"
    )
    for step in first_steps(made, command=this_command(), here=Path.cwd()):
        typer.echo(f"  {step}")
    typer.echo("\ndocs/vendors.md goes on from there. Ctrl-C stops the server.\n")
    return opening_bundles(made.installation.settings)


def _print_openapi() -> None:
    from dedup.service.app import described_app
    from dedup.service.openapi import frozen

    typer.echo(frozen(described_app()), nl=False)
