"""`dedup serve`: the web server that vendors upload to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dedup.cli.console import ConfigOption, settings_from

DEFAULT_METRICS_PORT = 9464


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port to listen on.", min=1, max=65535)] = 8443,
    certificate: Annotated[
        Path | None, typer.Option("--tls-cert", help="The certificate chain; without it, a proxy has to do TLS.")
    ] = None,
    certificate_key: Annotated[Path | None, typer.Option("--tls-key", help="The certificate's private key.")] = None,
    config: ConfigOption = None,
) -> None:
    """Take uploads of vendors until it is told to stop.

    Example: dedup serve --config config --host 0.0.0.0 --port 8443 --tls-cert fullchain.pem --tls-key privkey.pem
    """
    from contextlib import closing
    from datetime import UTC, datetime

    from dedup.errors import ConfigError
    from dedup.service.server import serve as serve_until_stopped
    from dedup.service.serving import open_service

    if (certificate is None) != (certificate_key is None):
        raise ConfigError("config.tls", "--tls-cert and --tls-key belong together; name both, or neither.")
    settings = settings_from(config)
    default = f"{'https' if certificate else 'http'}://{host}:{port}"
    service = open_service(
        settings,
        issuer=str(settings.section("service").get("issuer", default)),
        clock=lambda: datetime.now(UTC),
    )
    typer.echo(f"Serving {service.issuer} on {host}:{port}.")
    with closing(service.store):
        serve_until_stopped(
            service,
            host=host,
            port=port,
            metrics_port=settings.count("service", "metrics_port", DEFAULT_METRICS_PORT),
            proxies=str(settings.section("service").get("proxies", "")),
            certificate=certificate,
            certificate_key=certificate_key,
        )
