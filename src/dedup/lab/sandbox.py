"""A throw-away installation for a vendor to try against: keys, a made-up extract, credentials, and what to type first.

Everything that two or three parties do by hand in earnest (docs/keys.md) is done here at once, in one folder:

    vendors/acme/       what a vendor has: keys/, extracts/, credentials.json, server.pub, receipts.pub,
                        kraamzorg.toml and regions.csv
    custodian/          the epoch's linkage key, and the same sealed to the vendor
    config/, server/    the operator's
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from dedup.bundle.keyfiles import LinkageKey, ReceiptVerifyingKey, read_key, write_key
from dedup.bundle.serverkeys import make_server_keys, set_epochs
from dedup.errors import ConfigError
from dedup.lab.installation import Installation, settle_vendor
from dedup.lab.simulate import SimulationSettings, generate
from dedup.lab.simulate.files import write_extracts
from dedup.regions import read_regions
from dedup.send.credentials import checked_url, write_credentials

VENDOR = "acme"
PROVIDERS = 2
MARK = "sandbox"
HERE = ZoneInfo("Europe/Amsterdam")
_REGISTRATIONS = 400
_SEED = 1


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox's folder, and the URL that its vendor is told."""

    installation: Installation
    url: str

    @property
    def vendor_folder(self) -> Path:
        """What the made-up vendor has."""
        return self.installation.folder / "vendors" / VENDOR

    @property
    def providers(self) -> list[str]:
        """The AGB codes of the providers that the vendor delivers for."""
        return [extract.stem for extract in self.installation.extracts_of(VENDOR)]


def open_sandbox(folder: Path, *, config: Path, url: str, now: datetime) -> Sandbox:
    """Make a sandbox in a new or empty folder, or take up the one that is there; its credentials name `url`.

    `config` is the folder that the server's config is copied from; the extracts are of the day of `now`. Raises
    `ConfigError` (`sandbox.exists`) for a folder that holds something else, and `SendError` (`send.url`) for a URL that
    is not this machine's: there is no TLS here.
    """
    checked_url(url)
    sandbox = Sandbox(Installation(folder), url)
    if not (folder / MARK).is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError("sandbox.exists", f"{folder} is not empty and no sandbox; name another folder.")
        _build(sandbox, config, now)
        (folder / MARK).touch()
    credentials = sandbox.vendor_folder / "credentials.json"
    credentials.unlink(missing_ok=True)
    write_credentials(
        credentials,
        url=url,
        vendor=VENDOR,
        signing_key=sandbox.vendor_folder / "keys" / "signing.key",
        receipt_keys=[read_key(sandbox.vendor_folder / "receipts.pub", ReceiptVerifyingKey)],
        created=now,
    )
    return sandbox


def first_steps(sandbox: Sandbox, *, command: str = "dedup", here: Path) -> list[str]:
    """Return the commands, typed in the folder `here`, that lead to a first accepted upload."""
    folder = sandbox.vendor_folder.resolve()
    shown = folder.relative_to(here) if folder.is_relative_to(here) else folder
    agb = sandbox.providers[0]
    return [
        f"cd {shlex.quote(str(shown))}",
        f"{command} encode extracts/{agb}.csv --key keys/epoch.key --vendor {VENDOR} --seal-to server.pub "
        f"--sign-with keys/signing.key --out {agb}.bundle",
        f"{command} send {agb}.bundle --credentials credentials.json --await-report 60",
    ]


def _build(sandbox: Sandbox, config: Path, now: datetime) -> None:
    installation, folder, mine = sandbox.installation, sandbox.installation.folder, sandbox.vendor_folder
    shutil.copytree(config, folder / "config", dirs_exist_ok=True)
    serve_apart(folder / "config" / "settings.toml", metrics_port=0)
    make_server_keys(installation.server_keys, created=now)
    installation.inbox.mkdir(parents=True, mode=0o700)
    (folder / "custodian").mkdir(mode=0o700)
    epoch = LinkageKey.generate()
    write_key(folder / "custodian" / "epoch.key", epoch, created=now)
    set_epochs(installation.server_keys, frozenset({epoch.key_id}), created=now)
    registrations = generate(
        SimulationSettings(
            registrations=_REGISTRATIONS,
            doubles=0.08,
            seed=_SEED,
            day=now.astimezone(HERE).date(),
            regions=read_regions(config / "regions.csv"),
        )
    ).registrations
    providers = [str(agb) for agb in registrations["aanbieder_agb"].value_counts().index[:PROVIDERS]]
    settle_vendor(installation, VENDOR, providers, epoch, now)
    write_extracts(registrations[registrations["aanbieder_agb"].isin(providers)], mine / "extracts")
    for name, source in {
        "server.pub": installation.server_keys / "sealing.pub",
        "receipts.pub": installation.server_keys / "receipts.pub",
        "kraamzorg.toml": installation.settings.model_path,
        "regions.csv": installation.settings.regions_path,
    }.items():
        shutil.copyfile(source, mine / name)


def serve_apart(settings: Path, **service: str | int) -> None:
    """Let a copy of `settings.toml` say nothing of the operator's own store and service, but these members of it."""
    text = re.sub(r"(?ms)^\[(service|store)\][^\n]*\n.*?(?=^\[|\Z)", "", settings.read_text("utf-8"))
    members = "".join(f"{name} = {json.dumps(value)}\n" for name, value in service.items())
    settings.write_text(f"{text.rstrip()}\n\n[service]\n{members}", "utf-8")
