"""A server's folder with a registered vendor, and the command line on it, as its operator works with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dedup.bundle.keys import SigningKey
from dedup.bundle.serverkeys import VENDORS_FOLDER, make_server_keys
from dedup.bundle.vendors import register_vendor
from dedup.cli.app import app
from dedup.errors import DedupError
from dedup.store.registry import Registry

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class Installation:
    """A server's folder whose vendor acme is registered, and the command line on it."""

    def __init__(self, folder: Path) -> None:
        (folder / "config").mkdir()
        (folder / "config" / "settings.toml").write_text("")
        self.config = folder / "config"
        self.keys = folder / "server" / "keys"
        self.vendors = self.keys / VENDORS_FOLDER
        self.database = folder / "server" / "store" / "registry.sqlite"
        make_server_keys(self.keys, created=NOW)
        self.key = SigningKey.generate().public()
        self.register(self.key)

    def register(self, key: Any, *, replace_keys: bool = False) -> None:
        register_vendor(
            self.vendors, vendor="acme", key=key, providers={"41000001"}, created=NOW, replace_keys=replace_keys
        )

    def registry(self) -> Registry:
        return Registry(f"sqlite:///{self.database}")

    def run(self, *arguments: object) -> Any:
        """Run a command and return its document; raises the error that it ends with."""
        words = [*map(str, arguments), "--json", "--config", str(self.config)]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


def code_of(action: Callable[[], Any]) -> str:
    with pytest.raises(DedupError) as caught:
        action()
    return caught.value.code
